//! The running loop, as transports and servers speak to it.

use counterpoint_runtime::{ErrorContext, EventLoop, Future, Result, get_running_loop, kernel};

/// The loop whose code runs.
///
/// # Errors
/// `Runtime` if none does.
pub(crate) fn event_loop() -> Result<EventLoop> {
    get_running_loop()
}

/// The loop with this number, running or not; none if it is closed.
pub(crate) fn numbered(number: u64) -> Option<EventLoop> {
    kernel::event_loop(number)
}

/// Hands a context to the exception handler of the loop whose code runs.
pub(crate) fn report(context: &ErrorContext) {
    if let Some(event_loop) = kernel::caller().and_then(|caller| numbered(caller.event_loop)) {
        event_loop.call_exception_handler(context);
    }
}

/// `futures._set_result_unless_cancelled`.
pub(crate) fn set_unless_cancelled(future: &Future<()>) -> Result<()> {
    if future.cancelled() { Ok(()) } else { future.set_result(()) }
}
