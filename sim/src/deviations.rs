//! How a run deviates from the ordinary one: constraints of each loop's schedule, and draws that are not ordinary.
//!
//! This is what a failing run is shrunk to and what a token holds. A run under deviations has the ordinary order (the
//! oldest ready entry is next) but for its holds and bursts, and an ordinary network but for its draws: latencies, lost
//! packets. What has no order of its own, the program's random numbers, follows the data seed.
//!
//! [`Deviations::of`] derives them from any run that was watched: each step that overtook older ones is what these are
//! held until. Of the steps of one lane that overtook the same entry only the last counts, for the entry is held all the
//! while. So under its own deviations a run is the same run again, step for step.

use crate::observed::Observed;
use counterpoint_runtime::Profile;
use counterpoint_runtime::choices::Drawn;
use counterpoint_runtime::schedule::{Burst, Constraints, Hold, Seen, StepPattern};
use std::collections::BTreeMap;

/// All deviations of one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// One deviation. A loop goes by its number in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deviation {
    /// A step of a loop is held.
    Hold(u32, Hold),
    /// Steps of a loop run ahead.
    Burst(u32, Burst),
    /// Something drawn does not come out ordinary.
    Draw(Drawn),
}

impl Deviations {
    /// None: the ordinary run.
    pub(crate) fn none(data_seed: u64, profile: Profile) -> Deviations {
        Deviations { data_seed, profile, loops: BTreeMap::new(), draws: Vec::new() }
    }

    /// Those of a run that was watched.
    pub(crate) fn of(observed: &Observed, data_seed: u64, profile: Profile) -> Deviations {
        let holds = |seen| Constraints { holds: holds_of(seen), bursts: Vec::new() };
        let loops = observed.seen.iter().map(|(number, seen)| (*number, holds(seen)));
        let loops = loops.filter(|(_, constraints)| !constraints.is_empty()).collect();
        Deviations { data_seed, profile, loops, draws: observed.draws.clone() }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.loops.values().map(Constraints::len).sum::<usize>() + self.draws.len()
    }

    /// One after the other: of each loop the holds, then the bursts; the draws last.
    pub(crate) fn list(&self) -> Vec<Deviation> {
        let mut list = Vec::with_capacity(self.len());
        for (number, constraints) in &self.loops {
            list.extend(constraints.holds.iter().map(|hold| Deviation::Hold(*number, *hold)));
            list.extend(constraints.bursts.iter().map(|burst| Deviation::Burst(*number, *burst)));
        }
        list.extend(self.draws.iter().copied().map(Deviation::Draw));
        list
    }

    /// The same run but for its deviations, which are these.
    pub(crate) fn with(&self, list: impl IntoIterator<Item = Deviation>) -> Deviations {
        let mut with = Deviations::none(self.data_seed, self.profile);
        for deviation in list {
            match deviation {
                Deviation::Hold(number, hold) => with.loops.entry(number).or_default().holds.push(hold),
                Deviation::Burst(number, burst) => with.loops.entry(number).or_default().bursts.push(burst),
                Deviation::Draw(drawn) => with.draws.push(drawn),
            }
        }
        with
    }

    /// The same but for one deviation, which is not there.
    pub(crate) fn without(&self, deviation: Deviation) -> Deviations {
        self.with(self.list().into_iter().filter(|other| *other != deviation))
    }
}

impl Deviation {
    /// The steps that it is about, by loop and step key: the held one and that until which it holds, or where a burst
    /// begins.
    pub(crate) fn steps(&self) -> Vec<(u32, u64)> {
        let (number, patterns) = match self {
            Deviation::Hold(number, hold) => (*number, vec![hold.held, hold.until]),
            Deviation::Burst(number, burst) => (*number, vec![burst.from]),
            Deviation::Draw(_) => return Vec::new(),
        };
        let exact = patterns.into_iter().filter_map(|pattern| match pattern {
            StepPattern::Exact(key) => Some((number, key)),
            StepPattern::Short { .. } | StepPattern::Nth { .. } => None,
        });
        exact.collect()
    }
}

/// The holds that make a loop's order out of the ordinary one, those that end first being first.
fn holds_of(seen: &Seen) -> Vec<Hold> {
    let mut last = BTreeMap::new();
    for (index, step) in seen.steps().iter().enumerate() {
        for overtaken in &seen.others(step)[..step.rank as usize] {
            last.insert((overtaken.key(), step.name.lane), (index, step.name.key()));
        }
    }
    let mut holds: Vec<(usize, Hold)> = last
        .into_iter()
        .map(|((held, _), (index, until))| {
            (index, Hold { held: StepPattern::Exact(held), until: StepPattern::Exact(until) })
        })
        .collect();
    holds.sort_unstable();
    holds.into_iter().map(|(_, hold)| hold).collect()
}
