//! Sockets of the operating system: what comes in through one is not of the seed.
//!
//! The call is refused as if the program were not allowed to make it, and the run fails for it. Other families than the
//! internet's and Unix's (netlink, packets) are asked of the system itself, and pass.
#![allow(unsafe_code, reason = "defines a function of the C library")]

use super::next::{Next, failed};
use super::{Call, refuses};
use std::ffi::c_int;

static SOCKET: Next = Next::new(c"socket");

/// # Safety
/// As in C: none of its arguments can be wrong in a way that harms.
#[unsafe(no_mangle)]
unsafe extern "C" fn socket(family: c_int, kind: c_int, protocol: c_int) -> c_int {
    if matches!(family, libc::AF_INET | libc::AF_INET6 | libc::AF_UNIX) && refuses(Call::Socket) {
        return failed(libc::EACCES);
    }
    // SAFETY: this is the type of `socket`.
    match unsafe { SOCKET.function::<unsafe extern "C" fn(c_int, c_int, c_int) -> c_int>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(family, kind, protocol) },
        None => failed(libc::ENOSYS),
    }
}
