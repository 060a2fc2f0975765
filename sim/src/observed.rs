//! What exploration asks of a run, gathered from its loops.

use counterpoint_runtime::EventLoop;
use counterpoint_runtime::choices::Drawn;
use counterpoint_runtime::schedule::{Behaviour, Heeded, Seen};
use std::collections::BTreeMap;

/// What exploration asks of a run; loops have the numbers that they have in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// The steps of each loop.
    pub(crate) seen: BTreeMap<u32, Seen>,
    /// What all loops did together.
    pub(crate) behaviour: Option<Behaviour>,
    /// What became of the constraints of each loop.
    pub(crate) heeded: BTreeMap<u32, Vec<Heeded>>,
    /// It repeated a run that was made, and ended early.
    pub(crate) redundant: bool,
    /// The draws that were not ordinary, if they were kept.
    pub(crate) draws: Vec<Drawn>,
}

impl Observed {
    /// Takes what a loop has kept, before it is closed.
    pub(crate) fn take_from(&mut self, number: u32, event_loop: &EventLoop) {
        if let Some(seen) = event_loop.take_seen() {
            self.seen.insert(number, seen);
        }
        if let Some(behaviour) = event_loop.take_behaviour() {
            self.behaviour.get_or_insert_default().add(number, &behaviour);
        }
        let heeded = event_loop.heeded();
        if !heeded.is_empty() {
            self.heeded.insert(number, heeded);
        }
        self.redundant |= event_loop.is_redundant();
    }
}
