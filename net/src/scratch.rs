//! One buffer for all reads of a thread: bytes pass through it on their way to whoever keeps them.

use std::cell::Cell;

/// What fits; larger reads bring a buffer of their own.
const SIZE: usize = 256 * 1024;

thread_local! {
    /// Taken for the time of a read: what the read leads to may read, too.
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lets `f` have a buffer of so many bytes, filled with whatever was read before.
pub(crate) fn with_scratch<R>(size: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    if size > SIZE {
        return f(&mut vec![0; size]);
    }
    let mut scratch = SCRATCH.take().unwrap_or_else(|| vec![0; SIZE].into_boxed_slice());
    let result = f(&mut scratch[..size]);
    SCRATCH.set(Some(scratch));
    result
}
