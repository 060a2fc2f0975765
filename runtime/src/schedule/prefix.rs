//! The beginning of a run by name, for exhaustive search.

use super::{StepName, Touched};

/// The first steps of a run, and what must not run after them until something that conflicts with it has.
#[derive(Clone, Debug, Default)]
pub struct Prefix {
    /// The steps, in order.
    pub steps: Vec<StepName>,
    /// What sleeps after them (Godefroid's sleep set): to run it next would repeat a run that was made.
    pub sleepers: Vec<Sleeper>,
}

/// A step that sleeps.
#[derive(Clone, Debug)]
pub struct Sleeper {
    /// Which one.
    pub name: StepName,
    /// What it touches: a step that conflicts with this wakes it.
    pub touched: Vec<Touched>,
}
