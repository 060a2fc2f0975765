//! What a program may not do, and what it is told: who, where, and what to do instead.

use asyncio::{ErrorKind, EventLoop, Lock, Result, create_task, sleep};
use counterpoint_runtime as asyncio;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

/// The message that `f` panics with.
#[track_caller]
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it did not panic") };
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .expect("a text")
}

#[expect(clippy::disallowed_methods, reason = "another thread is what these tests are about")]
fn elsewhere<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::spawn(f).join().expect("the thread ends")
}

fn loop_with_lock(name: &'static str) -> (EventLoop, Lock) {
    let event_loop = EventLoop::builder().name(name).build();
    let lock = event_loop.run_until_complete(async { Ok(Lock::new().named("ledger")) }).expect("it ends");
    (event_loop, lock)
}

#[test]
fn a_handle_used_on_another_thread_says_so() {
    let (_loop, lock) = loop_with_lock("here");
    let message = elsewhere(move || panic_of(|| lock.locked()));
    assert!(message.contains("on another thread than the one its event loop runs on"), "{message}");
    assert!(message.contains("call_soon_threadsafe"), "{message}");
}

#[test]
fn a_handle_of_one_loop_is_refused_by_another_by_name() {
    let (_first, lock) = loop_with_lock("first");
    let second = EventLoop::builder().name("second").build();
    let message = panic_of(|| second.run_until_complete(async move { Ok(lock.locked()) }));
    assert!(message.contains("event loop `first` was used in event loop `second`"), "{message}");
}

#[test]
fn a_handle_that_outlives_its_loop_is_inert() {
    let (event_loop, lock) = loop_with_lock("gone");
    let future = event_loop.create_future::<u32>();
    let task = event_loop.create_task(async { Ok(()) });
    event_loop.close().expect("it does not run");
    assert!(event_loop.is_closed() && !lock.locked() && !task.cancel());
    assert_eq!(future.set_result(1).map_err(|error| error.kind()), Err(ErrorKind::Runtime));
    assert_eq!(lock.release().map_err(|error| error.kind()), Err(ErrorKind::Runtime));
    drop((lock.clone(), future.clone(), task));
}

#[test]
fn what_needs_a_loop_names_the_line_that_has_none() {
    let line = line!() + 1;
    let message = panic_of(|| create_task(async { Ok(()) }));
    assert!(message.contains("create_task was used outside of a running event loop"), "{message}");
    assert!(message.contains(&format!("misuse.rs:{line}")), "{message}");
}

#[test]
fn a_closed_loop_takes_no_callback_and_says_where() {
    let event_loop = EventLoop::new();
    event_loop.close().expect("it does not run");
    let message = panic_of(|| event_loop.call_soon(|| ()));
    assert!(message.contains("call_soon was called on a closed event loop"), "{message}");
    assert!(message.contains("misuse.rs:"), "{message}");
}

#[test]
fn a_loop_runs_once_at_a_time() {
    let event_loop = EventLoop::new();
    let inner = event_loop.clone();
    let kinds: Result<_> = event_loop.run_until_complete(async move {
        let again = inner.run_until_complete(sleep(Duration::ZERO)).map_err(|error| error.kind());
        let other = EventLoop::new().run_until_complete(sleep(Duration::ZERO)).map_err(|error| error.kind());
        Ok((again, other, inner.close().map_err(|error| error.kind())))
    });
    let refused = Err(ErrorKind::Runtime);
    assert_eq!(kinds.expect("it ends"), (refused, refused, refused));
}

#[test]
fn a_wake_from_another_thread_arrives_with_the_next_tick() {
    let event_loop = EventLoop::new();
    let mut polled = false;
    let woken = event_loop.run_until_complete(std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(Ok(()));
        }
        let waker = cx.waker().clone();
        elsewhere(move || waker.wake());
        Poll::Pending
    }));
    assert!(woken.is_ok(), "{woken:?}");
}
