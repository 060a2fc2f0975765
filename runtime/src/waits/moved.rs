//! A wait that began in one task and is polled in another: it moves along.
//!
//! A future of ours may be polled once in one task and then given to another, which awaits it. The node of the first task
//! would be woken, and the second would wait for ever. So a poll from elsewhere takes the wait over: the new task's node
//! takes the old one's place in the line, or its entry among the timers.

use crate::ops::Op;
use crate::slots::{List, NONE, flag};
use crate::waits::{Rt, Wait};
use std::task::Context;

impl Rt {
    /// Was this wait begun by another task than the one that polls it now?
    #[inline]
    pub(super) fn began_elsewhere(&self, node: u32) -> bool {
        let slot = self.slot(node);
        let owner = if slot.is(flag::EXTRA) { slot.node.handles } else { node };
        owner != self.current
    }

    /// Takes a pending wait over from the task that began it. `list` is the line that it stands in, if in any.
    #[cold]
    #[inline(never)]
    pub(super) fn take_over(&mut self, wait: &mut Wait, cx: &mut Context<'_>, list: Option<&mut List>) {
        let old = &self.slot(wait.node).node;
        let (op, object, flags, count) = (old.op, old.object, old.flags, old.wait);
        let (next, prev) = (old.next, old.prev);
        let mut moved = Wait::new(wait.place);
        self.begin(&mut moved, cx, op, object);
        let new = moved.node;
        if flags & flag::LINKED != 0
            && let Some(list) = list
        {
            self.slot_mut(wait.node).node.flags &= !flag::LINKED;
            let node = &mut self.slot_mut(new).node;
            node.flags |= flag::LINKED;
            (node.next, node.prev) = (next, prev);
            match list.head == wait.node {
                true => list.head = new,
                false => self.slot_mut(prev).node.next = new,
            }
            match next {
                NONE => list.tail = new,
                next => self.slot_mut(next).node.prev = new,
            }
        }
        if op == Op::Sleep {
            let due = flags & flag::DUE;
            let node = &mut self.slot_mut(new).node;
            node.flags = node.flags & !flag::DUE | due;
            let new_count = node.wait;
            if due == 0 {
                self.timers.move_entry((wait.node, count), (new, new_count));
            } else if self.is_pending(new) {
                self.wake(new); // its timer has fired, and would look for the old wait
            }
        }
        self.end_wait(wait, 0);
        wait.node = new;
    }
}
