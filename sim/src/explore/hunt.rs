//! Run after run, until one fails.

use crate::outcome::{Failure, Outcome};
use crate::run::Simulation;
use std::ops::Range;

/// Runs a simulation so many times and says what was found.
pub fn hunt(simulation: &Simulation, runs: u64) -> Hunted {
    Hunt::new(simulation).runs(0..runs).start()
}

/// Many runs of one simulation.
pub struct Hunt<'a> {
    simulation: &'a Simulation,
    runs: Range<u64>,
}

/// What a hunt found.
#[derive(Debug)]
pub struct Hunted {
    /// How many runs were made.
    pub runs: u64,
    /// The failures, the one with the lowest run number first.
    pub findings: Vec<Finding>,
}

/// A failure that a hunt found.
#[derive(Debug)]
pub struct Finding {
    /// The first run that failed like this.
    pub run: u64,
    /// What went wrong.
    pub failure: Failure,
}

impl<'a> Hunt<'a> {
    /// A hunt over runs 0 to 999.
    pub fn new(simulation: &'a Simulation) -> Hunt<'a> {
        Hunt { simulation, runs: 0..1000 }
    }

    /// Sets the numbers of the runs.
    pub fn runs(self, runs: Range<u64>) -> Hunt<'a> {
        Hunt { runs, ..self }
    }

    /// Hunts.
    pub fn start(self) -> Hunted {
        let mut hunted = Hunted { runs: 0, findings: Vec::new() };
        for run in self.runs {
            hunted.runs += 1;
            if let Outcome::Failed(failure) = self.simulation.clone().run_number(run).run().outcome {
                hunted.findings.push(Finding { run, failure: *failure });
                break;
            }
        }
        hunted
    }
}

impl Hunted {
    /// Did no run fail?
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}
