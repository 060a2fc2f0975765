//! How a cancel request finds what can take it: down the chain of what is awaited, to the innermost wait.

use crate::ops::Op;
use crate::schedule::Touch;
use crate::slots::{Ended, Kind, flag};
use crate::waits::{CANCELLED, MUST, Rt, WAITING, WOKEN};

impl Rt {
    /// Withdraws one request; how many are left.
    pub(super) fn uncancel(&mut self, slot: u32) -> u32 {
        self.touch_requests(slot, Touch::Write);
        let cancels = &mut self.cold[slot as usize].cancels;
        *cancels = cancels.saturating_sub(1);
        let left = *cancels;
        if left == 0 {
            let node = &mut self.slot_mut(slot).node;
            // 3.13: a request that was not raised yet is withdrawn. One that a future took is on its way.
            node.state &= !MUST;
            if node.state & CANCELLED == 0 {
                self.messages.remove(&slot);
            }
        }
        left
    }

    /// `Future.cancel` and `Task.cancel`; false if it is done already.
    pub(crate) fn cancel(&mut self, slot: u32, message: Option<&str>) -> bool {
        let mut path = Vec::new();
        let mut at = slot;
        let taken = loop {
            if self.slot(at).is(flag::DONE) {
                self.touch_slot(at, Touch::Read);
                break false;
            }
            if self.slot(at).word.kind() != Kind::Task {
                break self.cancel_future(at, message);
            }
            self.observe_cancel(at);
            self.touch_requests(at, Touch::Write);
            self.cold[at as usize].cancels += 1;
            path.push(at);
            self.slot_mut(at).node.flags |= flag::CANCELLING;
            match self.cancel_wait(at, message) {
                Some(taken) => break taken,
                None => at = self.slot(at).node.object, // it awaits a future: down the chain
            }
        };
        for task in &path {
            self.slot_mut(*task).node.flags &= !flag::CANCELLING;
        }
        match path.last() {
            Some(last) if !taken => self.remember_cancel(*last, message),
            _ => {}
        }
        taken || !path.is_empty()
    }

    /// Cancels what a task waits for: Some(false) if nothing can take the request, None if it is to go on to the
    /// future that the task awaits.
    fn cancel_wait(&mut self, task: u32, message: Option<&str>) -> Option<bool> {
        let mut taken = false;
        if self.slot(task).is(flag::HAS_EXTRAS) {
            for index in 0..self.extras.len() {
                let extra = self.extras[index];
                let node = &self.slot(extra).node;
                if node.handles != task || !self.is_pending(extra) {
                    continue;
                }
                let awaited = (node.op == Op::Await).then_some(node.object);
                taken |= match awaited {
                    Some(future) if !self.slot(future).is(flag::CANCELLING) => self.cancel(future, message),
                    _ => self.cancel_node(extra, message),
                };
            }
        }
        let node = &self.slot(task).node;
        if node.state & WAITING == 0 || !self.is_pending(task) {
            if node.state & WAITING != 0 {
                // What it waits for is over already; had this request come before, it would have been cancelled.
                self.touch_awaited(node.op, node.object, Touch::Read);
            }
            return Some(taken);
        }
        if node.op == Op::Await {
            let awaited = node.object;
            if self.slot(awaited).is(flag::CANCELLING) {
                // A cycle of tasks that await each other. CPython recurses until its limit; here the request is
                // raised where the cycle closes.
                self.slot_mut(task).node.state |= WOKEN;
                self.schedule(task);
                return Some(false);
            }
            return if taken { Some(self.cancel(awaited, message) || taken) } else { None };
        }
        Some(self.cancel_node(task, message))
    }

    fn cancel_node(&mut self, node: u32, message: Option<&str>) -> bool {
        let (op, object) = (self.slot(node).node.op, self.slot(node).node.object);
        self.touch_awaited(op, object, Touch::Write);
        self.slot_mut(node).node.state |= CANCELLED;
        self.messages.remove(&node);
        self.messages.extend(message.map(|message| (node, message.to_owned())));
        self.schedule(node);
        true
    }

    fn cancel_future(&mut self, slot: u32, message: Option<&str>) -> bool {
        if !self.slot(slot).is(flag::GATHERING) {
            self.messages.extend(message.map(|message| (slot, message.to_owned())));
            self.end_future(slot, Ended::Cancelled);
            return true;
        }
        let children =
            self.gathering.get(&slot).map(|gathering| gathering.children.clone()).unwrap_or_default();
        self.touch_slot(slot, Touch::Write);
        let mut taken = false;
        for child in children {
            if !self.slot(child).is(flag::CANCELLING) {
                taken |= self.cancel(child, message);
            }
        }
        if taken && let Some(gathering) = self.gathering.get_mut(&slot) {
            gathering.cancel_requested = true;
        }
        taken
    }

    /// `_must_cancel`: the request is raised when the task runs next.
    fn remember_cancel(&mut self, task: u32, message: Option<&str>) {
        let node = &mut self.slot_mut(task).node;
        node.state |= MUST;
        // A cancelled wait is what the task will see, with its own message. A bare yield waits for nothing: as in
        // CPython the request is still the task's alone, and the last message wins.
        if node.state & CANCELLED != 0 && node.op != Op::Yield {
            return;
        }
        self.messages.remove(&task);
        self.messages.extend(message.map(|message| (task, message.to_owned())));
    }
}
