//! How a run deviates from the ordinary one: constraints of each loop's schedule, and draws that are not ordinary.
//!
//! This is what a failing run is shrunk to and what a token holds. A run under deviations has the ordinary order (the
//! oldest ready entry is next) but for its holds and bursts, and an ordinary network but for its draws: latencies, lost
//! packets. What has no order of its own, the program's random numbers, follows the data seed.

use counterpoint_runtime::Profile;
use counterpoint_runtime::choices::Drawn;
use counterpoint_runtime::schedule::Constraints;
use std::collections::BTreeMap;

/// All deviations of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deviations {
    /// The seed of the program's random numbers, drawn costs of steps and random bytes.
    pub(crate) data_seed: u64,
    /// Which orders are legal.
    pub(crate) profile: Profile,
    /// Of each loop's schedule, by the loop's number.
    pub(crate) loops: BTreeMap<u32, Constraints>,
    /// Of the network and all else that is drawn by key.
    pub(crate) draws: Vec<Drawn>,
}

impl Deviations {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.loops.values().map(Constraints::len).sum::<usize>() + self.draws.len()
    }
}
