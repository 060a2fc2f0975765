//! What the combinators take: a coroutine, a task, or a future.

use crate::futures::{Claim, Future, Join};
use crate::tasks::{Task, create_task};
use crate::{Result, store};
use std::future::IntoFuture;
use std::panic::Location;

/// A coroutine, a task or a future: what asyncio's functions call an *awaitable*.
///
/// A Rust future whose output is a [`Result`] is a coroutine: where asyncio would make a task of it, so do we.
pub trait Awaitable: IntoFuture<Output = Result<<Self as Awaitable>::Output>> {
    /// What it results in.
    type Output: 'static;

    /// The task or future that it is, or a new task of it (`asyncio.ensure_future`).
    #[track_caller]
    fn ensure_future(self) -> Future<<Self as Awaitable>::Output>;

    /// The result of the future that [`ensure_future`](Awaitable::ensure_future) gave, once it is done: of a coroutine
    /// the value itself, of a task or future that others may hold a clone.
    ///
    /// # Errors
    /// As [`Future::result`], without the need for a clone.
    fn claim(future: &Future<<Self as Awaitable>::Output>) -> Result<<Self as Awaitable>::Output>;
}

impl<F, T> Awaitable for F
where
    F: std::future::Future<Output = Result<T>> + 'static,
    T: 'static,
{
    type Output = T;

    #[track_caller]
    fn ensure_future(self) -> Future<T> {
        create_task(self).into()
    }

    fn claim(future: &Future<T>) -> Result<T> {
        future.take_result()
    }
}

macro_rules! existing {
    ($($handle:ty),*) => {$(
        impl<T: Clone + 'static> Awaitable for $handle {
            type Output = T;

            fn ensure_future(self) -> Future<T> {
                self.into()
            }

            fn claim(future: &Future<T>) -> Result<T> {
                future.result()
            }
        }
    )*};
}

existing!(Task<T>, &Task<T>, Future<T>, &Future<T>);

impl<T: 'static> From<&Future<T>> for Future<T> {
    fn from(future: &Future<T>) -> Future<T> {
        future.clone()
    }
}

/// A future whose handle nobody else has: its result is taken, not cloned.
pub(crate) struct Sole<T>(pub(crate) Future<T>);

impl<T: 'static> IntoFuture for Sole<T> {
    type Output = Result<T>;
    type IntoFuture = Claim<T>;
    #[track_caller]
    fn into_future(self) -> Claim<T> {
        self.0.claim_at(Location::caller())
    }
}

impl<T: 'static> Awaitable for Sole<T> {
    type Output = T;

    fn ensure_future(self) -> Future<T> {
        self.0
    }

    fn claim(future: &Future<T>) -> Result<T> {
        future.take_result()
    }
}

/// The task or future that this is, or a new task of the coroutine (`asyncio.ensure_future`).
///
/// # Panics
/// Outside of any event loop, for a coroutine.
#[track_caller]
pub fn ensure_future<A: Awaitable>(awaitable: A) -> Future<<A as Awaitable>::Output> {
    awaitable.ensure_future()
}

/// Does this future belong to the loop?
pub(crate) fn belongs_to<T>(future: &Future<T>, loop_id: u64) -> bool {
    future.loop_id == loop_id || !store::is_registered(future.loop_id)
}

const _: fn() = || {
    fn is_send_and_sync<T: Send + Sync>() {}
    // Handles and waits hold ids alone, whatever the result is.
    is_send_and_sync::<Future<*const u8>>();
    is_send_and_sync::<Task<*const u8>>();
    is_send_and_sync::<Join<*const u8>>();
    is_send_and_sync::<Claim<*const u8>>();
};
