//! The random bytes of the operating system, which come from the seed in a run.
//!
//! Call n of a run has stream n of the run's seed for itself, so that nothing has to be kept between two calls. Whether
//! in a run or not, a thread that asked is spent: see the module above.
#![allow(unsafe_code, reason = "defines functions of the C library, which write through pointers")]

use super::next::{Next, failed};
use super::{draw, is_active};
use counterpoint_runtime::choices::Stream;
use libc::{size_t, ssize_t};
use std::ffi::{c_int, c_uint, c_void};

/// `getentropy` gives no more at once.
const ENTROPY_BYTES_MAX: usize = 256;

static GETRANDOM: Next = Next::new(c"getrandom");
static GETENTROPY: Next = Next::new(c"getentropy");

/// # Safety
/// `length` bytes from `into` on can be written to. What they held is not read: they may be uninitialised.
unsafe fn fill(into: *mut u8, length: usize, stream: &mut Stream) {
    for start in (0..length).step_by(size_of::<u32>()) {
        let bytes = stream.word().to_le_bytes();
        let count = bytes.len().min(length - start);
        // SAFETY: `start + count` is at most `length`; the bytes are our own.
        unsafe { into.add(start).copy_from_nonoverlapping(bytes.as_ptr(), count) };
    }
}

/// # Safety
/// As in C: `length` bytes from `into` on can be written to.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getrandom(into: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    // Asked for nothing it tells whether the system can do it. Crates ask that once a process, so it must not count.
    if length == 0 && is_active() {
        return 0;
    }
    if length != 0
        && let Some(mut stream) = draw()
    {
        // SAFETY: the caller's promise.
        unsafe { fill(into.cast(), length, &mut stream) };
        return length as ssize_t;
    }
    // SAFETY: this is the type of `getrandom`.
    match unsafe { GETRANDOM.function::<unsafe extern "C" fn(*mut c_void, size_t, c_uint) -> ssize_t>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(into, length, flags) },
        None => failed(libc::ENOSYS) as ssize_t,
    }
}

/// # Safety
/// As in C: `length` bytes from `into` on can be written to.
#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(into: *mut c_void, length: size_t) -> c_int {
    if length != 0
        && length <= ENTROPY_BYTES_MAX
        && let Some(mut stream) = draw()
    {
        // SAFETY: the caller's promise.
        unsafe { fill(into.cast(), length, &mut stream) };
        return 0;
    }
    // SAFETY: this is the type of `getentropy`.
    match unsafe { GETENTROPY.function::<unsafe extern "C" fn(*mut c_void, size_t) -> c_int>() } {
        // SAFETY: the caller's promise.
        Some(next) => unsafe { next(into, length) },
        None => failed(libc::ENOSYS),
    }
}

#[cfg(test)]
mod tests {
    use super::super::enter;
    use super::*;

    fn bytes_of_call<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        // SAFETY: there is room for so many bytes.
        assert_eq!(unsafe { getrandom(bytes.as_mut_ptr().cast(), N, 0) }, N as ssize_t);
        bytes
    }

    #[test]
    fn asking_for_nothing_moves_no_later_bytes() {
        let of_run = |asks_first: bool| {
            let _inside = enter(1);
            if asks_first {
                bytes_of_call::<0>();
            }
            bytes_of_call::<5>()
        };
        assert_eq!(of_run(false), of_run(true));
    }

    #[test]
    fn each_call_has_bytes_of_its_own_whatever_the_length_of_others() {
        let _inside = enter(1);
        let (first, second) = (bytes_of_call::<3>(), bytes_of_call::<8>());
        let _again = enter(1);
        let (longer, same) = (bytes_of_call::<300>(), bytes_of_call::<8>());
        assert_eq!(longer[..3], first);
        assert_eq!(same, second);
        assert_ne!(longer[..8], same);
    }

    #[test]
    fn getentropy_gives_bytes_of_the_run_and_refuses_too_many() {
        let _inside = enter(1);
        let mut bytes = [0u8; 300];
        // SAFETY: there is room for as many bytes as are asked for.
        unsafe {
            assert_eq!(getentropy(bytes.as_mut_ptr().cast(), 256), 0);
            assert_eq!(getentropy(bytes.as_mut_ptr().cast(), 300), -1);
        }
        let _again = enter(1);
        assert_eq!(bytes[..256], bytes_of_call::<256>());
    }
}
