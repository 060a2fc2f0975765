//! Futures that are not ours.
//!
//! Any Rust future can be awaited in a task; when its waker is called the task is ready again. A cancel request finds
//! nothing of ours to cancel there and is remembered until the next await of ours. [`interruptible`] makes the foreign
//! future take part: it is dropped, and the await returns the cancellation.

use crate::ops::Op;
use crate::slots::NONE;
use crate::store::{access, access_quietly, current_id};
use crate::waits::{Resumed, Wait};
use crate::{Error, Result};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Makes a foreign future return `Err(Cancelled)` when the task is cancelled.
///
/// # Cancellation
/// The foreign future is dropped at once when the error is returned.
///
/// # Errors
/// `Cancelled` if the task is cancelled while it waits.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let task = asyncio::create_task(asyncio::interruptible(std::future::pending::<()>()));
///     asyncio::sleep(std::time::Duration::ZERO).await?;
///     task.cancel();
///     assert!(task.await.unwrap_err().is_cancelled());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn interruptible<F: Future>(future: F) -> Interruptible<F> {
    Interruptible { future: Some(Box::pin(future)), loop_id: 0, wait: Wait::new(Location::caller()) }
}

/// The future of [`interruptible`].
#[must_use = "futures do nothing unless awaited"]
pub struct Interruptible<F> {
    future: Option<Pin<Box<F>>>,
    loop_id: u64,
    wait: Wait,
}

impl<F: Future> Future for Interruptible<F> {
    type Output = Result<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.loop_id == 0 {
            this.loop_id = current_id();
            if this.loop_id == 0 {
                crate::event_loop::no_loop_at("interruptible", this.wait.place);
            }
        }
        let wait = &mut this.wait;
        if wait.begun() {
            let resumed = access(this.loop_id, |l| l.rt.resume(wait, cx));
            match resumed {
                None => return Poll::Ready(Err(Error::loop_is_closed())),
                Some(Resumed::Cancelled(error)) => {
                    this.future = None;
                    return Poll::Ready(Err(error));
                }
                Some(Resumed::Pending | Resumed::Woken | Resumed::GaveWay) => {}
            }
        }
        let future = this.future.as_mut().expect("an interruptible future is not polled after its end");
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            this.future = None;
            this.end();
            return Poll::Ready(Ok(output));
        }
        let wait = &mut this.wait;
        if !wait.begun() {
            let _ = access(this.loop_id, |l| l.rt.begin(wait, cx, Op::Foreign, NONE));
        }
        Poll::Pending
    }
}

impl<F> Interruptible<F> {
    fn end(&mut self) {
        if self.wait.begun() {
            let wait = &mut self.wait;
            let _ = access_quietly(self.loop_id, |l| l.rt.abandon(wait));
        }
    }
}

impl<F> Drop for Interruptible<F> {
    fn drop(&mut self) {
        self.end();
    }
}
