//! Giving way first: what the profile `every-await` makes of an await that could go on at once.
//!
//! asyncio goes on without suspending where trio and others do not: a free lock, a queue that holds an item. Under
//! `every-await` such a wait is over as soon as it begins (`GAVE`), so the task is ready again behind what is ready, and
//! looks anew when it runs. Until then it holds nothing and stands in no line: there is nothing to give back when it is
//! cancelled or dropped.

use crate::ops::Op;
use crate::schedule::Touch;
use crate::slots::NONE;
use crate::store::{access, access_current, access_quietly};
use crate::waits::{GAVE, Resumed, Rt, Wait, attention};
use crate::{Error, Result};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl Rt {
    /// A fresh wait finds that it need not wait. Under `every-await` it gives way first: true, and the task suspends; what
    /// it waits for is neither taken nor promised to it, so that there is nothing to give back if it goes. It is resumed
    /// with [`Resumed::GaveWay`] and looks again, without asking this a second time.
    #[inline(always)]
    #[must_use]
    pub(crate) fn gives_way(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32) -> bool {
        let gives_way = self.attention & attention::GIVES_WAY != 0;
        if gives_way {
            self.give_way_first(wait, cx, op, object);
        }
        gives_way
    }

    /// As [`gives_way`](Rt::gives_way); if it goes on, the running step touches the object so: one test for both.
    #[inline(always)]
    #[must_use]
    pub(crate) fn goes_on(
        &mut self,
        wait: &mut Wait,
        cx: &mut Context<'_>,
        op: Op,
        object: u32,
        touch: Touch,
    ) -> bool {
        self.attention == 0 || self.goes_on_attended(wait, cx, op, object, touch)
    }

    #[cold]
    #[inline(never)]
    fn goes_on_attended(
        &mut self,
        wait: &mut Wait,
        cx: &mut Context<'_>,
        op: Op,
        object: u32,
        touch: Touch,
    ) -> bool {
        if self.gives_way(wait, cx, op, object) {
            return false;
        }
        self.touch(object, touch);
        true
    }

    #[cold]
    #[inline(never)]
    fn give_way_first(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32) {
        // It has seen that it could go on.
        self.touch_awaited(op, object, Touch::Read);
        self.begin(wait, cx, op, object);
        self.mark_as_giving_way(wait);
    }

    /// Begins a wait that is over at once, in every profile: the task runs again behind what is ready.
    pub(crate) fn suspend_once(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32) {
        self.begin(wait, cx, op, object);
        self.mark_as_giving_way(wait);
    }

    /// A wait that has just begun is over at once.
    fn mark_as_giving_way(&mut self, wait: &Wait) {
        if self.is_pending(wait.node) {
            self.wake(wait.node);
            self.slot_mut(wait.node).node.state |= GAVE;
        }
    }

    /// As `gives_way`, for a wait that may outlive its task.
    #[must_use]
    pub(crate) fn gives_way_apart(
        &mut self,
        wait: &mut Wait,
        cx: &mut Context<'_>,
        op: Op,
        object: u32,
    ) -> bool {
        let gives_way = self.attention & attention::GIVES_WAY != 0;
        if gives_way {
            self.touch_awaited(op, object, Touch::Read);
            self.begin_apart(wait, cx, op, object);
            self.mark_as_giving_way(wait);
        }
        gives_way
    }

    /// Does this wait give way, and no more?
    #[inline]
    pub(crate) fn gave_way(&self, wait: &Wait) -> bool {
        self.slot(wait.node).node.state & GAVE != 0
    }
}

/// Gives way once under `every-await`, and not at all in every other profile: for what is an await to the program and never
/// has to wait.
#[must_use = "futures do nothing unless awaited"]
pub struct GiveWay {
    wait: Wait,
    /// The loop in which it gives way; none before it was asked.
    asked: Option<u64>,
}

impl GiveWay {
    /// One that has not been asked; the place is that of the await in the program.
    pub const fn at(place: &'static Location<'static>) -> GiveWay {
        GiveWay { wait: Wait::new(place), asked: None }
    }
}

impl Future for GiveWay {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let GiveWay { wait, asked } = self.get_mut();
        let Some(loop_id) = *asked else {
            let gives_way = access_current(|l| {
                *asked = Some(l.id);
                l.rt.gives_way(wait, cx, Op::Yield, NONE)
            });
            return if gives_way == Some(true) { Poll::Pending } else { Poll::Ready(Ok(())) };
        };
        if !wait.begun() {
            return Poll::Ready(Ok(()));
        }
        match access(loop_id, |l| l.rt.resume(wait, cx)) {
            Some(Resumed::Pending) => Poll::Pending,
            Some(Resumed::Cancelled(error)) => Poll::Ready(Err(error)),
            Some(Resumed::Woken | Resumed::GaveWay) => Poll::Ready(Ok(())),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }
}

impl Drop for GiveWay {
    fn drop(&mut self) {
        if self.wait.begun() {
            let wait = &mut self.wait;
            let _ = access_quietly(self.asked.unwrap_or(0), |l| l.rt.abandon(wait));
        }
    }
}
