//! Queues: items go from the tasks that put to the tasks that get.
//!
//! Putting an item wakes the first getter, but does not give it the item: whoever runs first takes it, and a woken getter
//! that finds nothing goes to the *back* of the line. So a queue is not fair, exactly as CPython's is not. The same holds
//! for putters and free places.
//!
//! A woken wait has left the line (`pop_wake`), unlike in `locks`. If its task is cancelled or its future dropped before
//! it runs, and there still is something to get, the next in line is woken in its place: no wake-up is lost.
//!
//! The object's fields: `waiters` getters, `others` putters, `count` items, `extra` the bound (0 = none), `hold` 0 while
//! the queue is plain (see `state::is_plain`). The items and
//! the tasks that `join` are in `state`. Items are compared (`comparing`) and dropped outside of any access to the loop.

mod comparing;
mod items;
mod kinds;
mod refused;
mod state;
mod waiting;

pub use kinds::{LifoQueue, PriorityQueue};
pub use refused::Refused;
pub use waiting::{QueueGet, QueueJoin, QueuePut};

use crate::schedule::Touch;
use crate::store::{Object, ObjectKind, TypedRef};
use crate::{Error, ErrorKind, Result};
use items::Order;
use refused::refusal;
use state::{Get, Put, State, is_full, is_plain, mark_special};
use std::fmt;

/// A queue between tasks, first in, first out.
///
/// # Order
/// A put wakes the first getter, which runs one tick later. If another task takes the item before that, the getter goes
/// to the back of the line.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/queues.py`, `Queue`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let letters = asyncio::Queue::new(0).named("letters");
///     let reader = asyncio::create_task({
///         let letters = letters.clone();
///         async move { letters.get().await }
///     });
///     letters.put("dear reader").await?;
///     assert_eq!(reader.await?, "dear reader");
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct Queue<T> {
    state: TypedRef<State<T>>,
}

