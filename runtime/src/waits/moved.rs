//! A wait that began in one task and is polled in another: it moves along.
//!
//! A future of ours may be polled once in one task and then given to another, which awaits it. The node of the first task
//! would be woken, and the second would wait for ever. So a poll from elsewhere takes the wait over: the new task's node
//! takes the old one's place in the line, or its entry among the timers.
//!
//! A stream that is polled through a trait keeps its wait from one poll to the next, whatever its task does meanwhile, and
//! outlives the task when it is given away. Such a wait stands *apart*: never in the task's own slot, which is another's
//! once the task has ended.

use crate::ops::Op;
use crate::slots::{List, NONE, flag};
use crate::waits::{CANCELLED, MUST, Rt, WAITING, WOKEN, Wait, attention};
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
        if flags & flag::EXTRA != 0 {
            self.begin_apart(&mut moved, cx, op, object);
        } else {
            self.begin(&mut moved, cx, op, object);
        }
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

    /// As `wait_in`, for a wait that may outlive its task.
    #[cold]
    pub(crate) fn wait_apart(
        &mut self,
        wait: &mut Wait,
        cx: &mut Context<'_>,
        list: &mut List,
        op: Op,
        object: u32,
    ) {
        self.begin_apart(wait, cx, op, object);
        self.link(list, wait.node);
    }

    pub(super) fn begin_apart(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32) {
        let current = self.current;
        let own = cx.waker().data() as usize as u64 == self.current_word;
        self.begin_extra(wait, cx, op, object, own);
        let node = wait.node;
        if own && self.slot(current).node.state == MUST {
            // A cancel request is remembered: this wait takes it.
            self.slot_mut(current).node.state = 0;
            self.slot_mut(node).node.state = WAITING | CANCELLED;
            if let Some(message) = self.messages.remove(&current) {
                self.messages.insert(node, message);
            }
            self.schedule(node);
        }
        if self.attention & attention::KEYS != 0 {
            self.key_of_wait(node, op, object);
        }
    }

    /// A task ends, and waits that began in it go on without it: nobody is woken, and whoever polls them next takes them
    /// over. A cancel request was the task's and ends with it.
    #[cold]
    #[inline(never)]
    pub(crate) fn leave_extras(&mut self, task: u32) {
        for index in 0..self.extras.len() {
            let extra = self.extras[index];
            if self.slot(extra).node.handles != task {
                continue;
            }
            let node = &mut self.slot_mut(extra).node;
            node.handles = NONE;
            if node.state & CANCELLED != 0 {
                node.state = WAITING | WOKEN;
                self.messages.remove(&extra);
            }
        }
        self.slot_mut(task).node.flags &= !flag::HAS_EXTRAS;
    }
}
