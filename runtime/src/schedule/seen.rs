//! The steps of one loop in one run: what ran, what it touched, and what else was ready.

use super::{StepName, Touched};
use std::ops::Range;
use std::panic::Location;

/// A step as it was seen.
#[derive(Clone, Debug)]
pub struct SeenStep {
    /// Its name.
    pub name: StepName,
    /// How many older entries it was preferred to.
    pub rank: u32,
    /// Virtual time in nanoseconds.
    pub time: u64,
    /// Where in the program it had waited.
    pub place: Option<&'static Location<'static>>,
    /// Of a plain callback: the number of the step, from 0, that put it into the line.
    pub cause: Option<u32>,
    others: Range<u32>,
    touched: Range<u32>,
}

/// The steps of one loop in one run.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    steps: Vec<SeenStep>,
    names: Vec<StepName>,
    touched: Vec<Touched>,
}

impl Seen {
    /// The steps in their order.
    pub fn steps(&self) -> &[SeenStep] {
        &self.steps
    }

    /// What else was ready when a step was picked, oldest first: the first `rank` of them were overtaken.
    pub fn others(&self, step: &SeenStep) -> &[StepName] {
        &self.names[step.others.start as usize..step.others.end as usize]
    }

    /// What it touched, in the order of the objects.
    pub fn touched(&self, step: &SeenStep) -> &[Touched] {
        &self.touched[step.touched.start as usize..step.touched.end as usize]
    }

    /// A step begins; `others` are oldest first. Its footprint follows with [`ended`](Seen::ended).
    pub fn began(
        &mut self,
        name: StepName,
        rank: u32,
        time: u64,
        place: Option<&'static Location<'static>>,
        others: impl IntoIterator<Item = StepName>,
    ) {
        let from = self.names.len() as u32;
        self.names.extend(others);
        let end = self.touched.len() as u32;
        let others = from..self.names.len() as u32;
        self.steps.push(SeenStep { name, rank, time, place, cause: None, others, touched: end..end });
    }

    /// The last step is a plain callback, which the step with this number put into the line.
    pub fn caused(&mut self, cause: u32) {
        if let Some(step) = self.steps.last_mut() {
            step.cause = Some(cause);
        }
    }

    /// The last step ended, having touched this.
    pub fn ended(&mut self, touched: &[Touched]) {
        let Some(step) = self.steps.last_mut() else { return };
        self.touched.truncate(step.touched.start as usize);
        self.touched.extend_from_slice(touched);
        step.touched.end = self.touched.len() as u32;
    }
}
