//! How long a run may go on. A limit that is reached says nothing about the program: it is not a failure.

use crate::clock::{Instant, nanos};
use crate::event_loop::{EventLoop, Loop};
use crate::store::access_quietly;
use std::fmt;
use std::time::Duration;

/// The limit that ended a run: the source of an error of kind [`Limit`](crate::ErrorKind::Limit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many ticks of the loop.
    Ticks(u64),
    /// So many steps. Looked at between ticks, so a run may take a few more.
    Steps(u64),
    /// So much virtual time.
    Time(Duration),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program did not end within ")?;
        match self {
            Limit::Ticks(ticks) => write!(f, "{ticks} ticks of the loop"),
            Limit::Steps(steps) => write!(f, "{steps} steps"),
            Limit::Time(time) => write!(f, "{} of virtual time", Instant::ZERO + *time),
        }
    }
}

impl std::error::Error for Limit {}

/// The limits of a loop; the greatest number is none.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) ticks: u64,
    pub(crate) steps: u64,
    pub(crate) time: u64,
}

impl Limits {
    pub(crate) const NONE: Limits = Limits { ticks: u64::MAX, steps: u64::MAX, time: u64::MAX };
}

impl EventLoop {
    /// Ends a run with an error of kind `Limit` when so many ticks have begun.
    pub fn set_tick_limit(&self, limit: Option<u64>) {
        let _ = access_quietly(self.id(), |l| l.limits.ticks = limit.unwrap_or(u64::MAX));
    }

    /// Ends a run with an error of kind `Limit` when so many steps have run.
    pub fn set_step_limit(&self, limit: Option<u64>) {
        let _ = access_quietly(self.id(), |l| l.limits.steps = limit.unwrap_or(u64::MAX));
    }

    /// Ends a run with an error of kind `Limit` before virtual time goes on beyond this.
    pub fn set_time_limit(&self, limit: Option<Duration>) {
        let _ = access_quietly(self.id(), |l| l.limits.time = limit.map_or(u64::MAX, nanos));
    }
}

impl Loop {
    /// Is a limit reached that forbids another tick at this moment?
    #[inline(always)]
    pub(crate) fn is_over_limit(&self, now: u64) -> bool {
        let Limits { ticks, steps, time } = self.limits;
        self.ticks >= ticks || self.rt.steps >= steps || now > time
    }

    /// The limit that is reached.
    #[cold]
    pub(crate) fn limit_reached(&self, now: u64) -> Option<Limit> {
        let Limits { ticks, steps, time } = self.limits;
        match () {
            () if self.ticks >= ticks => Some(Limit::Ticks(ticks)),
            () if self.rt.steps >= steps => Some(Limit::Steps(steps)),
            () if now > time => Some(Limit::Time(Duration::from_nanos(time))),
            () => None,
        }
    }
}
