//! What went wrong, for somebody who sees it for the first time.
//!
//! Pure: from a failure and a trace to text. `names` shortens lane paths, `interleaving` draws the steps, `network` says what happened
//! between them.

mod interleaving;
mod names;
mod network;

pub(crate) use interleaving::interleaving;
pub(crate) use names::Names;

use crate::outcome::Failure;
use counterpoint_runtime::trace::Event;
use std::fmt::Write;

/// How many of the last steps a report of a failure shows.
const STEPS_SHOWN: usize = 40;

/// The failure, the last steps that led to it, and notes.
pub(crate) fn of_failure(failure: &Failure, trace: &[Event], notes: &[String]) -> String {
    let names = Names::of(trace);
    let mut text = names.shorten(&failure.to_string());
    if failure.deadlock.is_none() {
        let _ = write!(text, "\n  in step {}, at {}", failure.step, failure.time);
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
