//! One task waits for one thing: how a wait begins, is woken, is cancelled, and ends.
//!
//! [`Wait`] is what every hand-written future of ours embeds: the node that stands in the line, and the place in the
//! program. The waiter of a task is the task's own slot, so a wait allocates nothing. A second wait at the same time
//! (`join!`, `select!`) or one under a waker that is not the task's own (`FuturesUnordered`) borrows another slot of
//! the same slab, an *extra*; waking it makes the task ready at once, and the foreign waker is called after the step.
//!
//! The state of a wait is six bits in its node, CPython's `_fut_waiter` and `_must_cancel` in one byte:
//!
//! ```text
//! 0                    no wait
//! WAITING              in a line; `cancel` may take it out
//! WAITING|WOKEN        done, the task is ready           (`fut.set_result`)
//! WAITING|CANCELLED    cancelled, the task is ready      (`fut.cancel`)
//! …|MUST               a cancel request came that no future could take: raised when the task runs next, or at its
//!                      next wait. With WOKEN the value is lost, as in CPython
//! WAITING|WOKEN|GAVE   it could have gone on at once, and gives way first: see [`Rt::gives_way`]
//! …|CANCELLED|TOLD     another wait of the same task has delivered this very request: if this one is dropped (the
//!                      loser of a `select!`), it is not remembered for the next wait
//! ```
//!
//! A node stays in its line until the task runs, woken or not, where CPython removes the waiter in a `finally`
//! (locks, events); queues pop it when they wake it. So the lines read exactly as CPython's do.

mod ending;
mod giving_way;
mod moved;

mod slab;

pub use giving_way::GiveWay;

use crate::contexts::Contexts;
use crate::lanes::{Counters, Hashes};
use crate::ops::Op;
use crate::ready::Ready;
use crate::slots::{Cold, Kind, List, NONE, Slot, Word, flag};
use crate::steps::Steps;
use crate::store::outside;
use crate::timers::Timers;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::Location;
use std::task::{Context, Waker};

pub(crate) const WAITING: u8 = 1;
pub(crate) const WOKEN: u8 = 2;
pub(crate) const CANCELLED: u8 = 4;
pub(crate) const MUST: u8 = 8;
pub(crate) const TOLD: u8 = 16;
pub(crate) const GAVE: u8 = 32;

/// What has to be looked after between two steps. Bits of [`Rt::attention`].
pub(crate) mod attention {
    /// Foreign wakers are to be called.
    pub(crate) const WAKERS: u32 = 1 << 0;
    /// Values of the program are to be dropped, or tasks ended.
    pub(crate) const TRASH: u32 = 1 << 1;
    /// Step keys are asked for.
    pub(crate) const KEYS: u32 = 1 << 2;
    /// Footprints are asked for.
    pub(crate) const FOOTPRINTS: u32 = 1 << 3;
    /// Steps are recorded, traced or replayed.
    pub(crate) const WATCHED: u32 = 1 << 4;
    /// Steps cost drawn time, or are watched for slowness.
    pub(crate) const COST: u32 = 1 << 5;
    /// The names and footprints of steps go to the strategy, or are kept.
    pub(crate) const FOLLOWED: u32 = 1 << 6;
    /// Awaits that could go on at once give way first: the profile `every-await`.
    pub(crate) const GIVES_WAY: u32 = 1 << 7;
}

