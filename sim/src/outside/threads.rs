//! Threads of the operating system: a run is one thread, and must not start another.
//!
//! The system would decide who runs first. The call is refused as if there were no room for one more thread, so that
//! the program goes on deterministically, and the run fails for it.
#![allow(unsafe_code, reason = "defines a function of the C library")]

use super::next::Next;
use super::{Call, refuses};
use libc::{pthread_attr_t, pthread_t};
use std::ffi::{c_int, c_void};

/// What a thread begins with.
type Start = extern "C" fn(*mut c_void) -> *mut c_void;
type PthreadCreate =
    unsafe extern "C" fn(*mut pthread_t, *const pthread_attr_t, Option<Start>, *mut c_void) -> c_int;

static PTHREAD_CREATE: Next = Next::new(c"pthread_create");

/// # Safety
/// As in C.
#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    start: Option<Start>,
    argument: *mut c_void,
) -> c_int {
    if refuses(Call::Thread) {
        return libc::EAGAIN; // it returns its error, and leaves `errno` alone
    }
    // SAFETY: this is the type of `pthread_create`.
    match unsafe { PTHREAD_CREATE.function::<PthreadCreate>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(thread, attributes, start, argument) },
        None => libc::ENOSYS,
    }
}
