//! Queues: items go from the tasks that put to the tasks that get.
//!
//! Putting an item wakes the first getter, but does not give it the item: whoever runs first takes it, and a woken getter
//! that finds nothing goes to the *back* of the line. So a queue is not fair, exactly as CPython's is not. The same holds
//! for putters and free places.
//!
//! A woken wait has left the line (`pop_wake`), unlike in `locks`. If its task is cancelled or its future dropped before
//! it runs, and there still is something to get, the next in line is woken in its place: no wake-up is lost.
//!
//! The object's fields: `waiters` getters, `others` putters, `count` items, `extra` the bound (0 = none). The items and
//! the tasks that `join` are in [`State`]. Items are compared (`items`) and dropped outside of any access to the loop.

mod items;
mod kinds;
mod waiting;

pub use kinds::{LifoQueue, PriorityQueue};
pub use waiting::{QueueGet, QueueJoin, QueuePut};

use crate::slots::List;
use crate::store::{Object, ObjectKind, TypedRef};
use crate::waits::Rt;
use crate::{Error, ErrorKind, Result};
use items::{Order, heap_pop, heap_push};
use std::collections::VecDeque;
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

/// What the object of a queue carries.
struct State<T> {
    items: VecDeque<T>,
    order: Order<T>,
    /// Items that were put and not yet reported as done. The event `_finished` of CPython is set while this is 0.
    unfinished: u64,
    joiners: List,
    shut_down: bool,
    /// The items are with somebody who compares them, and `items` is empty: from `take_heap` to `Heap::drop`.
    comparing: bool,
}

/// What came of trying to put.
enum Put<T> {
    Done,
    Refused(ErrorKind),
    /// There is room, and the place is found by comparing.
    Compare(fn(&T, &T) -> bool),
}

/// What came of trying to get.
enum Get<T> {
    Item(T),
    Refused(ErrorKind),
    /// There is an item, and the next one is found by comparing.
    Compare(fn(&T, &T) -> bool),
}

impl<T> State<T> {
    #[inline(always)]
    fn put(&mut self, rt: &mut Rt, object: &mut Object, item: &mut Option<T>) -> Put<T> {
        if self.shut_down {
            return Put::Refused(ErrorKind::QueueShutDown);
        }
        if is_full(object) {
            return Put::Refused(ErrorKind::QueueFull);
        }
        if let Order::Priority(less) = self.order {
            return Put::Compare(less);
        }
        self.items.push_back(item.take().expect("an item is put once"));
        self.added(rt, object);
        Put::Done
    }

    /// An item more is in the queue.
    #[inline(always)]
    fn added(&mut self, rt: &mut Rt, object: &mut Object) {
        object.count = self.items.len() as u32;
        self.unfinished += 1;
        rt.pop_wake(&mut object.waiters);
    }

    #[inline(always)]
    fn get(&mut self, rt: &mut Rt, object: &mut Object) -> Get<T> {
        if object.count == 0 {
            return Get::Refused(if self.shut_down {
                ErrorKind::QueueShutDown
            } else {
                ErrorKind::QueueEmpty
            });
        }
        let item = match self.order {
            Order::Fifo => self.items.pop_front(),
            Order::Lifo => self.items.pop_back(),
            Order::Priority(less) => return Get::Compare(less),
        };
        self.removed(rt, object);
        Get::Item(item.expect("`count` is the number of items"))
    }

    /// An item less is in the queue.
    #[inline(always)]
    fn removed(&mut self, rt: &mut Rt, object: &mut Object) {
        object.count = self.items.len() as u32;
        rt.pop_wake(&mut object.others);
    }

