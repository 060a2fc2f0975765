//! What went wrong, for somebody who sees it for the first time.
//!
//! Pure: from a failure and a trace to text. `rows` cuts the trace, `interleaving` draws it with the `columns` of its tasks,
//! `names` shortens lane paths, `network` says what happened between the steps.
//!
//! Of a failure that was shrunk `explanation` says why it fails; its steps are told by `step_words`, its draws by
//! `draw_words`, and `focus` leaves out what has no part in it.

mod columns;
mod draw_words;
mod explanation;
mod focus;
mod interleaving;
mod names;
mod network;
mod rows;
mod step_words;

pub(crate) use explanation::{Case, Inevitable, explain};
pub(crate) use focus::{lane_of, steps_of};
pub(crate) use interleaving::interleaving;
pub(crate) use names::Names;
pub(crate) use rows::{is_own, is_own_file};

use crate::outcome::Failure;
use counterpoint_runtime::Instant;
use counterpoint_runtime::trace::Event;
use std::fmt::Write;

/// How many of the last steps a report of a failure shows.
const STEPS_SHOWN: usize = 40;

/// The failure, the last steps that led to it, and notes.
pub(crate) fn of_failure(failure: &Failure, trace: &[Event], notes: &[String]) -> String {
    let names = Names::of(trace);
    let mut text = head(failure, trace, &names);
    if !trace.is_empty() {
        text.push('\n');
        text.push_str(&interleaving(trace, STEPS_SHOWN));
    }
    text.push_str(&in_words(notes, &names));
    text
}

/// The failure, and when it was.
fn head(failure: &Failure, trace: &[Event], names: &Names) -> String {
    let mut text = names.shorten(&failure.to_string());
    if failure.deadlock.is_none() {
        let (step, time) = last_step(trace).unwrap_or((failure.step, failure.time));
        let _ = write!(text, "\n  in step {step}, at {time}");
    }
    text.push('\n');
    text
}

fn in_words(notes: &[String], names: &Names) -> String {
    let mut text: String = notes.iter().map(|note| format!("\nnote: {}", names.shorten(note))).collect();
    if !notes.is_empty() {
        text.push('\n');
    }
    text
}

/// The last step of a trace: its number among those of all processes, which the failure's own does not count, and its time.
fn last_step(trace: &[Event]) -> Option<(u64, Instant)> {
    let steps = trace.iter().filter_map(|event| match event {
        Event::Step(step) => Some(step.time),
        _ => None,
    });
    steps.zip(1..).last().map(|(time, number)| (number, time))
}
