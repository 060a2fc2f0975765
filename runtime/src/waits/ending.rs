//! How a wait ends: in its turn, or because the future that waits is dropped.

use crate::slots::{List, NONE, flag};
use crate::waits::{CANCELLED, GAVE, MUST, Rt, TOLD, WOKEN, Wait};

impl Rt {
    /// For the drop of a future that waits: true if it had been woken, so that the wake must be passed on. A cancel
    /// request that was not delivered yet is remembered for the task.
    #[cold]
    #[inline(never)]
    pub(crate) fn abandon_in(&mut self, wait: &mut Wait, list: &mut List) -> bool {
        if self.slot(wait.node).is(flag::LINKED) {
            self.unlink(list, wait.node);
        }
        self.abandon(wait)
    }

    /// As [`abandon_in`](Rt::abandon_in), for a wait that stands in no line.
    #[cold]
    pub(crate) fn abandon(&mut self, wait: &mut Wait) -> bool {
        let node = wait.node;
        let state = self.slot(node).node.state;
        let undelivered = state & MUST != 0 || state & (CANCELLED | TOLD) == CANCELLED;
        if undelivered && self.slot(node).is(flag::EXTRA) {
            // The request was the task's, not this wait's.
            let owner = self.slot(node).node.handles;
            if let Some(message) = self.messages.remove(&node) {
                self.messages.insert(owner, message);
            }
            if owner != NONE {
                self.slot_mut(owner).node.state |= MUST;
            }
        }
        self.end_wait(wait, if undelivered { MUST } else { 0 });
        state & (WOKEN | CANCELLED | GAVE) == WOKEN
    }

    pub(crate) fn end_wait(&mut self, wait: &mut Wait, state: u8) {
        let node = std::mem::replace(&mut wait.node, NONE);
        let slot = self.slot_mut(node);
        slot.node.state = state;
        slot.node.wait = slot.node.wait.wrapping_add(1);
        if slot.is(flag::EXTRA) {
            self.extras.retain(|extra| *extra != node);
            if let Some(waker) = self.wakers.remove(&node) {
                self.discard(Box::new(waker));
            }
            let owner = self.slot(node).node.handles;
            if owner != NONE && !self.extras.iter().any(|extra| self.slot(*extra).node.handles == owner) {
                self.slot_mut(owner).node.flags &= !flag::HAS_EXTRAS;
            }
            self.free_slot(node);
        }
    }
}