    fn wake_joiners(&mut self, rt: &mut Rt) {
        crate::locks::wake_all(rt, self.joiners);
    }
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
        let state = State {
            items: VecDeque::new(),
            order,
            unfinished: 0,
            joiners: List::EMPTY,
            shut_down: false,
            comparing: false,
        };
        let state = TypedRef::new(ObjectKind::Queue, state);
        let _ = state.access(|_, object, _| object.extra = u32::try_from(maxsize).unwrap_or(u32::MAX));
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
        let put = self.state.access(|rt, object, state| {
            rt.touch(self.state.object().slot(), true);
            state.put(rt, object, &mut item)
        });
        let kind = match put {
            Some(Put::Done) => return Ok(()),
            Some(Put::Compare(less)) => {
                self.put_by_comparing(&mut item, less);
                return Ok(());
            }
            Some(Put::Refused(kind)) => kind,
            None => ErrorKind::Runtime,
        };
        Err(Refused { kind, item: item.expect("a refused item was not put") })
    }

    #[track_caller]
    fn put_by_comparing(&self, item: &mut Option<T>, less: fn(&T, &T) -> bool) {
        let mut heap = self.take_heap();
        heap_push(&mut heap.items, item.take().expect("an item is put once"), less);
        drop(heap);
        let _ = self.state.access(|rt, object, state| state.added(rt, object));
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
            rt.touch(self.state.object().slot(), true);
            state.get(rt, object)
        });
        match got {
            Some(Get::Item(item)) => Ok(item),
            Some(Get::Compare(less)) => Ok(self.get_by_comparing(less)),
            Some(Get::Refused(kind)) => Err(refusal(kind)),
            None => Err(Error::loop_is_closed()),
        }
    }

    #[track_caller]
    fn get_by_comparing(&self, less: fn(&T, &T) -> bool) -> T {
        let mut heap = self.take_heap();
        let item = heap_pop(&mut heap.items, less).expect("`count` is the number of items");
        drop(heap);
        let _ = self.state.access(|rt, object, state| state.removed(rt, object));
        item
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
            rt.touch(self.state.object().slot(), true);
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
            rt.touch(self.state.object().slot(), true);
            state.shut_down = true;
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
            rt.touch(self.state.object().slot(), false);
            f(object, state)
        })
    }

    /// Takes all items out; `count` still counts them.
    #[track_caller]
    fn take_items(&self) -> VecDeque<T> {
        let items =
            self.state.access(|_, _, state| (!state.comparing).then(|| std::mem::take(&mut state.items)));
        items.unwrap_or_else(|| Some(VecDeque::new())).unwrap_or_else(|| panic!("{COMPARING}"))
    }

    /// Takes all items out, to be compared outside of the access.
    #[track_caller]
    fn take_heap(&self) -> Heap<'_, T> {
        let items = self.take_items();
        let _ = self.state.access(|_, _, state| state.comparing = true);
        Heap { queue: self, items }
    }
}

#[inline(always)]
fn is_full(object: &Object) -> bool {
    object.extra != 0 && object.count >= object.extra
}

const COMPARING: &str = "an item of a PriorityQueue used the queue while it was being compared.\n\
     `Ord` of what is put into the queue must only look at the two items.";

/// The items of a priority queue, taken out to be compared; back in the queue when it is dropped, a panic included.
struct Heap<'a, T: 'static> {
    queue: &'a Queue<T>,
    items: VecDeque<T>,
}

impl<T: 'static> Drop for Heap<'_, T> {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.items);
        let _ = self.queue.state.access_quietly(|_, object, state| {
            object.count = items.len() as u32;
            state.comparing = false;
            state.items = items;
        });
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

/// An item that a queue did not take, and why.
///
/// `?` turns it into an [`Error`] of the same kind.
pub struct Refused<T> {
    kind: ErrorKind,
    item: T,
}

impl<T> Refused<T> {
    /// `QueueFull`, `QueueShutDown`, or `Runtime` if the event loop is closed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the item back.
    pub fn into_item(self) -> T {
        self.item
    }
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({})", self.kind.name())
    }
}

impl<T> From<Refused<T>> for Error {
    #[cold]
    fn from(refused: Refused<T>) -> Error {
        refusal(refused.kind)
    }
}

#[cold]
fn refusal(kind: ErrorKind) -> Error {
    match kind {
        ErrorKind::QueueEmpty => Error::new(kind, "the queue is empty"),
        ErrorKind::QueueFull => Error::new(kind, "the queue is full"),
        ErrorKind::QueueShutDown => Error::new(kind, "the queue was shut down"),
        _ => Error::loop_is_closed(),
    }
}
