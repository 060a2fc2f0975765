//! The trace of a run: what happened, in order. Off unless asked for; a hunt runs without it.
//!
//! [`Event`] is one closed list of all that can be in a trace, plain names and numbers, so that every report matches
//! it exhaustively: an event that no report draws does not compile.

mod event;
mod waiting;

pub use event::{Access, End, Event, PacketFate, PacketRecord, Ran, StepRecord};
pub use waiting::WaitingTask;

use crate::store::access_current;
use std::cell::RefCell;
use std::rc::Rc;

/// The events of a run, oldest first.
pub type Trace = Vec<Event>;

/// Where the events of a run go: one list for all its loops and all that stands below them, in the order in which they
/// happened. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Sink(Rc<RefCell<Trace>>);

impl Sink {
    /// An empty one.
    pub fn new() -> Sink {
        Sink::default()
    }

    /// One event more.
    pub fn push(&self, event: Event) {
        self.0.borrow_mut().push(event);
    }

    /// The events so far; the list then begins anew.
    pub fn take(&self) -> Trace {
        self.0.take()
    }
}

/// Notes a line of the program's own log at the step that runs now; nothing happens while nobody traces.
///
/// # Examples
/// ```
/// counterpoint_runtime::trace::log("debited 10");
/// ```
pub fn log(text: impl Into<String>) {
    let _ = access_current(|l| {
        let now = crate::Instant::from_nanos(l.rt.now);
        let task = (l.rt.current != 0).then(|| l.rt.lane_path(l.rt.current));
        if let Some(trace) = &l.rt.observed.trace {
            trace.push(Event::Log { task, time: now, text: text.into() });
        }
    });
}

/// Does the current loop keep a trace? Asked before a line is formatted for [`log`].
pub fn enabled() -> bool {
    access_current(|l| l.rt.observed.trace.is_some()).unwrap_or(false)
}
