//! How legal orders are sampled. Which orders are legal is another thing: see `profile`.
//!
//! A strategy is a pure function of the words of its stream, of its parameters (the [`Strategy`] itself, and what earlier
//! runs taught: [`LoopLessons`]), and of what it is shown. Ready entries arrive in one common vector ([`Ready`]). `fifo` and
//! the random walk take straight from it, and the loop calls them without a virtual call. Every other one is an [`Order`]:
//! it is told of each new entry when the next one is to be picked, and of the footprint of each step that has run.
//!
//! To add one: a file beside these with a type that implements [`Order`], a variant in [`Strategy`] with its name, and a
//! line in [`Strategy::order`].

mod exhaustive;
mod fifo;
mod fixed;
mod holds;
mod lane_numbers;
mod names;
mod pct;
mod pos;
mod random_walk;
mod reversal;
mod surw;
#[cfg(test)]
mod testing;
mod urw;
mod weighted;
mod weights;

use crate::choices::Stream;
use crate::profile::Profile;
use crate::ready::Ready;
use crate::schedule::{Directed, Heeded, SharedLessons, StepName, Touched};
use crate::slots::Word;

/// A way to sample among the legal orders.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Always the oldest entry: the ordinary order.
    #[default]
    Fifo,
    /// Each ready entry with the same chance.
    RandomWalk,
    /// As the random walk, but each class of entries (tasks that start, that give way, timers, ...) with a weight that is
    /// drawn for the run.
    WeightedWalk,
    /// A random priority for each lane, lowered for `depth` - 1 lanes on the way; 1 to 16, and more counts as 16.
    Pct {
        /// How many orderings it takes to meet the bug.
        depth: u32,
    },
    /// A random priority for each ready entry, drawn anew after a step that conflicts with it.
    Pos,
    /// Each lane with a chance as it has steps left: every interleaving with about the same chance.
    Urw,
    /// As [`Urw`](Strategy::Urw), but for the steps that touch one object, which is drawn for the run.
    Surw,
    /// Random priorities, but one to three races of earlier runs end the other way round.
    Reversal,
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
    pub const ALL: [Strategy; 9] = [
        Strategy::Fifo,
        Strategy::RandomWalk,
        Strategy::WeightedWalk,
        Strategy::Pct { depth: 2 },
        Strategy::Pct { depth: 3 },
        Strategy::Pos,
        Strategy::Urw,
        Strategy::Surw,
        Strategy::Reversal,
    ];

    /// Does it need what earlier runs teach?
    pub fn learns(self) -> bool {
        match self {
            Strategy::Fifo | Strategy::RandomWalk | Strategy::WeightedWalk => false,
            Strategy::Pct { .. } | Strategy::Pos | Strategy::Urw | Strategy::Surw | Strategy::Reversal => {
                true
            }
        }
    }

    /// Its order, but for the two that take straight from the ready queue.
    pub(crate) fn order(
        self,
        directed: Option<&Directed>,
        lessons: Option<&SharedLessons>,
    ) -> Option<Box<dyn Order>> {
        match directed {
            Some(Directed::Constraints(constraints)) => {
                return Some(Box::new(fixed::Fixed::new(constraints)));
            }
            Some(Directed::Prefix(prefix)) => return Some(Box::new(exhaustive::Exhaustive::new(prefix))),
            None => {}
        }
        match self {
            Strategy::Fifo | Strategy::RandomWalk => None,
            Strategy::WeightedWalk => Some(Box::new(weighted::Weighted::default())),
            Strategy::Pct { depth } => {
                let depth = depth.clamp(1, names::PCT_DEPTH_MAX);
                Some(Box::new(pct::Pct::new(depth, lessons.map(|lessons| lessons.choices))))
            }
            Strategy::Pos => Some(Box::new(pos::Pos::new(lessons.cloned()))),
            Strategy::Urw => Some(Box::new(urw::Urw::new(lessons.cloned()))),
            Strategy::Surw => Some(Box::new(surw::Surw::new(lessons.cloned()))),
            Strategy::Reversal => Some(Box::new(reversal::Reversal::new(lessons.cloned()))),
        }
    }

    /// What a loop uses. Where only one order is legal, nothing is sampled.
    pub(crate) fn start(
        self,
        profile: Profile,
        directed: Option<&Directed>,
        lessons: Option<&SharedLessons>,
    ) -> Picker {
        if profile == Profile::Fifo {
            return Picker::Fifo(fifo::Fifo);
        }
        match (self.order(directed, lessons), self) {
            (Some(order), _) => Picker::Ordered(order),
            (None, Strategy::Fifo) => Picker::Fifo(fifo::Fifo),
            (None, _) => Picker::RandomWalk(random_walk::RandomWalk),
        }
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
                let count = ready.unshown_len() as u32;
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