/// What every primitive needs beside its own object.
pub(crate) struct Rt {
    pub(crate) slots: Vec<Slot>,
    pub(crate) ready: Ready,
    pub(crate) attention: u32,
    /// The slot whose body runs, 0 between steps.
    pub(crate) current: u32,
    /// The slot whose body panicked.
    pub(crate) last: u32,
    /// How many results are being looked at by code of the program.
    pub(crate) looks: u32,
    pub(crate) tag: u16,
    pub(crate) current_word: u64,
    /// The context that code runs in, 0 while it is an empty one that nobody has written to.
    pub(crate) context: u32,
    pub(crate) now: u64,
    pub(crate) fingerprint: u64,
    pub(crate) steps: u64,
    /// How many tasks have ended.
    pub(crate) ended: u64,
    pub(crate) timers: Timers,
    pub(crate) cold: Vec<Cold>,
    pub(crate) free: Vec<u32>,
    pub(crate) first_generation: u32,
    pub(crate) created: u32,
    pub(crate) tasks_created: u32,
    /// Messages of cancel requests on their way, by node.
    pub(crate) messages: BTreeMap<u32, String>,
    /// Children of gathering futures.
    pub(crate) gathering: BTreeMap<u32, Gathering>,
    pub(crate) names: BTreeMap<u32, String>,
    pub(crate) extras: Vec<u32>,
    pub(crate) wakers: BTreeMap<u32, Waker>,
    pub(crate) deferred: Vec<Waker>,
    pub(crate) trash: Vec<Box<dyn Any>>,
    /// Tasks to end when the running step is over.
    pub(crate) aborted: Vec<u32>,
    pub(crate) contexts: Contexts,
    pub(crate) counters: Counters,
    pub(crate) hashes: Hashes,
    pub(crate) observed: Steps,
}

/// A gathering future's children, and whether a cancel went to them.
pub(crate) struct Gathering {
    pub(crate) children: Vec<u32>,
    pub(crate) cancel_requested: bool,
}

/// One wait of one task.
pub(crate) struct Wait {
    pub(crate) node: u32,
    pub(crate) place: &'static Location<'static>,
}

/// What became of a wait.
pub(crate) enum Resumed {
    /// Nothing yet.
    Pending,
    /// It was woken: the wait is over.
    Woken,
    /// The task was cancelled while it waited: the wait is over.
    Cancelled(crate::Error),
    /// It gave way before it looked: the wait is over. Whoever waits looks now, and goes on at once or stands in line.
    GaveWay,
}

impl Wait {
    pub(crate) const fn new(place: &'static Location<'static>) -> Wait {
        Wait { node: NONE, place }
    }

    /// Has it begun, and not ended?
    #[inline(always)]
    pub(crate) fn begun(&self) -> bool {
        self.node != NONE
    }
}

impl Rt {
    /// A mark of the running task for reports, which outlives it: its slot, and the low bits of its generation.
    #[inline(always)]
    pub(crate) fn current_mark(&self) -> u32 {
        self.current_word as u32
    }

    /// The slot of a mark, if its task is still the one that was marked. (One in 64 later tasks of the slot looks the
    /// same.)
    pub(crate) fn marked(&self, mark: u32) -> Option<u32> {
        let slot = Word(u64::from(mark)).slot();
        (self.slots.get(slot as usize)?.word.0 as u32 == mark).then_some(slot)
    }

    #[inline(always)]
    pub(crate) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    #[inline(always)]
    pub(crate) fn slot_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    // ---- beginning

    /// Joins the end of a line. If a cancel request is remembered for the task, the wait is cancelled at once, which
    /// still takes a tick.
    #[inline(always)]
    pub(crate) fn wait_in(
        &mut self,
        wait: &mut Wait,
        cx: &mut Context<'_>,
        list: &mut List,
        op: Op,
        object: u32,
    ) {
        self.begin(wait, cx, op, object);
        self.link(list, wait.node);
    }

    /// Begins a wait that stands in no line.
    #[inline(always)]
    pub(crate) fn begin(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32) {
        let current = self.current;
        let own = cx.waker().data() as usize as u64 == self.current_word;
        let node = &mut self.slots[current as usize].node;
        if own && node.state == 0 {
            node.state = WAITING;
            (node.op, node.object, node.place) = (op, object, Some(wait.place));
            wait.node = current;
        } else {
            self.begin_rarely(wait, cx, op, object, own);
        }
        if self.attention & attention::KEYS != 0 {
            self.key_of_wait(wait.node, op, object);
        }
    }

