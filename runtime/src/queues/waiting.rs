//! The futures of a queue, written by hand: each looks, stands in a line, and looks again when it is woken.

use super::Queue;
use super::refused::refusal;
use super::state::{Get, Put, is_full, is_plain};
use crate::ops::Op;
use crate::schedule::Touch;
use crate::waits::{Resumed, Wait};
use crate::{Error, ErrorKind, Result};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future of [`Queue::get`].
#[must_use = "nothing is taken until it is awaited"]
pub struct QueueGet<'a, T: 'static> {
    queue: &'a Queue<T>,
    wait: Wait,
}

impl<'a, T: 'static> QueueGet<'a, T> {
    #[inline]
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T>) -> QueueGet<'a, T> {
        QueueGet { queue, wait: Wait::new(Location::caller()) }
    }

    #[cold]
    fn give_up(&mut self) {
        let QueueGet { queue, wait } = self;
        let _ = queue.state.access_quietly(|rt, object, _| {
            rt.touch(queue.state.object().slot(), Touch::Write);
            if rt.abandon_in(wait, &mut object.waiters) && object.count > 0 {
                rt.pop_wake(&mut object.waiters);
            }
        });
    }
}

impl<T: 'static> Future for QueueGet<'_, T> {
    type Output = Result<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.get_mut();
        match this.poll_plainly(cx) {
            Some(polled) => polled,
            None => this.poll_rarely(cx),
        }
    }
}

impl<T: 'static> QueueGet<'_, T> {
    /// The two usual cases: it begins to wait, or it was woken and the item is there. No call is made on the way, so
    /// nothing has to be kept across one. None, and nothing has changed, if anything is otherwise.
    #[inline(always)]
    fn poll_plainly(&mut self, cx: &mut Context<'_>) -> Option<Poll<Result<T>>> {
        let QueueGet { queue, wait } = self;
        let slot = queue.state.object().slot();
        queue.state.access_plainly(|rt, object, state| {
            if rt.watches_footprints() || !is_plain(object) {
                return None;
            }
            if object.count == 0 {
                let waits = !wait.begun() && rt.wait_plainly(wait, cx, &mut object.waiters, Op::Get, slot);
                return waits.then_some(Poll::Pending);
            }
            if !object.others.is_empty() || !wait.begun() || !rt.resume_woken(wait) {
                return None;
            }
            let item = state.items.pop_front()?; // `count` is the number of items: there is one
            object.count = state.items.len() as u32;
            Some(Poll::Ready(Ok(item)))
        })
    }

    #[inline(never)]
    fn poll_rarely(&mut self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let QueueGet { queue, wait } = self;
        let slot = queue.state.object().slot();
        let got = queue.state.access(|rt, object, state| {
            let fresh = !wait.begun();
            if !fresh {
                let woken = rt.is_woken(wait.node);
                match rt.resume_in(wait, cx, &mut object.waiters) {
                    Resumed::Pending => return Poll::Pending,
                    Resumed::Woken | Resumed::GaveWay => {}
                    Resumed::Cancelled(error) => {
                        rt.touch(slot, Touch::Write);
                        if woken && object.count > 0 {
                            rt.pop_wake(&mut object.waiters);
                        }
                        return Poll::Ready(Err(error));
                    }
                }
            }
            if object.count == 0 && !state.shut_down {
                rt.touch(slot, Touch::Write);
            } else if fresh && !rt.goes_on(wait, cx, Op::Get, slot, state.touch_of_get(object)) {
                return Poll::Pending;
            } else if !fresh {
                rt.touch(slot, state.touch_of_get(object));
            }
            match state.get(rt, object) {
                Get::Refused(ErrorKind::QueueEmpty) => {
                    rt.wait_in(wait, cx, &mut object.waiters, Op::Get, slot);
                    Poll::Pending
                }
                got => Poll::Ready(Ok(got)),
            }
        });
        match got {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(Ok(Get::Item(item)))) => Poll::Ready(Ok(item)),
            Some(Poll::Ready(Ok(Get::Compare(less)))) => Poll::Ready(Ok(queue.get_by_comparing(less))),
            Some(Poll::Ready(Ok(Get::Refused(kind)))) => Poll::Ready(Err(refusal(kind))),
            Some(Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }
}

impl<T: 'static> Drop for QueueGet<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            self.give_up();
        }
    }
}

/// The future of [`Queue::put`].
#[must_use = "nothing is put until it is awaited"]
pub struct QueuePut<'a, T: 'static> {
    queue: &'a Queue<T>,
    wait: Wait,
    /// Taken when it goes into the queue.
    item: Option<T>,
}

// The item is moved out, never pinned.
impl<T: 'static> Unpin for QueuePut<'_, T> {}

