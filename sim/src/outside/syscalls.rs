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

#[cfg(test)]
mod tests {
    use super::super::enter;
    use super::*;
    use std::ptr::null_mut;

    /// What `SYS_getrandom` gives, by the way around the function.
    fn eight_bytes() -> [u8; 8] {
        let mut bytes = [0; 8];
        // SAFETY: there is room for eight bytes.
        let count = unsafe { syscall(libc::SYS_getrandom, bytes.as_mut_ptr().cast(), 8, 0, 0, 0, 0) };
        assert_eq!(count, 8);
        bytes
    }

    #[test]
    fn random_bytes_by_system_call_are_the_runs() {
        let in_run = |seed| {
            let _inside = enter(seed);
            eight_bytes()
        };
        assert_eq!(in_run(1), in_run(1));
        assert_ne!(in_run(1), in_run(2));
        assert_ne!(eight_bytes(), eight_bytes());
    }

    #[test]
    fn time_by_system_call_is_the_runs() {
        let seconds = || {
            let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let into = (&raw mut time).expose_provenance();
            // SAFETY: there is room for the time.
            assert_eq!(unsafe { syscall(libc::SYS_clock_gettime, null_mut(), into, 0, 0, 0, 0) }, 0);
            time.tv_sec
        };
        assert!(seconds() > 1_750_000_000);
        let _inside = enter(1);
        assert_eq!(seconds(), 946_684_800);
    }

    #[test]
    fn other_system_calls_pass_with_their_arguments() {
        let _inside = enter(1);
        // SAFETY: it takes no argument.
        let own = unsafe { syscall(libc::SYS_getpid, null_mut(), 0, 0, 0, 0, 0) };
        assert_eq!(own, c_long::from(std::process::id() as c_int));
        // SAFETY: a page is asked for (its address, length, protection, flags, no file, offset), and given back.
        unsafe {
            let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
            let page =
                syscall(libc::SYS_mmap, null_mut(), 4096, libc::PROT_READ as usize, flags, usize::MAX, 0);
            assert!(page > 0, "six arguments arrive");
            let page = std::ptr::with_exposed_provenance_mut(page as usize);
            assert_eq!(syscall(libc::SYS_munmap, page, 4096, 0, 0, 0, 0), 0);
        }
    }
}