    /// The usual case of [`wait_in`](Rt::wait_in); false, and nothing has changed, in every other one.
    #[inline(always)]
    pub(crate) fn wait_plainly(
        &mut self,
        wait: &mut Wait,
        cx: &mut Context<'_>,
        list: &mut List,
        op: Op,
        object: u32,
    ) -> bool {
        let current = self.current;
        let Some(slot) = self.slots.get_mut(current as usize) else { return false };
        let own = cx.waker().data() as usize as u64 == self.current_word;
        if !own || slot.node.state != 0 || self.attention & attention::KEYS != 0 {
            return false;
        }
        let node = &mut slot.node;
        node.state = WAITING;
        (node.op, node.object, node.place) = (op, object, Some(wait.place));
        wait.node = current;
        self.link(list, current);
        true
    }

    #[cold]
    #[inline(never)]
    fn begin_rarely(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32, own: bool) {
        let current = self.current;
        if own && self.slot(current).node.state == MUST {
            let node = &mut self.slot_mut(current).node;
            node.state = WAITING | CANCELLED;
            (node.op, node.object, node.place) = (op, object, Some(wait.place));
            wait.node = current;
            return self.schedule(current);
        }
        self.begin_extra(wait, cx, op, object, own);
    }

    fn begin_extra(&mut self, wait: &mut Wait, cx: &mut Context<'_>, op: Op, object: u32, own: bool) {
        let current = self.current;
        let extra = self.new_slot(Kind::Passive);
        let task = self.slot(current).word.kind() == Kind::Task && self.slot(current).is(flag::USED);
        let owner = if task { current } else { NONE };
        let node = &mut self.slot_mut(extra).node;
        node.flags |= flag::EXTRA;
        node.handles = owner;
        node.state = WAITING;
        (node.op, node.object, node.place) = (op, object, Some(wait.place));
        wait.node = extra;
        self.extras.push(extra);
        if owner != NONE {
            self.slot_mut(owner).node.flags |= flag::HAS_EXTRAS;
        }
        if !own {
            let waker = outside(|| cx.waker().clone());
            self.wakers.insert(extra, waker);
        }
    }

    // ---- lines

    #[inline(always)]
    pub(crate) fn link(&mut self, list: &mut List, node: u32) {
        let tail = list.tail;
        let slot = &mut self.slots[node as usize].node;
        slot.flags |= flag::LINKED;
        slot.next = NONE;
        slot.prev = tail;
        if list.head == NONE {
            list.head = node;
        } else {
            self.slots[tail as usize].node.next = node;
        }
        list.tail = node;
    }

    /// Takes a node out of the line that it stands in.
    #[inline(always)]
    pub(crate) fn unlink(&mut self, list: &mut List, node: u32) {
        let this = &mut self.slots[node as usize].node;
        this.flags &= !flag::LINKED;
        let (next, prev) = (this.next, this.prev);
        if list.head == node {
            list.head = next;
        } else {
            self.slots[prev as usize].node.next = next;
        }
        if list.tail == node {
            list.tail = if list.head == NONE { NONE } else { prev };
        } else {
            self.slots[next as usize].node.prev = prev;
        }
    }

    /// The first of a line, 0 if it is empty.
    #[inline(always)]
    pub(crate) fn first(&self, list: &List) -> u32 {
        list.head
    }

    /// The one behind a node, 0 if it is the last.
    #[inline(always)]
    pub(crate) fn next(&self, node: u32) -> u32 {
        self.slot(node).node.next
    }

    /// Takes the first out of a line; 0 if it is empty.
    #[inline(always)]
    pub(crate) fn pop(&mut self, list: &mut List) -> u32 {
        let node = list.head;
        if node != NONE {
            let this = &mut self.slots[node as usize].node;
            this.flags &= !flag::LINKED;
            list.head = this.next;
            if list.head == NONE {
                list.tail = NONE;
            }
        }
        node
    }

    // ---- waking

    /// `not fut.done()`: neither woken nor cancelled yet.
    #[inline(always)]
    pub(crate) fn is_pending(&self, node: u32) -> bool {
        self.slot(node).node.state & (WOKEN | CANCELLED) == 0
    }

