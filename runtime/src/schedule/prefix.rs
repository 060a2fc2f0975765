//! The beginning of a run by name, for exhaustive search.

use super::{StepName, Touched};

/// The first steps of a run, and what must not run until something that conflicts with it has.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    /// The steps, in order.
    pub steps: Vec<StepName>,
    /// What sleeps (Godefroid's sleep set): to run it next would repeat a run that was made.
    pub sleepers: Vec<Sleeper>,
    /// How many of the steps have run when they fall asleep: those that come later may wake them.
    pub asleep_after: usize,
}

/// A step that sleeps.
#[derive(Clone, Debug)]
pub struct Sleeper {
    /// Which one.
    pub name: StepName,
    /// What it touches: a step that conflicts with this wakes it.
    pub touched: Vec<Touched>,
}
