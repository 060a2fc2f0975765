//! The time that certificates are judged by.

use counterpoint_runtime::virtual_time;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use std::time::Duration;

/// Where a run's wall clock begins, as `counterpoint` shows it to programs: the year 2000, in seconds of Unix.
const BEGINNING: u64 = 946_684_800;

/// The wall clock of a run: the first of January 2000 and the virtual time since.
///
/// For programs that make rustls's configurations themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct VirtualClock;

impl TimeProvider for VirtualClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(
            Duration::from_secs(BEGINNING) + Duration::from_nanos(virtual_time().as_nanos()),
        ))
    }
}
