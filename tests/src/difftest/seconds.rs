//! Seconds as a program writes them, and the loop's time as a trace prints it.
//!
//! A number keeps the form in which it was written, since a trace line repeats it: `1` and `1.0` are
//! equal times and different words.

use std::time::Duration;

use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Seconds(serde_json::Number);

impl Seconds {
    /// Nanoseconds; negative ones are legal in a program, and mean the past.
    pub(crate) fn as_nanos(&self) -> i64 {
        let seconds = self.0.as_f64().expect("a JSON number of seconds is finite");
        (seconds * 1e9).round() as i64
    }

    /// A delay; what lies in the past is due at once.
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_nanos(self.as_nanos().max(0).unsigned_abs())
    }
}

/// A point in time; the loop has none before its start.
pub(crate) fn instant(nanos: i64) -> asyncio::Instant {
    asyncio::Instant::from_nanos(nanos.max(0).unsigned_abs())
}

/// The loop's time in seconds, as the trace prints it.
pub(crate) fn shown(nanos: i64) -> String {
    format!("{:.2}", nanos as f64 / 1e9)
}