    /// `fut.cancelled()`.
    #[inline(always)]
    pub(crate) fn is_cancelled(&self, node: u32) -> bool {
        self.slot(node).node.state & CANCELLED != 0
    }

    /// Done and not cancelled: what it was given must be passed on if its task cannot use it.
    #[inline(always)]
    pub(crate) fn is_woken(&self, node: u32) -> bool {
        self.slot(node).node.state & (WOKEN | CANCELLED | GAVE) == WOKEN
    }

    /// `fut.set_result`: the waiter runs in the next tick. It stays in its line until then.
    #[inline(always)]
    pub(crate) fn wake(&mut self, node: u32) {
        let slot = &mut self.slots[node as usize];
        debug_assert_eq!(
            slot.node.state & (WAITING | WOKEN | CANCELLED),
            WAITING,
            "only a pending wait is woken"
        );
        slot.node.state |= WOKEN;
        self.schedule(node);
    }

    /// Pops waiters until one is pending, and wakes that one; false if there was none.
    #[inline(always)]
    pub(crate) fn pop_wake(&mut self, list: &mut List) -> bool {
        loop {
            let node = self.pop(list);
            if node == NONE {
                return false;
            }
            if self.is_pending(node) {
                self.wake(node);
                return true;
            }
        }
    }

    /// Pops and wakes the first of a line if that is a pending wait of the usual kind, or there is none; false, and
    /// nothing is done, otherwise.
    #[inline(always)]
    pub(crate) fn pop_wake_plainly(&mut self, list: &mut List) -> bool {
        let node = list.head;
        if node == NONE {
            return true;
        }
        let slot = &mut self.slots[node as usize];
        let usual = slot.node.state == WAITING && slot.node.flags & (flag::QUEUED | flag::EXTRA) == 0;
        if !usual || !self.ready.push_in_room(slot.word) {
            return false;
        }
        slot.node.state = WAITING | WOKEN;
        slot.node.flags = slot.node.flags & !flag::LINKED | flag::QUEUED;
        list.head = slot.node.next;
        if list.head == NONE {
            list.tail = NONE;
        }
        true
    }

    /// Puts a task into the ready queue, or the task of an extra wait.
    #[inline(always)]
    pub(crate) fn schedule(&mut self, node: u32) {
        let slot = &mut self.slots[node as usize];
        if slot.node.flags & (flag::QUEUED | flag::EXTRA) != 0 {
            return self.schedule_rarely(node);
        }
        slot.node.flags |= flag::QUEUED;
        let word = slot.word;
        self.ready.push(word);
    }

    #[cold]
    #[inline(never)]
    fn schedule_rarely(&mut self, node: u32) {
        if !self.slot(node).is(flag::EXTRA) {
            return; // it is in the ready queue already
        }
        if let Some(waker) = self.wakers.remove(&node) {
            self.deferred.push(waker);
            self.attention |= attention::WAKERS;
        }
        let owner = self.slot(node).node.handles;
        if owner != NONE {
            self.schedule(owner);
        }
    }

    // ---- ending

    /// Ends a wait of the usual kind that was woken and is the first in its line; false, and nothing is done, if it is
    /// another.
    #[inline(always)]
    pub(crate) fn resume_first(&mut self, wait: &mut Wait, list: &mut List) -> bool {
        let node = &mut self.slots[wait.node as usize].node;
        let usual = node.state == WAITING | WOKEN && node.flags & flag::EXTRA == 0 && list.head == wait.node;
        if usual {
            node.state = 0;
            node.wait = node.wait.wrapping_add(1);
            node.flags &= !flag::LINKED;
            list.head = node.next;
            if node.next == NONE {
                list.tail = NONE;
            }
            wait.node = NONE;
        }
        usual
    }

