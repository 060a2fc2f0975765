//! Real time since a hunt began: for stopping, saving and showing. What a run does never depends on it.

use crate::outside;
use std::time::Duration;

/// Counts from when it was made.
pub(super) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub(super) fn new() -> Stopwatch {
        Stopwatch(now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        now().saturating_duration_since(self.0)
    }
}

#[expect(clippy::disallowed_methods, reason = "a budget of time is one of real time")]
fn now() -> std::time::Instant {
    // A hunt may be made within a run, where clocks show the run's time.
    outside::suspended(std::time::Instant::now)
}
