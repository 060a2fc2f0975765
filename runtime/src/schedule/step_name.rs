//! The name of a step, which survives edits.

use crate::lanes;

/// Names a step of one loop: the lane that ran, what it had waited for, and which visit of that wait it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepName {
    /// A hash of the lane's path.
    pub lane: u64,
    /// A hash of the operation and the object that it waited in; 0 for the first step of a task.
    pub awaited: u64,
    /// How many times this lane had waited there, from 1; 0 for the first step of a task.
    pub visit: u32,
}

impl StepName {
    /// One number for it: the step key.
    #[inline]
    pub fn key(&self) -> u64 {
        lanes::mix(self.site(), u64::from(self.visit))
    }

    /// The step without its visit: where in which lane.
    #[inline]
    pub fn site(&self) -> u64 {
        lanes::mix(self.lane, self.awaited)
    }
}