impl<'a, T: 'static> QueuePut<'a, T> {
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T>, item: T) -> QueuePut<'a, T> {
        QueuePut { queue, wait: Wait::new(Location::caller()), item: Some(item) }
    }

    #[cold]
    fn give_up(&mut self) {
        let QueuePut { queue, wait, .. } = self;
        let _ = queue.state.access_quietly(|rt, object, _| {
            rt.touch(queue.state.object().slot(), Touch::Write);
            if rt.abandon_in(wait, &mut object.others) && !is_full(object) {
                rt.pop_wake(&mut object.others);
            }
        });
    }
}

impl<T: 'static> Future for QueuePut<'_, T> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let QueuePut { queue, wait, item } = self.get_mut();
        let slot = queue.state.object().slot();
        let put = queue.state.access(|rt, object, state| {
            let fresh = !wait.begun();
            if !fresh {
                let woken = rt.is_woken(wait.node);
                match rt.resume_in(wait, cx, &mut object.others) {
                    Resumed::Pending => return Poll::Pending,
                    Resumed::Woken | Resumed::GaveWay => {}
                    Resumed::Cancelled(error) => {
                        rt.touch(slot, Touch::Write);
                        if woken && !is_full(object) {
                            rt.pop_wake(&mut object.others);
                        }
                        return Poll::Ready(Err(error));
                    }
                }
            }
            if is_full(object) && !state.shut_down {
                rt.touch(slot, Touch::Write);
            } else if fresh && !rt.goes_on(wait, cx, Op::Put, slot, state.touch_of_put(object)) {
                return Poll::Pending;
            } else if !fresh {
                rt.touch(slot, state.touch_of_put(object));
            }
            match state.put(rt, object, item.take().expect("an item is put once")) {
                Put::Refused(ErrorKind::QueueFull, refused) => {
                    *item = Some(refused);
                    rt.wait_in(wait, cx, &mut object.others, Op::Put, slot);
                    Poll::Pending
                }
                put => Poll::Ready(Ok(put)),
            }
        });
        match put {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(Ok(Put::Done))) => Poll::Ready(Ok(())),
            Some(Poll::Ready(Ok(Put::Compare(less, item)))) => {
                queue.put_by_comparing(item, less);
                Poll::Ready(Ok(()))
            }
            // The item is dropped here, outside of the access.
            Some(Poll::Ready(Ok(Put::Refused(kind, _item)))) => Poll::Ready(Err(refusal(kind))),
            Some(Poll::Ready(Err(error))) => Poll::Ready(Err(error)),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }
}

impl<T: 'static> Drop for QueuePut<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.wait.begun() {
            self.give_up();
        }
    }
}

/// The future of [`Queue::join`].
#[must_use = "nothing waits until it is awaited"]
pub struct QueueJoin<'a, T: 'static> {
    queue: &'a Queue<T>,
    wait: Wait,
}

impl<'a, T: 'static> QueueJoin<'a, T> {
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T>) -> QueueJoin<'a, T> {
        QueueJoin { queue, wait: Wait::new(Location::caller()) }
    }
}

impl<T: 'static> Future for QueueJoin<'_, T> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let QueueJoin { queue, wait } = self.get_mut();
        let slot = queue.state.object().slot();
        let joined = queue.state.access(|rt, _, state| {
            // One who waits changes nothing: the last `task_done` wakes all.
            if wait.begun() {
                match rt.resume_in(wait, cx, &mut state.joiners) {
                    Resumed::Pending => return Poll::Pending,
                    Resumed::Woken => {
                        rt.touch(slot, Touch::Read);
                        return Poll::Ready(Ok(()));
                    }
                    Resumed::Cancelled(error) => {
                        rt.touch(slot, Touch::Read);
                        return Poll::Ready(Err(error));
                    }
                    Resumed::GaveWay if state.unfinished == 0 => {
                        rt.touch(slot, Touch::Read);
                        return Poll::Ready(Ok(()));
                    }
                    Resumed::GaveWay => {}
                }
            } else if state.unfinished == 0 {
                return match rt.goes_on(wait, cx, Op::Join, slot, Touch::Read) {
                    true => Poll::Ready(Ok(())),
                    false => Poll::Pending,
                };
            }
            rt.touch(slot, Touch::Read);
            rt.wait_in(wait, cx, &mut state.joiners, Op::Join, slot);
            Poll::Pending
        });
        joined.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }
}

impl<T: 'static> Drop for QueueJoin<'_, T> {
    fn drop(&mut self) {
        let QueueJoin { queue, wait } = self;
        if wait.begun() {
            let slot = queue.state.object().slot();
            let _ = queue.state.access_quietly(|rt, _, state| {
                rt.touch(slot, Touch::Read);
                rt.abandon_in(wait, &mut state.joiners)
            });
        }
    }
}
