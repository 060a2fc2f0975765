//! What went wrong, for somebody who sees it for the first time.
//!
//! Pure: from a failure and a trace to text. `rows` cuts the trace, `interleaving` draws it with the `columns` of its tasks,
//! `names` shortens lane paths, `network` says what happened between the steps.

mod columns;
mod interleaving;
mod names;
mod network;
mod rows;

pub(crate) use interleaving::interleaving;
pub(crate) use names::Names;

use crate::outcome::Failure;
use counterpoint_runtime::Instant;
use counterpoint_runtime::trace::Event;
use std::fmt::Write;

/// How many of the last steps a report of a failure shows.
const STEPS_SHOWN: usize = 40;

/// The failure, the last steps that led to it, and notes.
pub(crate) fn of_failure(failure: &Failure, trace: &[Event], notes: &[String]) -> String {
    let names = Names::of(trace);
    let mut text = names.shorten(&failure.to_string());
    if failure.deadlock.is_none() {
        let (step, time) = last_step(trace).unwrap_or((failure.step, failure.time));
        let _ = write!(text, "\n  in step {step}, at {time}");
    }
    text.push('\n');
    if !trace.is_empty() {
        text.push('\n');
        text.push_str(&interleaving(trace, STEPS_SHOWN));
    }
    for note in notes {
        let _ = write!(text, "\nnote: {}", names.shorten(note));
    }
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
