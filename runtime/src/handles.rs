//! What the loop runs besides tasks: callbacks, and the handles that can cancel them.
//!
//! A callback is a slot whose body runs once (see `slots`). A handle is counted, so that it can say after the fact
//! whether the callback was cancelled. A cancelled handle's entry stays in the ready queue as a stale word: it still
//! counts in its tick, as in CPython.

use crate::clock::Instant;
use crate::contexts::Context;
use crate::schedule::Touch;
use crate::slots::{BoxedBody, Kind, NONE, flag};
use crate::store::{access, access_quietly};
use crate::waits::{Rt, attention};
use crate::{Error, Result};

/// What a callback may return: nothing, or a result whose error goes to the loop's exception handler.
pub trait CallbackOutput: 'static {
    /// The error, if it is one.
    fn into_error(self) -> Option<Error>;
}

impl CallbackOutput for () {
    fn into_error(self) -> Option<Error> {
        None
    }
}

impl CallbackOutput for Result<()> {
    fn into_error(self) -> Option<Error> {
        self.err()
    }
}

/// A callback that the loop will run (`asyncio.Handle`).
pub struct Handle {
    loop_id: u64,
    slot: u32,
}

/// A callback that the loop will run at a moment (`asyncio.TimerHandle`).
pub struct TimerHandle {
    handle: Handle,
    when: Instant,
}

impl Handle {
    pub(crate) fn counted(loop_id: u64, slot: u32) -> Handle {
        Handle { loop_id, slot }
    }

    pub(crate) fn slot(&self) -> u32 {
        self.slot
    }

    /// Marks a done callback: see [`flag::IN_ANY_ORDER`].
    pub(crate) fn run_in_any_order(&self) {
        let _ = access(self.loop_id, |l| {
            if l.rt.watches_footprints() {
                l.rt.slot_mut(self.slot).node.flags |= flag::IN_ANY_ORDER;
            }
        });
    }

    /// Cancels the callback: it will not run. After it ran, or twice, nothing happens.
    #[track_caller]
    pub fn cancel(&self) {
        let dropped = access(self.loop_id, |l| l.rt.cancel_callback(self.slot));
        drop(dropped);
    }

    /// Was it cancelled?
    #[track_caller]
    pub fn cancelled(&self) -> bool {
        let cancelled = access(self.loop_id, |l| {
            l.rt.touch_requests(self.slot, Touch::Read);
            l.rt.slot(self.slot).is(flag::CANCELLED)
        });
        cancelled.unwrap_or(false)
    }

    /// Runs the callback in this very context instead of a copy of the one it was made in (`context=`).
    #[track_caller]
    pub fn context(self, context: &Context) -> Handle {
        let _ = access(self.loop_id, |l| {
            let shared = l.rt.share_context(context.number);
            l.rt.set_slot_context(self.slot, shared);
        });
        self
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        let _ = access_quietly(self.loop_id, |l| l.rt.slot_mut(self.slot).node.handles += 1);
        Handle { loop_id: self.loop_id, slot: self.slot }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let body = access_quietly(self.loop_id, |l| {
            let node = &mut l.rt.slot_mut(self.slot).node;
            node.handles -= 1;
            if node.handles != 0 {
                return None;
            }
            if node.flags & flag::DONE != 0 {
                l.rt.free_slot(self.slot);
            } else if node.flags & flag::REPEATING != 0 {
                return l.rt.cancel_callback(self.slot); // nobody can make it ready again
            }
            None
        });
        drop(body); // a closure of the program: outside
    }
}

impl TimerHandle {
    pub(crate) fn new(handle: Handle, when: Instant) -> TimerHandle {
        TimerHandle { handle, when }
    }

    /// Cancels the callback: it will not run.
    ///
    /// The timer leaves the heap when it comes to the top, as in CPython.
    #[track_caller]
    pub fn cancel(&self) {
        self.handle.cancel();
    }

    /// Was it cancelled?
    #[track_caller]
    pub fn cancelled(&self) -> bool {
        self.handle.cancelled()
    }

    /// The moment at which it runs, or would have.
    pub fn when(&self) -> Instant {
        self.when
    }

    /// Runs the callback in this very context instead of a copy of the one it was made in (`context=`).
    #[track_caller]
    pub fn context(self, context: &Context) -> TimerHandle {
        TimerHandle { handle: self.handle.context(context), when: self.when }
    }
}

impl Clone for TimerHandle {
    fn clone(&self) -> TimerHandle {
        TimerHandle { handle: self.handle.clone(), when: self.when }
    }
}

impl Rt {
    /// A slot for a callback, in a copy of the current context, with one handle.
    pub(crate) fn new_callback(&mut self, body: BoxedBody) -> u32 {
        let context = self.copy_context();
        let slot = self.new_slot(Kind::Callback);
        self.created += 1;
        // Callbacks made by one lane are one lane: they keep their order.
        let parent = if self.current == NONE { 0 } else { self.cold[self.current as usize].lane };
        let cold = &mut self.cold[slot as usize];
        (cold.lane, cold.order, cold.nth, cold.cancels) = (parent, self.created, 0, 0);
        let this = self.slot_mut(slot);
        this.body = Some(body);
        this.node.handles = 1;
        this.node.place = None;
        if context != NONE {
            self.set_slot_context(slot, context);
        }
        if self.watches_footprints() {
            self.touch_new_callback(slot);
        }
        slot
    }

    /// Makes a callback ready: in the line of plain callbacks, or as a lane of its own.
    #[inline]
    pub(crate) fn schedule_callback(&mut self, slot: u32) {
        if self.attention & attention::FOLLOWED != 0 {
            self.note_cause(slot);
        }
        let this = self.slot(slot);
        let word = this.word;
        if this.is(flag::OWN_LANE) { self.ready.push(word) } else { self.ready.push_callback(word) }
    }

    /// Cancels a callback that has not run; its body is for the caller to drop, outside of the access.
    pub(crate) fn cancel_callback(&mut self, slot: u32) -> Option<BoxedBody> {
        self.touch_requests(slot, Touch::write_if(!self.slot(slot).is(flag::DONE)));
        if self.slot(slot).is(flag::DONE) {
            return None;
        }
        let runs = self.runs(slot);
        let this = self.slot_mut(slot);
        if runs {
            // One that runs again and again runs no more; its body goes when this run is over.
            this.node.flags |= if this.is(flag::REPEATING) { flag::CANCELLED } else { 0 };
            return None;
        }
        this.node.flags |= flag::DONE | flag::CANCELLED;
        self.end_callback(slot)
    }

    /// What a callback leaves behind when it ran or was cancelled.
    pub(crate) fn end_callback(&mut self, slot: u32) -> Option<BoxedBody> {
        let this = self.slot_mut(slot);
        // From here on its entry in the ready queue or the heap is stale.
        this.word = this.word.next_generation(Kind::Callback);
        this.node.wait = this.node.wait.wrapping_add(1);
        let in_heap = this.node.op == crate::ops::Op::Sleep && !this.is(flag::DUE);
        let body = this.body.take();
        this.node.flags |= flag::DONE;
        if in_heap {
            self.timers.cancelled_count += 1;
        }
        if self.slot(slot).node.handles == 0 {
            self.free_slot(slot);
        }
        body
    }
}
