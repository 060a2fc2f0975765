//! Ready entries in the order of a number each, but for those that are held until a step has run.
//!
//! Two strategies stand on this: one that follows constraints, and one that holds steps at random. A hold is about the
//! first step that its pattern matches, and is over once the step until which it holds has run, even before. Patterns
//! that name a step exactly are looked up in sorted lists; the others, which come from tokens a person reads, one by one.
//!
//! When all that is ready is held, the first of them is let go: a hold never stops the program.

use super::Pending;
use crate::schedule::{Heeded, Hold, StepName, StepPattern};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Which patterns match a step. Numbers stand for them: their places in the list that it is made of.
#[derive(Default)]
pub(super) struct Patterns {
    /// Step keys in order, with the pattern's number.
    exact: Vec<(u64, u32)>,
    others: Vec<(StepPattern, u32)>,
}

impl Patterns {
    pub(super) fn new(patterns: impl Iterator<Item = StepPattern>) -> Patterns {
        let mut made = Patterns::default();
        for (pattern, number) in patterns.zip(0..) {
            match pattern {
                StepPattern::Exact(key) => made.exact.push((key, number)),
                other => made.others.push((other, number)),
            }
        }
        made.exact.sort_unstable();
        made
    }

    /// Calls `met` with the number of each pattern that matches.
    pub(super) fn matching(&self, key: u64, name: &StepName, nth: u32, mut met: impl FnMut(usize)) {
        let from = self.exact.partition_point(|entry| entry.0 < key);
        for entry in self.exact[from..].iter().take_while(|entry| entry.0 == key) {
            met(entry.1 as usize);
        }
        for (pattern, number) in &self.others {
            if pattern.matches(name, nth) {
                met(*number as usize);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    /// The first is next.
    order: u64,
    key: u64,
    name: StepName,
    nth: u32,
    /// How many holds it waits for; more than 0 only while it is ready.
    holds: u32,
    is_ready: bool,
}

const NOBODY: u32 = u32::MAX;

/// The ready entries, and the holds.
pub(super) struct HeldLine {
    entries: Vec<Entry>,
    free: BinaryHeap<Reverse<(u64, u32)>>,
    /// Entries that were held when they came; some have been let go since.
    held: BinaryHeap<Reverse<(u64, u32)>>,
    starts: Patterns,
    ends: Patterns,
    /// By hold: the entry that it holds.
    holding: Vec<u32>,
    heeded: Vec<Heeded>,
}

impl HeldLine {
    pub(super) fn new(holds: &[Hold]) -> HeldLine {
        HeldLine {
            entries: Vec::new(),
            free: BinaryHeap::new(),
            held: BinaryHeap::new(),
            starts: Patterns::new(holds.iter().map(|hold| hold.held)),
            ends: Patterns::new(holds.iter().map(|hold| hold.until)),
            holding: vec![NOBODY; holds.len()],
            heeded: vec![Heeded::default(); holds.len()],
        }
    }

    /// An entry is ready. The one with the smallest `order` is next; no two share it.
    pub(super) fn push(&mut self, entry: u32, order: u64, pending: &Pending) {
        let index = entry as usize;
        let (name, nth) = (pending.name, pending.nth);
        let key = if self.holding.is_empty() { 0 } else { name.key() };
        let mut holds = 0;
        let (holding, heeded) = (&mut self.holding, &mut self.heeded);
        self.starts.matching(key, &name, nth, |hold| {
            if !heeded[hold].met {
                heeded[hold].met = true;
                if !heeded[hold].ended {
                    holding[hold] = entry;
                    holds += 1;
                }
            }
        });
        if self.entries.len() <= index {
            let none =
                Entry { order: 0, key: 0, name: StepName::default(), nth: 0, holds: 0, is_ready: false };
            self.entries.resize(index + 1, none);
        }
        self.entries[index] = Entry { order, key, name, nth, holds, is_ready: true };
        let line = if holds == 0 { &mut self.free } else { &mut self.held };
        line.push(Reverse((order, entry)));
    }

    /// Takes the next entry.
    pub(super) fn pop(&mut self) -> u32 {
        let entry = match self.free.pop() {
            Some(Reverse((_, entry))) => entry,
            None => self.release(),
        };
        let taken = &mut self.entries[entry as usize];
        taken.is_ready = false;
        if !self.holding.is_empty() {
            let taken = *taken;
            self.ran(&taken);
        }
        entry
    }

    pub(super) fn heeded(&self) -> &[Heeded] {
        &self.heeded
    }

    fn ran(&mut self, step: &Entry) {
        let (heeded, holding) = (&mut self.heeded, &mut self.holding);
        let (entries, free) = (&mut self.entries, &mut self.free);
        self.ends.matching(step.key, &step.name, step.nth, |hold| {
            heeded[hold].ended = true;
            let entry = std::mem::replace(&mut holding[hold], NOBODY);
            if entry != NOBODY {
                let held = &mut entries[entry as usize];
                held.holds -= 1;
                if held.holds == 0 {
                    free.push(Reverse((held.order, entry)));
                }
            }
        });
    }

    /// Lets the first of those go that are held.
    fn release(&mut self) -> u32 {
        let entry = loop {
            let Reverse((order, entry)) = self.held.pop().expect("an entry is ready when one is picked");
            let held = &self.entries[entry as usize];
            if held.is_ready && held.order == order && held.holds > 0 {
                break entry;
            }
        };
        self.entries[entry as usize].holds = 0;
        for (holding, heeded) in self.holding.iter_mut().zip(&mut self.heeded) {
            if *holding == entry {
                *holding = NOBODY;
                heeded.released = true;
            }
        }
        entry
    }
}
