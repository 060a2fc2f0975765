//! A failure that a hunt found: run again, to be sure of it, and told.
//!
//! A failure is found in a run that nobody watches. Its run is made again, traced and recorded, and the failure must come
//! back; what does not come back is reported as such, with the step at which the program strays.

use super::learning::Learning;
use super::shrinking::{Shrunk, shrink_finding};
use crate::ending::Run;
use crate::outcome::{Failure, Outcome};
use crate::run::Simulation;
use crate::settings::Settings;
use crate::shrink::Budget;
use crate::watch::Watch;
use counterpoint_runtime::Profile;
use std::sync::Arc;

/// A failure that a hunt found.
#[derive(Debug)]
pub struct Finding {
    /// The first run that failed like this.
    pub run: u64,
    /// How many runs failed like this.
    pub count: u64,
    /// What went wrong, as the run that was watched tells it.
    pub failure: Failure,
    /// Did it come back?
    pub confirmation: Confirmation,
    /// Does the same fail in asyncio's own order as well?
    pub fails_in_fifo: bool,
    /// The run that was watched: with a trace and a recording.
    pub watched: Run,
    /// The fewest deviations that make it fail, and why; none if it did not come back, or was not to be shrunk.
    pub shrunk: Option<Shrunk>,
}

/// Whether a failure came back when its run was run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Step for step.
    Same,
    /// It did not: the program reads something that the seed does not fix. The text says what differed.
    Differs(String),
}

/// The first run that failed in one way.
#[derive(Clone, Debug)]
pub(crate) struct First {
    pub(crate) run: u64,
    pub(crate) count: u64,
    pub(crate) failure: Failure,
}

/// Runs a failing run again, traced and recorded.
pub(crate) fn confirm(simulation: &Simulation, learning: &Learning, first: First, budget: Budget) -> Finding {
    let settings = Settings { number: first.run, ..simulation.settings.clone() };
    let watched =
        learning.run(simulation, &settings, &Watch { trace: true, record: true, ..Watch::default() });
    let same = watched.outcome.failure().filter(|failure| failure.identity == first.failure.identity);
    let fails_in_fifo = settings.profile == Profile::Fifo || {
        let ordinary = Settings { profile: Profile::Fifo, ..settings.clone() };
        // Nothing drawn, either: in a world latencies alone may be enough.
        let run = simulation.run_as(&ordinary, &Watch { ordinary: true, ..Watch::default() });
        run.outcome.failure().is_some_and(|failure| failure.identity == first.failure.identity)
    };
    let (failure, confirmation) = match same {
        Some(failure) => (failure.clone(), Confirmation::Same),
        None => (first.failure, Confirmation::Differs(first_difference(simulation, &settings, &watched))),
    };
    let shrunk = (confirmation == Confirmation::Same && budget.runs > 0).then(|| {
        let lessons = learning.lessons(simulation, &settings, &Watch::default());
        let watch = Watch { lessons, ..Watch::default() };
        shrink_finding(simulation, &settings, &watch, &failure.identity, budget)
    });
    let shrunk = shrunk.and_then(Result::ok);
    Finding { run: first.run, count: first.count, failure, confirmation, fails_in_fifo, watched, shrunk }
}

/// Follows the second run with a third one, to find the step at which the program strays.
fn first_difference(simulation: &Simulation, settings: &Settings, second: &Run) -> String {
    let ended = match &second.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(failure) => format!("failed otherwise: {failure}"),
        Outcome::Inconclusive(reason) => format!("was inconclusive: {reason}"),
    };
    let replay = second.recording.clone().map(Arc::new);
    let third = simulation.run_as(settings, &Watch { replay, ..Watch::default() });
    let step = match third.divergence {
        Some(divergence) => format!("of three runs the first to stray did so at step {}", divergence.step),
        None => "the second and the third run were equal".to_owned(),
    };
    format!("run again it {ended}; {step}")
}

impl Finding {
    /// What went wrong, and how the tasks came there, in words.
    pub fn report(&self) -> String {
        if let Some(shrunk) = &self.shrunk {
            return shrunk.report().to_owned();
        }
        let Run { trace, notes, .. } = &self.watched;
        let (trace, notes) = match self.confirmation {
            Confirmation::Same => (trace.as_deref(), notes.as_slice()),
            Confirmation::Differs(_) => (None, [].as_slice()), // of another run
        };
        let mut text = crate::report::of_failure(&self.failure, trace.unwrap_or_default(), notes);
        if let Confirmation::Differs(how) = &self.confirmation {
            text.push_str(&format!(
                "\nnot confirmed: {how}.\nThe program reads something that the seed does not fix (a static, an address, a \
                 file; where the outside is real, time and the order of a HashMap as well).\n"
            ));
        }
        text
    }
}
