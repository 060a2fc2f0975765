//! What a slot runs, with its result in the same allocation: a task's future, a set future's result, a callback.
#![allow(unsafe_code, reason = "pin projection of a task's cell: one allocation for a future and its result")]

use crate::handles::CallbackOutput;
use crate::slots::{Body, Ended};
use crate::{Error, Result};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a result ends its future.
pub(crate) fn ended<T>(result: &Result<T>) -> Ended {
    match result {
        Ok(_) => Ended::Finished,
        Err(error) if error.is_cancelled() => Ended::Cancelled,
        Err(_) => Ended::Failed,
    }
}

/// A task's future, then its result.
pub(crate) enum TaskBody<F, T> {
    Running(F),
    Ended(Result<T>),
}

impl<F, T> Body for TaskBody<F, T>
where
    F: Future<Output = Result<T>> + 'static,
    T: 'static,
{
    #[inline]
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        // SAFETY: `Running` is pinned with the cell: it is never moved out, only polled here and dropped in place.
        let this = unsafe { self.get_unchecked_mut() };
        let TaskBody::Running(future) = this else { unreachable!("a task that ended is in no queue") };
        // SAFETY: as above.
        match unsafe { Pin::new_unchecked(future) }.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                let ended = ended(&result);
                *this = TaskBody::Ended(result); // drops the future in place
                Poll::Ready(ended)
            }
        }
    }

    fn result(self: Pin<&mut Self>) -> Option<*mut ()> {
        // SAFETY: the result is not pinned, and `Running` is not touched.
        match unsafe { self.get_unchecked_mut() } {
            TaskBody::Running(_) => None,
            TaskBody::Ended(result) => Some(std::ptr::from_mut(result).cast()),
        }
    }

    fn error(self: Pin<&mut Self>) -> Option<&mut Error> {
        // SAFETY: the result is not pinned, and `Running` is not touched.
        match unsafe { self.get_unchecked_mut() } {
            TaskBody::Ended(Err(error)) => Some(error),
            _ => None,
        }
    }

    fn end_with(self: Pin<&mut Self>, error: Error) {
        // SAFETY: the old value is dropped in place.
        *unsafe { self.get_unchecked_mut() } = TaskBody::Ended(Err(error));
    }

    fn function(&self) -> &'static str {
        std::any::type_name::<F>()
    }
}

/// The result of a future that somebody sets.
pub(crate) struct FutureBody<T>(pub(crate) Result<T>);

impl<T: 'static> Body for FutureBody<T> {
    fn run(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Ended> {
        unreachable!("a future has nothing to run")
    }

    fn result(self: Pin<&mut Self>) -> Option<*mut ()> {
        // SAFETY: nothing in here is pinned.
        Some(std::ptr::from_mut(unsafe { &mut self.get_unchecked_mut().0 }).cast())
    }

    fn error(self: Pin<&mut Self>) -> Option<&mut Error> {
        // SAFETY: nothing in here is pinned.
        unsafe { self.get_unchecked_mut() }.0.as_mut().err()
    }

    fn end_with(self: Pin<&mut Self>, error: Error) {
        // SAFETY: nothing in here is pinned.
        unsafe { self.get_unchecked_mut() }.0 = Err(error);
    }

    fn function(&self) -> &'static str {
        "future"
    }
}

/// A callback, then what it failed with.
pub(crate) enum CallbackBody<F> {
    Waiting(F),
    Ended(Option<Error>),
}

impl<F, R> Body for CallbackBody<F>
where
    F: FnOnce() -> R + 'static,
    R: CallbackOutput,
{
    fn run(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Ended> {
        // SAFETY: nothing in here is pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let CallbackBody::Waiting(callback) = std::mem::replace(this, CallbackBody::Ended(None)) else {
            unreachable!("a callback runs once")
        };
        match callback().into_error() {
            None => Poll::Ready(Ended::Finished),
            Some(error) => {
                *this = CallbackBody::Ended(Some(error));
                Poll::Ready(Ended::Failed)
            }
        }
    }

    fn result(self: Pin<&mut Self>) -> Option<*mut ()> {
        None
    }

    fn error(self: Pin<&mut Self>) -> Option<&mut Error> {
        // SAFETY: nothing in here is pinned.
        match unsafe { self.get_unchecked_mut() } {
            CallbackBody::Ended(Some(error)) => Some(error),
            _ => None,
        }
    }

    fn end_with(self: Pin<&mut Self>, error: Error) {
        // SAFETY: nothing in here is pinned.
        *unsafe { self.get_unchecked_mut() } = CallbackBody::Ended(Some(error));
    }

    fn function(&self) -> &'static str {
        std::any::type_name::<F>()
    }
}

/// A callback that runs each time it is made ready.
pub(crate) struct RepeatingBody<F> {
    pub(crate) callback: F,
    pub(crate) failed: Option<Error>,
}

impl<F, R> Body for RepeatingBody<F>
where
    F: FnMut() -> R + 'static,
    R: CallbackOutput,
{
    fn run(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Ended> {
        // SAFETY: nothing in here is pinned.
        let this = unsafe { self.get_unchecked_mut() };
        this.failed = (this.callback)().into_error();
        Poll::Ready(if this.failed.is_some() { Ended::Failed } else { Ended::Finished })
    }

    fn result(self: Pin<&mut Self>) -> Option<*mut ()> {
        None
    }

    fn error(self: Pin<&mut Self>) -> Option<&mut Error> {
        // SAFETY: nothing in here is pinned.
        unsafe { self.get_unchecked_mut() }.failed.as_mut()
    }

    fn end_with(self: Pin<&mut Self>, error: Error) {
        // SAFETY: nothing in here is pinned.
        unsafe { self.get_unchecked_mut() }.failed = Some(error);
    }

    fn function(&self) -> &'static str {
        std::any::type_name::<F>()
    }
}
