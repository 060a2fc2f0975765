//! `syscall`: some crates go around the functions of the C library for random bytes and time.
//!
//! In C it takes as many arguments as it is given. Rust cannot define such a function, so ours always takes six: on the
//! 64-bit systems that this is built for, a caller that gives fewer leaves the others to chance, in registers or on its
//! stack, and what reads them passes them on to a system call that does not look.
#![allow(unsafe_code, reason = "defines a function of the C library")]

use super::entropy::getrandom;
use super::next::{Next, failed};
use super::time::clock_gettime;
use std::ffi::{c_int, c_long, c_uint, c_void};

static SYSCALL: Next = Next::new(c"syscall");

/// # Safety
/// As in C: the arguments are those of the system call.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    first: *mut c_void,
    second: usize,
    third: usize,
    fourth: usize,
    fifth: usize,
    sixth: usize,
) -> c_long {
    match number {
        // SAFETY: these are the arguments of this system call, and the function says the same of them.
        libc::SYS_getrandom => unsafe { getrandom(first, second, third as c_uint) as c_long },
        // SAFETY: as above.
        libc::SYS_clock_gettime => unsafe {
            let into = std::ptr::with_exposed_provenance_mut(second);
            c_long::from(clock_gettime(first.addr() as c_int, into))
        },
        _ => {
            // SAFETY: this is the type of `syscall`.
            match unsafe { SYSCALL.function::<unsafe extern "C" fn(c_long, ...) -> c_long>() } {
                // SAFETY: the caller's promise.
                Some(next) => unsafe { next(number, first, second, third, fourth, fifth, sixth) },
                None => c_long::from(failed(libc::ENOSYS)),
            }
        }
    }
}
