//! `replay`: a recorded run again, step by step.

use super::arguments::Replay as Arguments;
use super::choice::{find, program_of};
use super::output::{End, Paint, print};
use super::run::{end_of, show_run};
use super::{Scenario, Usage, json};
use crate::explore::{Verdict, replay};
use crate::recording::{Recording, RecordingError};
use serde_json::json;

pub(super) fn replay_file(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
    let recording = Recording::read(&arguments.file).map_err(|error| match error {
        RecordingError::File(_) => error.to_string(),
        _ => format!("{}: {error}", arguments.file.display()),
    })?;
    let scenario = find(scenarios, recording.name()).map_err(|error| {
        format!(
            "{}: {error}; the recording was made by a program with other scenarios",
            arguments.file.display()
        )
    })?;
    let simulation = program_of(scenario, recording.fixed)?;
    let replayed = replay(&simulation, &recording);
    let mut value = json::run(recording.name(), recording.fixed, &recording.settings, &replayed.run);
    value["replay"] = json!(match replayed.verdict {
        Verdict::Same => "same",
        Verdict::Diverged(_) => "diverged",
        Verdict::EndsOtherwise(_) => "ends otherwise",
    });
    value["verdict"] = json!(replayed.verdict.to_string());
    show_run(&replayed.run, &value, arguments.trace, arguments.json);
    if !arguments.json && replayed.run.divergence.is_none() {
        let paint = Paint::for_stdout();
        let verdict = match replayed.verdict {
            Verdict::Same => {
                paint.bold("the same run: every step, the end and the fingerprint are as recorded")
            }
            _ => paint.verdict(End::Inconclusive, &replayed.verdict),
        };
        print(&format!("\n{verdict}\n"));
    }
    Ok(match replayed.verdict {
        Verdict::Same => end_of(&replayed.run),
        Verdict::Diverged(_) | Verdict::EndsOtherwise(_) => End::Inconclusive,
    })
}
