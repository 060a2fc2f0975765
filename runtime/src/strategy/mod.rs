//! How legal orders are sampled. Which orders are legal is another thing: see `profile`.
//!
//! A strategy is a pure function of the words of its stream and of what it is shown. Ready entries arrive in one
//! common vector ([`Ready`]); a strategy is asked for the index of the next one. The two strategies here take straight
//! from the vector, and the loop calls them without a virtual call.
//!
//! To add one: a file beside these with a type that implements [`Choose`], and a variant in [`Strategy`] and
//! [`Strategy::start`]. One that keeps its own order (priorities, weights) drains the new entries of the vector when it
//! is asked to choose.

mod fifo;
mod random_walk;

use crate::choices::Stream;
use crate::profile::Profile;
use crate::ready::Ready;
use crate::slots::Word;
use std::fmt;
use std::str::FromStr;

/// A way to sample among the legal orders.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Always the oldest entry: the ordinary order.
    #[default]
    Fifo,
    /// Each ready entry with the same chance.
    RandomWalk,
}

impl Strategy {
    /// All strategies.
    pub const ALL: [Strategy; 2] = [Strategy::Fifo, Strategy::RandomWalk];

    /// Its name on the command line and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Fifo => "fifo",
            Strategy::RandomWalk => "random",
        }
    }

    /// What runs of this strategy use under a profile. Where only one order is legal, nothing is sampled.
    pub(crate) fn start(self, profile: Profile) -> Picker {
        match (profile, self) {
            (Profile::Fifo, _) | (_, Strategy::Fifo) => Picker::Fifo(fifo::Fifo),
            (Profile::AnyReady, Strategy::RandomWalk) => Picker::RandomWalk(random_walk::RandomWalk),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = String;
    fn from_str(name: &str) -> Result<Strategy, String> {
        let found = Strategy::ALL.into_iter().find(|strategy| strategy.name() == name);
        found.ok_or_else(|| format!("there is no strategy `{name}`; the strategies are fifo and random"))
    }
}

/// A strategy at work.
pub(crate) trait Choose {
    /// The index of the next entry in the vector, which is not empty.
    fn choose(&mut self, ready: &Ready, stream: &mut Stream) -> usize;
}

/// The strategy of a loop, without a virtual call for the two that hunts use most.
pub(crate) enum Picker {
    Fifo(fifo::Fifo),
    RandomWalk(random_walk::RandomWalk),
}

impl Picker {
    /// Takes the next entry.
    #[inline(always)]
    pub(crate) fn pick(&mut self, ready: &mut Ready, stream: &mut Stream) -> Option<Word> {
        match self {
            Picker::Fifo(_) => ready.take_first(),
            Picker::RandomWalk(_) => {
                let count = ready.len() as u32;
                (count > 0).then(|| ready.swap_take(stream.below(count) as usize))
            }
        }
    }

    /// The index of the next entry, for a loop that is watched: the same draws as [`pick`](Picker::pick).
    pub(crate) fn choose(&mut self, ready: &Ready, stream: &mut Stream) -> usize {
        match self {
            Picker::Fifo(fifo) => fifo.choose(ready, stream),
            Picker::RandomWalk(walk) => walk.choose(ready, stream),
        }
    }
}