impl<T: 'static> Queue<T> {
    /// Makes an empty queue for at most `maxsize` items; 0 is no bound.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(maxsize: usize) -> Queue<T> {
        Queue::with_order(maxsize, Order::Fifo)
    }

    #[track_caller]
    fn with_order(maxsize: usize, order: Order<T>) -> Queue<T> {
        let state = TypedRef::new(ObjectKind::Queue, State::new(order));
        let _ = state.access(|_, object, _| {
            object.extra = u32::try_from(maxsize).unwrap_or(u32::MAX);
            if !matches!(order, Order::Fifo) {
                mark_special(object);
            }
        });
        Queue { state }
    }

    /// Gives the queue a name for reports.
    pub fn named(self, name: impl Into<String>) -> Queue<T> {
        self.state.object().set_name(name.into());
        self
    }

    /// Waits until there is room, then puts the item in.
    ///
    /// Room is taken without giving way, even if others wait for it.
    ///
    /// # Order
    /// The first getter runs one tick later; a putter runs one tick after the get that makes room.
    ///
    /// # Cancellation
    /// The place in the line is given up, and the item is dropped with the future: it is not in the queue. If this task
    /// had just been told of room, the next putter is told.
    ///
    /// # Errors
    /// Kind `QueueShutDown` if the queue is or was shut down; kind `Cancelled` if this task is cancelled while it waits;
    /// kind `Runtime` if the event loop is closed. The item is dropped.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.put`.
    #[track_caller]
    pub fn put(&self, item: T) -> QueuePut<'_, T> {
        QueuePut::new(self, item)
    }

    /// Puts the item in if there is room.
    ///
    /// # Order
    /// The first getter runs one tick later.
    ///
    /// # Errors
    /// Kind `QueueFull` if there is no room; kind `QueueShutDown` if the queue was shut down; kind `Runtime` if the event
    /// loop is closed. [`Refused`] gives the item back, and `?` turns it into an [`Error`].
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.put_nowait`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let inbox = asyncio::Queue::new(1);
    ///     inbox.put_nowait("first")?;
    ///     let refused = inbox.put_nowait("second").unwrap_err();
    ///     assert_eq!(refused.kind(), asyncio::ErrorKind::QueueFull);
    ///     assert_eq!(refused.into_item(), "second");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    #[inline]
    pub fn put_nowait(&self, item: T) -> Result<(), Refused<T>> {
        let mut item = Some(item);
        let _ = self.state.access_plainly(|rt, object, state| {
            let room = state.items.len() < state.items.capacity() && !is_full(object) && is_plain(object);
            if !room || rt.watches_footprints() || !rt.pop_wake_plainly(&mut object.waiters) {
                return None;
            }
            state.items.push_back(item.take()?);
            object.count = state.items.len() as u32;
            state.unfinished += 1;
            Some(())
        });
        match item {
            None => Ok(()),
            Some(item) => self.put_rarely(item),
        }
    }

    #[inline(never)]
    #[track_caller]
    fn put_rarely(&self, item: T) -> Result<(), Refused<T>> {
        let mut item = Some(item);
        let put = self.state.access(|rt, object, state| {
            rt.touch(self.state.object().slot(), state.touch_of_put(object));
            state.put(rt, object, item.take().expect("an item is put once"))
        });
        match put {
            Some(Put::Done) => Ok(()),
            Some(Put::Compare(less, item)) => {
                self.put_by_comparing(item, less);
                Ok(())
            }
            Some(Put::Refused(kind, item)) => Err(Refused { kind, item }),
            None => Err(Refused { kind: ErrorKind::Runtime, item: item.expect("the access did not happen") }),
        }
    }

    /// Waits until there is an item, then takes it.
    ///
    /// # Order
    /// Runs one tick after the put that wakes it, and takes what is there then.
    ///
    /// # Cancellation
    /// The place in the line is given up. If this task had just been told of an item, the next getter is told.
    ///
    /// # Errors
    /// Kind `QueueShutDown` if the queue was shut down and is empty; kind `Cancelled` if this task is cancelled while it
    /// waits; kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.get`.
    #[track_caller]
    #[inline]
    pub fn get(&self) -> QueueGet<'_, T> {
        QueueGet::new(self)
    }

    /// Takes an item if there is one.
    ///
    /// # Order
    /// The first putter that waits for room runs one tick later.
    ///
    /// # Errors
    /// Kind `QueueEmpty` if there is none; kind `QueueShutDown` if there is none and the queue was shut down; kind `Runtime`
    /// if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.get_nowait`.
    #[track_caller]
    pub fn get_nowait(&self) -> Result<T> {
        let got = self.state.access(|rt, object, state| {
            rt.touch(self.state.object().slot(), state.touch_of_get(object));
            state.get(rt, object)
        });
        match got {
            Some(Get::Item(item)) => Ok(item),
            Some(Get::Compare(less)) => Ok(self.get_by_comparing(less)),
            Some(Get::Refused(kind)) => Err(refusal(kind)),
            None => Err(Error::loop_is_closed()),
        }
    }

    /// Says that an item which was taken has been dealt with: [`join`](Queue::join) waits for that.
    ///
    /// # Order
    /// After the last one, the tasks that join run one tick later.
    ///
    /// # Errors
    /// Kind `Value` if it is called more often than items were put; kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.task_done`.
    #[track_caller]
    pub fn task_done(&self) -> Result<()> {
        let done = self.state.access(|rt, _, state| {
            rt.touch(self.state.object().slot(), Touch::write_if(state.unfinished != 0));
            if state.unfinished == 0 {
                return false;
            }
            state.unfinished -= 1;
            if state.unfinished == 0 {
                state.wake_joiners(rt);
            }
            true
        });
        match done {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(ErrorKind::Value, "task_done() called too many times")),
            None => Err(Error::loop_is_closed()),
        }
    }

    /// Waits until every item that was put has been reported as done.
    ///
    /// # Order
    /// Does not suspend if there is none; otherwise returns one tick after the last `task_done`, even if items were put
    /// in between.
    ///
    /// # Cancellation
    /// Nothing is lost, since the last `task_done` wakes all who join.
    ///
    /// # Errors
    /// Kind `Cancelled` if this task is cancelled while it waits; kind `Runtime` if the event loop is closed.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.join`.
    #[track_caller]
    pub fn join(&self) -> QueueJoin<'_, T> {
        QueueJoin::new(self)
    }

    /// Shuts the queue down: puts fail from now on, gets fail once it is empty.
    ///
    /// With `immediate` the items that are in it are dropped and count as done. All who wait to put or get are woken, and
    /// look again.
    ///
    /// # Order
    /// They run one tick later: those who join first, then getters, then putters.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/queues.py`, `Queue.shutdown`.
    #[track_caller]
    pub fn shutdown(&self, immediate: bool) {
        let items = immediate.then(|| self.take_items());
        let _ = self.state.access(|rt, object, state| {
            rt.touch(self.state.object().slot(), Touch::Write);
            state.shut_down = true;
            mark_special(object);
            if let Some(items) = &items {
                object.count = 0;
                state.unfinished = state.unfinished.saturating_sub(items.len() as u64);
                if state.unfinished == 0 {
                    state.wake_joiners(rt);
                }
            }
            while rt.pop_wake(&mut object.waiters) {}
            while rt.pop_wake(&mut object.others) {}
        });
        drop(items); // the items' own drops: outside of the access
    }

    /// The number of items in the queue.
    #[track_caller]
    pub fn qsize(&self) -> usize {
        self.look(|object, _| object.count as usize).unwrap_or(0)
    }

    /// Is there no item?
    #[track_caller]
    pub fn empty(&self) -> bool {
        self.qsize() == 0
    }

    /// Is there no room? Never of a queue without a bound.
    #[track_caller]
    pub fn full(&self) -> bool {
        self.look(|object, _| is_full(object)).unwrap_or(false)
    }

    /// The most items that it may hold; 0 is no bound.
    #[track_caller]
    pub fn maxsize(&self) -> usize {
        self.look(|object, _| object.extra as usize).unwrap_or(0)
    }

    /// The items that were put and not yet reported as done.
    #[track_caller]
    pub fn unfinished_tasks(&self) -> usize {
        self.look(|_, state| state.unfinished as usize).unwrap_or(0)
    }

    /// Was the queue shut down?
    #[track_caller]
    pub fn is_shut_down(&self) -> bool {
        self.look(|_, state| state.shut_down).unwrap_or(false)
    }

    #[track_caller]
    fn look<R>(&self, f: impl FnOnce(&Object, &State<T>) -> R) -> Option<R> {
        self.state.access(|rt, object, state| {
            rt.touch(self.state.object().slot(), Touch::Read);
            f(object, state)
        })
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        Queue { state: self.state.clone() }
    }
}

impl<T: 'static> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::locks::debug(self.state.object(), f, |object| format!("items:{}", object.count))
    }
}
