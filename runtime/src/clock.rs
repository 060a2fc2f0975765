//! Virtual time: an instant is a number of nanoseconds since the run began.
//!
//! Integers, where asyncio has floats: sums are exact and equal on every machine. Two deadlines that floats would
//! hold 5e-17 s apart are one here. Nothing in this file moves time: a driver does (see `driver`).
//!
//! A loop's own time is in its `Rt`. A copy of it stands in a thread-local: whoever answers a clock of the system in a
//! loop's place may be asked while the loop is borrowed, and must not look into it.

use std::cell::Cell;
use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A moment of virtual time, in whole nanoseconds since the run began.
///
/// # Examples
/// ```
/// use counterpoint_runtime::Instant;
/// use std::time::Duration;
///
/// let later = Instant::ZERO + Duration::from_millis(3_250);
/// assert_eq!(later.to_string(), "00:00:03.250");
/// assert_eq!(later.duration_since(Instant::ZERO), Duration::from_millis(3_250));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The beginning of the run.
    pub const ZERO: Instant = Instant(0);
    /// The end of time: some 584 years after the beginning.
    pub const MAX: Instant = Instant(u64::MAX);

    /// The moment so many nanoseconds after the beginning.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant(nanos)
    }

    /// Nanoseconds since the beginning.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the beginning, rounded as a float is.
    pub fn as_secs_f64(self) -> f64 {
        Duration::from_nanos(self.0).as_secs_f64()
    }

    /// How long after `earlier` this is; zero if it is before it.
    pub const fn duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

thread_local! {
    // Const initialised and without a destructor: it can be read at any moment of a thread's life.
    static TOLD: Cell<u64> = const { Cell::new(0) };
}

/// Virtual time on this thread: of the loop that runs here, or else of the one that was current last.
///
/// It can be asked for at any moment, also where no loop can be reached: from a destructor, from a waker that the loop
/// clones, from an allocator. Where there is a loop to ask, ask [`EventLoop::time`](crate::EventLoop::time).
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use std::time::Duration;
///
/// asyncio::run(async {
///     asyncio::sleep(Duration::from_secs(2)).await?;
///     assert_eq!(asyncio::virtual_time(), asyncio::get_running_loop()?.time());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub fn virtual_time() -> Instant {
    Instant(TOLD.get())
}

/// Sets what [`virtual_time`] says until a loop of this thread runs; what it said before.
///
/// For who begins a run: what ran here before must not be seen in it.
pub fn set_virtual_time(time: Instant) -> Instant {
    Instant(TOLD.replace(time.0))
}

/// The time of the loop that is current has become this.
#[inline(always)]
pub(crate) fn tell(nanos: u64) {
    TOLD.set(nanos);
}

/// Nanoseconds of a duration, at most the end of time.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Later by `duration`; the end of time if there is no such moment.
impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_add(nanos(duration)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

/// Earlier by `duration`; the beginning if there is no such moment.
impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, duration: Duration) -> Instant {
        Instant(self.0.saturating_sub(nanos(duration)))
    }
}

impl Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        write!(f, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match (nanos % 1_000_000, nanos % 1_000) {
            (0, _) => write!(f, ".{:03}", nanos / 1_000_000),
            (_, 0) => write!(f, ".{:06}", nanos / 1_000),
            _ => write!(f, ".{nanos:09}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_as_much_of_a_second_as_it_needs() {
        assert_eq!(Instant::from_nanos(3_600_000_000_000).to_string(), "01:00:00.000");
        assert_eq!(Instant::from_nanos(1_000).to_string(), "00:00:00.000001");
        assert_eq!(Instant::from_nanos(1).to_string(), "00:00:00.000000001");
    }

    #[test]
    fn time_ends_instead_of_wrapping() {
        assert_eq!(Instant::MAX + Duration::from_secs(1), Instant::MAX);
        assert_eq!(Instant::ZERO + Duration::MAX, Instant::MAX);
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
    }
}
