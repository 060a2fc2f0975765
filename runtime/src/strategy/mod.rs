//! How legal orders are sampled. Which orders are legal is another thing: see `profile`.
//!
//! A strategy is a pure function of the words of its stream, of its parameters (the [`Strategy`] itself, and what earlier
//! runs taught: [`LoopLessons`]), and of what it is shown. Ready entries arrive in one common vector ([`Ready`]). `fifo` and
//! the random walk take straight from it, and the loop calls them without a virtual call. Every other one is an [`Order`]:
//! it is told of each new entry when the next one is to be picked, and of the footprint of each step that has run.
//!
//! To add one: a file beside these with a type that implements [`Order`], a variant in [`Strategy`] with its name, and a
//! line in [`Strategy::order`].

mod fifo;
mod random_walk;

use crate::choices::Stream;
use crate::profile::Profile;
use crate::ready::Ready;
use crate::schedule::{Directed, Heeded, LoopLessons, StepName, Touched};
use crate::slots::Word;
use std::fmt;
use std::str::FromStr;

/// A way to sample among the legal orders.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Always the oldest entry: the ordinary order.
    #[default]
    Fifo,
    /// Each ready entry with the same chance.
    RandomWalk,
}

/// What stands behind a ready entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A task that has not run yet.
    Start,
    /// A task that gave way.
    Yield,
    /// A task whose timer is due, or the timer itself.
    Timer,
    /// A task that the network, or another kernel, made ready.
    Kernel,
    /// A task that another one woke.
    Woken,
    /// The line of plain callbacks.
    Callbacks,
}

/// A ready entry, as a strategy sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) name: StepName,
    /// How many steps of its lane were shown before.
    pub(crate) nth: u32,
    pub(crate) class: Class,
}

/// A strategy with an order of its own. Entries are small numbers, which are used again once they were picked.
pub(crate) trait Order {
    /// An entry is ready; the oldest is told of first.
    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream);

    /// The next entry, of those that are ready and not picked yet: there is one.
    fn pick(&mut self, stream: &mut Stream) -> u32;

    /// The step that was picked last has run, and touched this. Told only of if [`wants_footprints`](Order::wants_footprints).
    fn executed(&mut self, name: &StepName, touched: &[Touched], stream: &mut Stream) {
        let _ = (name, touched, stream);
    }

    /// Is it to be told what steps touched?
    fn wants_footprints(&self) -> bool {
        false
    }

    /// Does it ask for the names of steps, beyond their lanes?
    fn wants_names(&self) -> bool {
        self.wants_footprints()
    }

    /// What became of the constraints that it follows.
    fn heeded(&self) -> Vec<Heeded> {
        Vec::new()
    }

    /// Has it found that the run repeats one that was made, so that it can end here?
    fn is_redundant(&self) -> bool {
        false
    }
}

impl Strategy {
    /// All strategies, with their usual parameters.
    pub const ALL: [Strategy; 2] = [Strategy::Fifo, Strategy::RandomWalk];

    /// Its name on the command line and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Fifo => "fifo",
            Strategy::RandomWalk => "random",
        }
    }

    /// Does it need what earlier runs teach?
    pub fn learns(self) -> bool {
        match self {
            Strategy::Fifo | Strategy::RandomWalk => false,
        }
    }

    /// What a loop uses. Where only one order is legal, nothing is sampled.
    pub(crate) fn start(
        self,
        profile: Profile,
        directed: Option<&Directed>,
        lessons: Option<&LoopLessons>,
    ) -> Picker {
        let _ = (directed, lessons);
        match (profile, self) {
            (Profile::Fifo, _) | (_, Strategy::Fifo) => Picker::Fifo(fifo::Fifo),
            (_, Strategy::RandomWalk) => Picker::RandomWalk(random_walk::RandomWalk),
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

/// A strategy that takes straight from the vector.
pub(crate) trait Choose {
    /// The index of the next entry in the vector, which is not empty.
    fn choose(&mut self, ready: &Ready, stream: &mut Stream) -> usize;
}

/// The strategy of a loop, without a virtual call for the two that take straight from the vector.
pub(crate) enum Picker {
    Fifo(fifo::Fifo),
    RandomWalk(random_walk::RandomWalk),
    /// One with an order of its own: see `picking`.
    Ordered(Box<dyn Order>),
}

impl Picker {
    /// Has it an order of its own?
    pub(crate) fn is_ordered(&self) -> bool {
        matches!(self, Picker::Ordered(_))
    }

    /// Takes the next entry from the vector; none from one with an order of its own.
    #[inline(always)]
    pub(crate) fn pick(&mut self, ready: &mut Ready, stream: &mut Stream) -> Option<Word> {
        match self {
            Picker::Ordered(_) => None,
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
            Picker::Ordered(_) => ready.oldest(),
        }
    }
}
