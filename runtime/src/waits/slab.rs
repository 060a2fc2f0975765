//! The slab of a loop: slots taken and given back, and the names of what is made.

use crate::lanes;
use crate::slots::{Cold, Kind, List, NONE, Slot, Word, flag};
use crate::waits::Rt;

impl Rt {
    #[inline(always)]
    pub(crate) fn new_slot(&mut self, kind: Kind) -> u32 {
        if let Some(slot) = self.free.pop() {
            let this = &mut self.slots[slot as usize];
            this.word = Word::new(this.word.tag(), this.word.generation(), kind, slot);
            this.node.flags = flag::USED;
            this.node.state = 0;
            this.waiters = List::EMPTY;
            return slot;
        }
        let slot = self.slots.len();
        assert!(
            slot < Word::SLOTS_MAX,
            "a loop holds at most 16,777,215 tasks, futures and callbacks at a time"
        );
        let mut this = Slot::unused(Word::new(self.tag, self.first_generation, kind, slot as u32));
        this.node.flags = flag::USED;
        self.slots.push(this);
        self.cold.push(Cold::default());
        slot as u32
    }

    /// Gives a slot back. Its body must have been taken out before.
    #[inline(always)]
    pub(crate) fn free_slot(&mut self, slot: u32) {
        debug_assert!(self.slot(slot).body.is_none(), "a body is dropped outside of the access");
        let kept_elsewhere = !self.names.is_empty() || !self.messages.is_empty();
        if self.slot(slot).is(flag::CONTEXT | flag::GATHERING) || kept_elsewhere {
            self.free_rarely(slot);
        }
        let this = self.slot_mut(slot);
        this.node.flags = 0;
        this.node.wait = this.node.wait.wrapping_add(1);
        this.word = this.word.next_generation(Kind::Passive);
        self.free.push(slot);
    }

    /// Is nothing left: no task, no future, no callback?
    pub(crate) fn all_slots_are_free(&self) -> bool {
        self.free.len() + 1 == self.slots.len() // slot 0 is nobody's
    }

    #[cold]
    fn free_rarely(&mut self, slot: u32) {
        let context = std::mem::take(&mut self.cold[slot as usize].context);
        self.release_context(context);
        self.gathering.remove(&slot);
        self.names.remove(&slot);
        self.messages.remove(&slot);
    }

    /// The lane under the running one for a name, and its number there.
    #[inline]
    pub(crate) fn child_lane(&mut self, name: u64) -> (u64, u32) {
        let parent = if self.current == NONE { lanes::ROOT } else { self.cold[self.current as usize].lane };
        let path = lanes::mix(parent, name);
        let nth = self.counters.next(path);
        (lanes::mix(path, u64::from(nth)), nth)
    }

    /// The key of an object made by the running lane, and its number among those of its kind there.
    pub(crate) fn object_key(&mut self, kind: u64) -> (u64, u32) {
        self.child_lane(kind)
    }
}
