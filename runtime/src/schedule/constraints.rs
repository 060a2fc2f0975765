//! Holds and bursts: a failing order as a few constraints on top of the ordinary one.
//!
//! Under constraints the oldest ready entry is next, but for those that are held and those that burst. A hold whose
//! `until` can never come is let go when everything that is ready is held, and reported as such.

use super::StepName;

/// Which steps a constraint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepPattern {
    /// The step of this key.
    Exact(u64),
    /// The step whose lane, whose awaited and whose visit have these low 24 bits, as tokens keep them.
    Short {
        /// Of the lane.
        lane: u32,
        /// Of what was awaited.
        awaited: u32,
        /// The visit; none for the first that comes, whatever its visit.
        visit: Option<u32>,
    },
    /// The so-manyth step (from 0) of the lane with these low 24 bits, whatever it awaited.
    Nth {
        /// Of the lane.
        lane: u32,
        /// Which step of the lane.
        step: u32,
    },
}

/// A step that is not picked before another has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hold {
    /// What is held.
    pub held: StepPattern,
    /// Until this has run.
    pub until: StepPattern,
}

/// Steps of one lane that run ahead of all others as soon as they are ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Burst {
    /// The first of them.
    pub from: StepPattern,
    /// How many steps of its lane.
    pub steps: u32,
}

/// All constraints of one loop.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Constraints {
    /// What is held, and until when.
    pub holds: Vec<Hold>,
    /// What runs ahead.
    pub bursts: Vec<Burst>,
}

impl Constraints {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.holds.len() + self.bursts.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What became of each constraint in a run: first of the holds, then of the bursts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heeded {
    /// The step that it holds, or that begins the burst, was ready.
    pub met: bool,
    /// The step until which it holds has run; always true of a burst.
    pub ended: bool,
    /// It was let go, because everything that was ready was held.
    pub released: bool,
}

impl StepPattern {
    /// The pattern of a token for a step.
    pub fn short(name: &StepName) -> StepPattern {
        let low = |word: u64| (word & 0xFF_FFFF) as u32;
        StepPattern::Short { lane: low(name.lane), awaited: low(name.awaited), visit: Some(name.visit) }
    }

    /// Is it about this step, the so-manyth of its lane?
    #[inline]
    pub fn matches(&self, name: &StepName, nth: u32) -> bool {
        let low = |word: u64| (word & 0xFF_FFFF) as u32;
        match *self {
            StepPattern::Exact(key) => name.key() == key,
            StepPattern::Short { lane, awaited, visit } => {
                low(name.lane) == lane
                    && low(name.awaited) == awaited
                    && visit.is_none_or(|visit| visit == name.visit)
            }
            StepPattern::Nth { lane, step } => low(name.lane) == lane && step == nth,
        }
    }
}
