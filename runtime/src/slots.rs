//! The slots of a loop: every task, future, callback and extra wait is one, 64 bytes, one cache line.
//!
//! ```text
//!             body polled    woken by          word in the ready queue
//! task        yes            its wait, wakers  yes
//! future      no             –                 no
//! callback    once           its handle        yes
//! extra wait  no             its wait          no: it wakes the task that waits
//! ```
//!
//! **One word** ([`Word`]) is a slot's entry in the ready queue, the data of its waker, and its generation. Picking
//! an entry costs one compare with the slot's own word; a stale one (of a task that ended or was aborted) simply does
//! not compare equal. Generations are for what is not counted: wakers, entries, timers. Handles are counted, so a
//! slot with handles is never reused, and they need none.
//!
//! **A task waits on one thing, so the waiter is its slot**: a wait allocates nothing (see `waits`). A task *is* a
//! future, as in asyncio: whoever awaits it stands in the `waiters` of its slot, in line with its done callbacks.

use crate::ops::Op;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Slot 0 is never used, so that 0 says "none" everywhere.
pub(crate) const NONE: u32 = 0;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Finished,
    Failed,
    Cancelled,
}

/// What a slot runs, and where its result is kept: one allocation for both.
pub(crate) trait Body {
    /// Runs it until it waits or has ended. The result stays inside.
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended>;
    /// The result, a `Result<T>` of the type that the handles know; none while it runs.
    fn result(self: Pin<&mut Self>) -> Option<*mut ()>;
    /// The error in the result, if it is one.
    fn error(self: Pin<&mut Self>) -> Option<&mut crate::Error>;
    /// Drops what is inside, and keeps this error as the result.
    fn end_with(self: Pin<&mut Self>, error: crate::Error);
    /// The function that the body comes from.
    fn function(&self) -> &'static str;
}

pub(crate) type BoxedBody = Pin<Box<dyn Body>>;

/// A task, a future, a callback or an extra wait.
#[repr(C, align(64))]
pub(crate) struct Slot {
    pub(crate) body: Option<BoxedBody>,
    pub(crate) node: Node,
    /// Who awaits this future, and its done callbacks, in the order in which they came.
    pub(crate) waiters: List,
    pub(crate) word: Word,
}

/// A slot's place in a line: the wait of a task, or a done callback.
pub(crate) struct Node {
    /// Where in the program the wait stands, or the callback was made.
    pub(crate) place: Option<&'static Location<'static>>,
    pub(crate) next: u32,
    pub(crate) prev: u32,
    /// What is waited for: an object, or for [`Op::Await`] a slot.
    pub(crate) object: u32,
    /// Counts the waits of this slot, and is never reset: a timer that was set for an earlier one is stale.
    pub(crate) wait: u32,
    pub(crate) handles: u32,
    pub(crate) flags: u16,
    pub(crate) op: Op,
    /// State bits of the wait: see `waits`.
    pub(crate) state: u8,
}

/// A line of nodes, first come first served. `prev` of the first is garbage: test `head` instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) head: u32,
    pub(crate) tail: u32,
}

impl List {
    pub(crate) const EMPTY: List = List { head: NONE, tail: NONE };
    pub(crate) fn is_empty(self) -> bool {
        self.head == NONE
    }
}

/// Flags of a slot. Each says when it is set.
pub(crate) mod flag {
    /// Its word is in the ready queue: set by whoever puts it there, cleared when it is picked.
    pub(crate) const QUEUED: u16 = 1 << 0;
    /// Its body ran once.
    pub(crate) const STARTED: u16 = 1 << 1;
    /// An extra wait of the task in `handles`: set for as long as the slot is one.
    pub(crate) const EXTRA: u16 = 1 << 2;
    /// The node is in a line.
    pub(crate) const LINKED: u16 = 1 << 3;
    /// The timer of this wait, or of this callback, has left the heap.
    pub(crate) const DUE: u16 = 1 << 4;
    /// The future is done: final.
    pub(crate) const DONE: u16 = 1 << 5;
    /// … and was cancelled: only together with DONE.
    pub(crate) const CANCELLED: u16 = 1 << 6;
    /// The error in the result has not been looked at: only together with DONE.
    pub(crate) const UNRETRIEVED: u16 = 1 << 7;
    /// The first reader has taken the message of the cancellation.
    pub(crate) const MESSAGE_TAKEN: u16 = 1 << 8;
    /// It has a context of its own, in `Cold`.
    pub(crate) const CONTEXT: u16 = 1 << 9;
    /// A gathering future: a cancel goes to its children.
    pub(crate) const GATHERING: u16 = 1 << 10;
    /// The callback runs each time it is made ready, until it is cancelled or its last handle goes. Of callbacks, as
    /// `GATHERING` is of futures alone.
    pub(crate) const REPEATING: u16 = 1 << 10;
    /// A cancel request is on its way down from this task: meeting it again is a cycle.
    pub(crate) const CANCELLING: u16 = 1 << 11;
    /// The callback is a lane of its own, not one of the loop's plain callbacks.
    pub(crate) const OWN_LANE: u16 = 1 << 12;
    /// The result was taken by the one who has the only handle; what lies there now is for those who ask for it all the
    /// same. Of tasks and futures, as `OWN_LANE` is of callbacks alone.
    pub(crate) const TAKEN: u16 = 1 << 12;
    /// It has extra waits.
    pub(crate) const HAS_EXTRAS: u16 = 1 << 13;
    /// The done callback does the same whether it runs before or after others of its kind, if its future has a result. Of
    /// callbacks, as `HAS_EXTRAS` is of tasks alone.
    pub(crate) const IN_ANY_ORDER: u16 = 1 << 13;
    /// It was aborted while its body ran: its end comes after this step.
    pub(crate) const ABORTED: u16 = 1 << 14;
    /// Not a slot of the free list.
    pub(crate) const USED: u16 = 1 << 15;
}