    /// Looks whether the wait is over. If it is, the node is out of `list`, and the wait may begin anew.
    #[inline(always)]
    pub(crate) fn resume_in(&mut self, wait: &mut Wait, cx: &mut Context<'_>, list: &mut List) -> Resumed {
        if self.resume_first(wait, list) {
            return Resumed::Woken;
        }
        if self.is_pending(wait.node) {
            if self.began_elsewhere(wait.node) {
                self.take_over(wait, cx, Some(list));
            }
        } else if self.slot(wait.node).is(flag::LINKED) {
            self.unlink(list, wait.node);
        }
        self.resume(wait, cx)
    }

    /// Ends a wait of the usual kind that was woken and has left its line; false, and nothing is done, if it is another.
    #[inline(always)]
    pub(crate) fn resume_woken(&mut self, wait: &mut Wait) -> bool {
        let node = &mut self.slots[wait.node as usize].node;
        let usual = node.state == WAITING | WOKEN && node.flags & (flag::EXTRA | flag::LINKED) == 0;
        if usual {
            node.state = 0;
            node.wait = node.wait.wrapping_add(1);
            wait.node = NONE;
        }
        usual
    }

    /// As [`resume_in`](Rt::resume_in), for a wait that stands in no line.
    #[inline(always)]
    pub(crate) fn resume(&mut self, wait: &mut Wait, cx: &mut Context<'_>) -> Resumed {
        let node = &mut self.slots[wait.node as usize].node;
        if node.state == WAITING | WOKEN && node.flags & flag::EXTRA == 0 {
            node.state = 0;
            node.wait = node.wait.wrapping_add(1);
            wait.node = NONE;
            return Resumed::Woken;
        }
        self.resume_rarely(wait, cx)
    }

    #[cold]
    #[inline(never)]
    fn resume_rarely(&mut self, wait: &mut Wait, cx: &mut Context<'_>) -> Resumed {
        let node = wait.node;
        let state = self.slot(node).node.state;
        if state & (WOKEN | CANCELLED) == 0 {
            if self.began_elsewhere(node) {
                self.take_over(wait, cx, None);
            } else {
                self.renew_waker(node, cx);
            }
            return Resumed::Pending;
        }
        let resumed = match state & (CANCELLED | MUST) {
            0 if state & GAVE != 0 => Resumed::GaveWay,
            0 => Resumed::Woken,
            // A request that was the task's own leaves its message with the task (`_cancel_message`).
            MUST => Resumed::Cancelled(crate::Error::cancelled_maybe(self.messages.get(&node).cloned())),
            _ => Resumed::Cancelled(crate::Error::cancelled_maybe(self.messages.remove(&node))),
        };
        if state & CANCELLED != 0 {
            self.tell_siblings(node);
        }
        self.end_wait(wait, 0);
        resumed
    }

    /// A cancel request went to all waits of a task, and this one delivers it.
    fn tell_siblings(&mut self, node: u32) {
        let slot = self.slot(node);
        let owner = if slot.is(flag::EXTRA) { slot.node.handles } else { node };
        if owner == NONE || !self.slot(owner).is(flag::HAS_EXTRAS) {
            return;
        }
        for index in 0..=self.extras.len() {
            let sibling = self.extras.get(index).copied().unwrap_or(owner);
            let node = &mut self.slot_mut(sibling).node;
            if (sibling == owner || node.handles == owner) && node.state & CANCELLED != 0 {
                node.state |= TOLD;
            }
        }
    }

    /// A wait that is polled under another waker than before wakes the new one.
    fn renew_waker(&mut self, node: u32, cx: &mut Context<'_>) {
        if !self.slot(node).is(flag::EXTRA) {
            return;
        }
        let known = self.wakers.get(&node).is_some_and(|waker| outside(|| waker.will_wake(cx.waker())));
        if !known && cx.waker().data() as usize as u64 != self.current_word {
            let waker = outside(|| cx.waker().clone());
            if let Some(old) = self.wakers.insert(node, waker) {
                self.discard(Box::new(old));
            }
        }
    }

    /// Keeps a value of the program until it can be dropped outside of any access.
    #[cold]
    pub(crate) fn discard(&mut self, value: Box<dyn Any>) {
        self.trash.push(value);
        self.attention |= attention::TRASH;
    }
}
