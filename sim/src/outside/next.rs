//! The real functions, behind ours: what the dynamic linker would have called.
#![allow(unsafe_code, reason = "asks the dynamic linker for functions by name")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A function of the C library that one of ours stands before. It is looked for at the first call.
pub(super) struct Next {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Next {
    pub(super) const fn new(name: &'static CStr) -> Next {
        Next { name, address: AtomicPtr::new(null_mut()) }
    }

    /// The function; none if no library has it.
    ///
    /// # Safety
    /// `F` is the type of a pointer to a function, and that of the function with this name in C.
    #[inline(always)]
    pub(super) unsafe fn function<F: Copy>(&self) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) }
        // Relaxed: nothing but the address is handed over, and whoever loses a race finds the same one.
        let mut address = self.address.load(Ordering::Relaxed);
        if address.is_null() {
            address = self.find();
        }
        // SAFETY: an address that is not null is that of the function, whose type the caller promises; both have one size.
        (!address.is_null()).then(|| unsafe { std::mem::transmute_copy(&address) })
    }

    #[cold]
    fn find(&self) -> *mut c_void {
        // SAFETY: the name is a C string; `RTLD_NEXT` asks for the first definition behind the binary's own.
        let address = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        self.address.store(address, Ordering::Relaxed);
        address
    }
}

/// What a function of C returns that failed: -1, and why in `errno`.
pub(super) fn failed(errno: c_int) -> c_int {
    // SAFETY: the address of this thread's own `errno` is always good.
    unsafe { *libc::__errno_location() = errno };
    -1
}