/// What is rarely looked at, one for each slot.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cold {
    /// The hash of its lane path: see `lanes`.
    pub(crate) lane: u64,
    /// Number in the order of creation, from 1.
    pub(crate) order: u32,
    /// Number among those of the same name under the same parent, from 1.
    pub(crate) nth: u32,
    /// How many cancels were requested.
    pub(crate) cancels: u32,
    /// Its context, 0 while it has none of its own.
    pub(crate) context: u32,
}

/// What a slot is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Task = 0,
    /// Only in the ready queue: the due timer of a wait, with the count of the wait in place of the generation.
    Timer = 1,
    Callback = 2,
    /// A future or an extra wait: never in the ready queue. With slot 0 there: the lane of the plain callbacks.
    Passive = 3,
}

/// loop tag 16 | generation 22 | kind 2 | slot 24
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    pub(crate) const SLOT_BITS: u32 = 24;
    pub(crate) const SLOTS_MAX: usize = 1 << Self::SLOT_BITS;
    const SLOT_MASK: u64 = (1 << Self::SLOT_BITS) - 1;
    const GENERATION_MASK: u64 = (1 << 22) - 1;

    pub(crate) fn new(tag: u16, generation: u32, kind: Kind, slot: u32) -> Word {
        let generation = u64::from(generation) & Self::GENERATION_MASK;
        Word(u64::from(tag) << 48 | generation << 26 | (kind as u64) << 24 | u64::from(slot))
    }

    #[inline(always)]
    pub(crate) fn slot(self) -> u32 {
        (self.0 & Self::SLOT_MASK) as u32
    }

    #[inline(always)]
    pub(crate) fn kind(self) -> Kind {
        match self.0 >> 24 & 3 {
            0 => Kind::Task,
            1 => Kind::Timer,
            2 => Kind::Callback,
            _ => Kind::Passive,
        }
    }

    #[inline(always)]
    pub(crate) fn tag(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// The generation, or for a timer's entry the low bits of its wait.
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 26 & Self::GENERATION_MASK) as u32
    }

    /// Kind and slot alone: what the fingerprint may see.
    #[inline(always)]
    pub(crate) fn behaviour(self) -> u64 {
        self.0 & (Self::SLOT_MASK | 3 << 24)
    }

    pub(crate) fn is_timer_of(self, wait: u32) -> bool {
        u64::from(self.generation()) == u64::from(wait) & Self::GENERATION_MASK
    }

    pub(crate) fn next_generation(self, kind: Kind) -> Word {
        Word::new(self.tag(), self.generation().wrapping_add(1), kind, self.slot())
    }
}

impl Slot {
    pub(crate) fn unused(word: Word) -> Slot {
        let node = Node {
            place: None,
            next: NONE,
            prev: NONE,
            object: NONE,
            wait: 0,
            handles: 0,
            flags: 0,
            op: Op::None,
            state: 0,
        };
        Slot { body: None, node, waiters: List::EMPTY, word }
    }

    #[inline(always)]
    pub(crate) fn is(&self, flags: u16) -> bool {
        self.node.flags & flags != 0
    }

    pub(crate) fn is_live_task(&self) -> bool {
        self.is(flag::USED) && self.word.kind() == Kind::Task && !self.is(flag::DONE)
    }
}

const _: () = {
    assert!(size_of::<Slot>() == 64);
    assert!(size_of::<Node>() == 32);
    assert!(size_of::<List>() == 8);
};
