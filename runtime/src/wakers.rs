//! Wakers without an allocation, a reference count or an atomic operation.
//!
//! A task's [`Word`] is the whole data of its waker. Waking on the loop's own thread looks the loop up in the
//! thread-local and pushes the word as it is; a word whose generation has passed is stale and wakes nobody. From
//! another thread the word goes to an inbox, which its loop empties at the start of a tick; that is an escape from the
//! simulation, and counted as one.
#![allow(unsafe_code, reason = "a raw waker's table of functions")]

use crate::slots::{BoxedBody, Ended, Word};
use crate::store;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

static VTABLE: RawWakerVTable = RawWakerVTable::new(|data| RawWaker::new(data, &VTABLE), wake, wake, |_| {});

fn wake(data: *const ()) {
    let word = Word(data as usize as u64);
    let woken = store::access_current(|l| {
        let own = l.rt.tag == word.tag();
        if own {
            l.rt.wake_word(word);
        }
        own
    });
    if woken != Some(true) {
        wake_elsewhere(word);
    }
}

#[cold]
fn wake_elsewhere(word: Word) {
    // Another loop of this thread, or one of another thread; also when the door is shut.
    if let Some(loop_id) = store::loop_with_tag(word.tag()) {
        let _ = store::access_quietly(loop_id, |l| l.rt.wake_word(word));
        return store::note_woken(loop_id);
    }
    inbox().push(word);
    INBOX_COUNT.fetch_add(1, Ordering::Release);
}

/// Words woken from other threads, of all loops.
static INBOX: Mutex<Vec<Word>> = Mutex::new(Vec::new());
static INBOX_COUNT: AtomicUsize = AtomicUsize::new(0);

fn inbox() -> std::sync::MutexGuard<'static, Vec<Word>> {
    INBOX.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Has another thread woken anything? Mostly not: this is one load.
#[inline(always)]
pub(crate) fn woken_from_outside() -> bool {
    INBOX_COUNT.load(Ordering::Relaxed) != 0
}

/// The words that other threads woke for the loop with this tag.
#[cold]
pub(crate) fn take_woken(tag: u16) -> Vec<Word> {
    let mut inbox = inbox();
    let (own, others) = inbox.drain(..).partition(|word| word.tag() == tag);
    *inbox = others;
    INBOX_COUNT.store(inbox.len(), Ordering::Release);
    own
}

/// Runs a body under the waker of its word.
///
/// # Safety
/// `body` points to the body of the slot that `word` names; that slot is not freed and its body neither dropped nor
/// moved before this returns; nothing else runs the body meanwhile.
#[inline(always)]
pub(crate) unsafe fn run_body(body: NonNull<dyn crate::slots::Body>, word: Word) -> Poll<Ended> {
    // SAFETY: the data of our wakers is a word, not a pointer: the functions of the table read nothing through it.
    let waker = ManuallyDrop::new(unsafe { Waker::new(word.0 as usize as *const (), &VTABLE) });
    let mut cx = Context::from_waker(&waker);
    // SAFETY: the caller's promise; the body is boxed and pinned, so the pointer stays good and the pin holds.
    let body = unsafe { std::pin::Pin::new_unchecked(&mut *body.as_ptr()) };
    body.run(&mut cx)
}

/// The address of a slot's body, for [`run_body`].
#[inline(always)]
pub(crate) fn address(body: &mut BoxedBody) -> NonNull<dyn crate::slots::Body> {
    // SAFETY: the pointer is used for `run_body` and the result's access alone, which keep the pin.
    NonNull::from(unsafe { body.as_mut().get_unchecked_mut() })
}

/// Ends the body of a slot with an error; what it held is dropped here.
///
/// # Safety
/// As for [`run_body`].
pub(crate) unsafe fn end_body(body: NonNull<dyn crate::slots::Body>, error: crate::Error) {
    // SAFETY: the caller's promise.
    unsafe { std::pin::Pin::new_unchecked(&mut *body.as_ptr()) }.end_with(error);
}
