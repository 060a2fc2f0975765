//! A recorded run, followed step by step.

use crate::ending::Run;
use crate::outcome::Outcome;
use crate::recording::Recording;
use crate::run::Simulation;
use counterpoint_runtime::choices::recording::RecordedStep;
use std::fmt;

/// What came of following a recording.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The run, traced.
    pub run: Run,
    /// How it compares with the recorded one.
    pub verdict: Verdict,
}

/// How a replay compares with its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every step and the end are as recorded.
    Same,
    /// A step was not as recorded: the text names it.
    Diverged(String),
    /// The steps are as recorded, and the end is not: the text says what the two ended in.
    EndsOtherwise(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Same => f.write_str("every step was as recorded"),
            Verdict::Diverged(text) | Verdict::EndsOtherwise(text) => f.write_str(text),
        }
    }
}

/// Runs a simulation as it was recorded, strictly: the run ends at the first step that is not as recorded.
///
/// # Examples
/// ```
/// use counterpoint::{explore::{Verdict, replay}, sim::Simulation};
///
/// let simulation = Simulation::new(|| async { Ok(()) });
/// let recording = simulation.clone().record(true).run().recording.expect("it was asked for");
/// assert_eq!(replay(&simulation, &recording).verdict, Verdict::Same);
/// ```
pub fn replay(simulation: &Simulation, recording: &Recording) -> Replayed {
    let run = simulation.clone().trace(true).record(true).replay(recording).run();
    let verdict = compare(&run, recording);
    Replayed { run, verdict }
}

fn compare(run: &Run, recording: &Recording) -> Verdict {
    if let Some(divergence) = &run.divergence {
        return Verdict::Diverged(divergence.to_string());
    }
    if let Some((step, lane)) = first_missing(run, recording) {
        return Verdict::Diverged(format!(
            "replay diverged at step {step}: the recording says `{lane}`, but the program has ended.\nThe program changed \
             since it was recorded, or reads something that the seed does not fix (a static, an address, a file; where \
             the outside is real, time and the order of a HashMap as well).",
        ));
    }
    let found = run.outcome.failure().map(|failure| failure.identity.digest());
    let recorded = recording.failure.as_ref().map(|failure| failure.digest);
    if found == recorded && run.fingerprint == recording.fingerprint {
        return Verdict::Same;
    }
    let recorded = recording.failure.as_ref().map_or("a pass".to_owned(), |failure| failure.message.clone());
    let found = match &run.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed(failure) => format!("failed with: {}", failure.message),
        Outcome::Inconclusive(reason) => format!("was inconclusive: {reason}"),
    };
    Verdict::EndsOtherwise(format!(
        "every step was as recorded, but the end was not: recorded was {recorded}; now it {found}"
    ))
}

/// The first step of a process that the replay did not come to.
fn first_missing<'a>(run: &Run, recording: &'a Recording) -> Option<(usize, &'a str)> {
    let missing = |found: usize, recorded: &'a [RecordedStep]| {
        recorded.get(found).map(|step| (found + 1, step.lane.as_str()))
    };
    let Some(found) = &run.recording else { return missing(0, &recording.steps) };
    missing(found.steps.len(), &recording.steps).or_else(|| {
        let processes = recording.processes.iter().enumerate();
        processes
            .filter_map(|(number, recorded)| {
                let found = found.processes.get(number).map_or(0, |process| process.steps.len());
                missing(found, &recorded.steps)
            })
            .next()
    })
}
