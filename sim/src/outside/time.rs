//! The clocks of the C library, which show virtual time in a run.
//!
//! A run begins at 2000-01-01 00:00:00 UTC, one hour after the simulated machine was switched on: so that code which
//! goes back from a monotonic moment does not fall off its beginning. The clocks of consumed processor time show how much
//! virtual time has passed. Sleeping (`nanosleep`) is not simulated: it would take real time.
#![allow(unsafe_code, reason = "defines functions of the C library, which write through pointers")]

use super::is_active;
use super::next::{Next, failed};
use counterpoint_runtime::virtual_time;
use libc::{clockid_t, time_t, timespec, timeval};
use std::ffi::{c_int, c_void};

/// 2000-01-01 00:00:00 UTC, in seconds of Unix.
const EPOCH_SECONDS: u64 = 946_684_800;
/// What monotonic clocks show when a run begins.
const UPTIME_SECONDS: u64 = 3_600;
const NANOS: u64 = 1_000_000_000;

static CLOCK_GETTIME: Next = Next::new(c"clock_gettime");
static GETTIMEOFDAY: Next = Next::new(c"gettimeofday");
static TIME: Next = Next::new(c"time");

/// What a clock shows in the run that is active here, in seconds and nanoseconds; none outside of a run, and for what is
/// no clock.
#[inline(always)]
fn shown(clock: clockid_t) -> Option<(u64, u64)> {
    if !is_active() {
        return None;
    }
    let start = match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_REALTIME_ALARM | libc::CLOCK_TAI => {
            EPOCH_SECONDS
        }
        libc::CLOCK_MONOTONIC
        | libc::CLOCK_MONOTONIC_COARSE
        | libc::CLOCK_MONOTONIC_RAW
        | libc::CLOCK_BOOTTIME
        | libc::CLOCK_BOOTTIME_ALARM => UPTIME_SECONDS,
        libc::CLOCK_PROCESS_CPUTIME_ID | libc::CLOCK_THREAD_CPUTIME_ID => 0,
        // Processor time of any process or thread.
        clock if clock < 0 => 0,
        _ => return None,
    };
    let now = virtual_time().as_nanos();
    Some((start + now / NANOS, now % NANOS))
}

/// # Safety
/// As in C: `into` can be written to.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn clock_gettime(clock: clockid_t, into: *mut timespec) -> c_int {
    if let Some((seconds, nanos)) = shown(clock) {
        // SAFETY: the caller's promise.
        unsafe { into.write(timespec { tv_sec: seconds as time_t, tv_nsec: nanos as _ }) };
        return 0;
    }
    // SAFETY: this is the type of `clock_gettime`; the arguments are the caller's.
    match unsafe { CLOCK_GETTIME.function::<unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(clock, into) },
        None => failed(libc::ENOSYS),
    }
}

/// # Safety
/// As in C: both can be written to, or are null.
#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(into: *mut timeval, zone: *mut c_void) -> c_int {
    if let Some((seconds, nanos)) = shown(libc::CLOCK_REALTIME) {
        if !into.is_null() {
            // SAFETY: the caller's promise.
            unsafe { into.write(timeval { tv_sec: seconds as time_t, tv_usec: (nanos / 1_000) as _ }) };
        }
        // The second pointer is to two integers, which Linux has not filled with anything else for decades.
        if !zone.is_null() {
            // SAFETY: the caller's promise.
            unsafe { zone.cast::<[c_int; 2]>().write([0, 0]) };
        }
        return 0;
    }
    // SAFETY: this is the type of `gettimeofday`.
    match unsafe { GETTIMEOFDAY.function::<unsafe extern "C" fn(*mut timeval, *mut c_void) -> c_int>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(into, zone) },
        None => failed(libc::ENOSYS),
    }
}

/// # Safety
/// As in C: `into` can be written to, or is null.
#[unsafe(no_mangle)]
unsafe extern "C" fn time(into: *mut time_t) -> time_t {
    if let Some((seconds, _)) = shown(libc::CLOCK_REALTIME) {
        if !into.is_null() {
            // SAFETY: the caller's promise.
            unsafe { into.write(seconds as time_t) };
        }
        return seconds as time_t;
    }
    // SAFETY: this is the type of `time`.
    match unsafe { TIME.function::<unsafe extern "C" fn(*mut time_t) -> time_t>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(into) },
        None => failed(libc::ENOSYS).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::enter;
    use super::*;
    use counterpoint_runtime::{Instant, set_virtual_time};

    fn nanos_of(clock: clockid_t) -> Option<i128> {
        let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: there is room for the time.
        let told = unsafe { clock_gettime(clock, &raw mut time) } == 0;
        told.then(|| i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec))
    }

    #[test]
    fn every_clock_goes_with_virtual_time() {
        let _inside = enter(1);
        let clocks: Vec<clockid_t> = (-20..=11).filter(|clock| nanos_of(*clock).is_some()).collect();
        assert!(clocks.len() >= 10, "{clocks:?}");
        let before: Vec<_> = clocks.iter().map(|clock| nanos_of(*clock)).collect();
        set_virtual_time(Instant::from_nanos(5_000_000_007));
        for (clock, before) in clocks.into_iter().zip(before) {
            assert_eq!(nanos_of(clock), before.map(|before| before + 5_000_000_007), "clock {clock}");
        }
    }

    #[test]
    fn what_is_no_clock_stays_none() {
        let _inside = enter(1);
        assert_eq!(nanos_of(99), None);
    }

    #[test]
    fn the_end_of_virtual_time_is_no_end_of_the_clock() {
        let _inside = enter(1);
        set_virtual_time(Instant::MAX);
        assert!(nanos_of(libc::CLOCK_REALTIME) > nanos_of(libc::CLOCK_MONOTONIC));
    }

    #[test]
    fn the_old_functions_tell_the_same_time() {
        let _inside = enter(1);
        set_virtual_time(Instant::from_nanos(1_500_000_000));
        let (mut day, mut zone, mut seconds) = (timeval { tv_sec: 0, tv_usec: 0 }, [7; 2], 0);
        // SAFETY: there is room for what is told; a null pointer is allowed.
        unsafe {
            assert_eq!(gettimeofday(&raw mut day, (&raw mut zone).cast::<c_void>()), 0);
            assert_eq!(time(&raw mut seconds), time(std::ptr::null_mut()));
        }
        assert_eq!((day.tv_sec, day.tv_usec, zone), (946_684_801, 500_000, [0, 0]));
        assert_eq!(seconds, 946_684_801);
    }
}
