//! `gather`: several awaitables at once, their results in the order given.
//!
//! Everything happens at the call, as in asyncio: coroutines become tasks in the order of the arguments, and
//! each child that is not done gets a callback. The *outer* future that is awaited is completed by these
//! callbacks: by the last one with all results, or by the first one that brings an error.
//!
//! The outer future is a real one with one peculiarity, kept by `futures` under the word `children`:
//! cancelling it cancels the children instead, and it completes when they have all ended.
//!
//! A child that was done at the call is counted when the [`Gather`] is used, which in practice is the same
//! expression; [`return_exceptions`](Gather::return_exceptions) must come before it.
//!
//! The callbacks and the outer future are in `gather/gathering.rs`; what can be gathered (tuples, arrays, vectors) is
//! in `gather/children.rs`.

use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::rc::Rc;

use crate::store::{ObjectKind, TypedRef};
use crate::{Awaitable, Claim, Future, Result};

mod children;
mod gathering;

pub use children::Gatherable;
pub use gathering::GatherWatch;
use gathering::{Gathering, Outer};

/// Waits for several awaitables at once; the results come in the order given.
///
/// Takes a tuple of different awaitables (up to twelve), or an array or `Vec` of one type. Coroutines become
/// tasks at once, in this order. The first error is the result, and the other children **run on**; to have
/// them cancelled, use a [`TaskGroup`](crate::TaskGroup). The same task given twice is one child, and its
/// result stands in both places.
///
/// # Order
/// 2 ticks from the end of the last child to the gatherer; 0 if all were done at the call, or none was given.
///
/// # Cancellation
/// Cancelling the gatherer cancels every child; it resumes with the cancellation when all have ended (3 ticks
/// if none resists), even if some of them swallowed it. A child that is cancelled by others fails the gather
/// with [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), but its siblings run on.
///
/// # Errors
/// The first child's error. Later ones count as looked at and are dropped;
/// [`return_exceptions`](Gather::return_exceptions) keeps them all.
///
/// # Panics
/// If there is no event loop on this thread and a coroutine, or nothing, was given.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/tasks.py`, `gather`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let answer = async {
///         asyncio::sleep(Duration::from_secs(1)).await?;
///         Ok(42)
///     };
///     let (number, word) = asyncio::gather((answer, async { Ok("yes") })).await?;
///     assert_eq!((number, word), (42, "yes"));
///
///     let squares = asyncio::gather((1..=3).map(|n| async move { Ok(n * n) }).collect::<Vec<_>>()).await?;
///     assert_eq!(squares, [1, 4, 9]);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn gather<G: Gatherable>(aws: G) -> Gather<G> {
    let gathering = Gathering::of(aws);
    Gather { gathering: TypedRef::new(ObjectKind::Combinator, gathering) }
}

/// What the callbacks of its children share.
type Shared<G> =
    Rc<Gathering<<G as Gatherable>::Children, <G as Gatherable>::Output, <G as Gatherable>::All>>;

/// The awaitable that [`gather`] returns: await it, or ask for [`future`](Gather::future).
#[must_use = "the children run anyway, but nobody waits for them"]
pub struct Gather<G: Gatherable> {
    gathering: TypedRef<Shared<G>>,
}

/// A [`gather`] whose results are the children's `Result`s; see [`Gather::return_exceptions`].
#[must_use = "the children run anyway, but nobody waits for them"]
pub struct GatherAll<G: Gatherable> {
    gathering: TypedRef<Shared<G>>,
}

impl<G: Gatherable> Gather<G> {
    /// Takes errors as results: every child is waited for.
    ///
    /// To be called right after [`gather`]: it replaces the future that the children complete. The item of a
    /// child that was cancelled is a cancellation with an empty message, as in asyncio. Cancelling the
    /// gatherer still fails the whole.
    ///
    /// # Source
    /// CPython 3.13, `Lib/asyncio/tasks.py`, `gather(return_exceptions=True)`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let bad = async { Err::<(), _>(asyncio::Error::msg("no")) };
    ///     let (good, bad) = asyncio::gather((async { Ok(1) }, bad)).return_exceptions().await?;
    ///     assert_eq!(good?, 1);
    ///     assert_eq!(bad.unwrap_err().message(), Some("no"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn return_exceptions(self) -> GatherAll<G> {
        if let Some(gathering) = self.gathering() {
            gathering.return_exceptions();
        }
        GatherAll { gathering: self.gathering }
    }

    /// The outer future itself, to be cancelled, looked at or awaited several times.
    ///
    /// # Panics
    /// If the loop is gone.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime as asyncio;
    ///
    /// asyncio::run(async {
    ///     let child = asyncio::create_task(async { asyncio::sleep(std::time::Duration::from_secs(3600)).await });
    ///     let outer = asyncio::gather((&child,)).future();
    ///     assert!(outer.cancel(), "cancels the child …");
    ///     assert!((&outer).await.unwrap_err().is_cancelled());
    ///     assert!(!outer.cancelled(), "… and itself only fails with it, as in asyncio");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), asyncio::Error>(())
    /// ```
    #[track_caller]
    pub fn future(self) -> Future<G::Output> {
        let gathering = self.gathering().expect("the loop of a gather lives while it is used");
        gathering.settle();
        match gathering.outer() {
            Outer::First(outer) => outer,
            Outer::All(_) => unreachable!("`return_exceptions` makes a `GatherAll`"),
        }
    }

    fn gathering(&self) -> Option<Shared<G>> {
        self.gathering.access(|_, _, gathering| Rc::clone(gathering))
    }
}

impl<G: Gatherable> GatherAll<G> {
    /// The outer future itself, as [`Gather::future`].
    ///
    /// # Panics
    /// If the loop is gone.
    #[track_caller]
    pub fn future(self) -> Future<G::All> {
        let gathering = self.gathering.access(|_, _, gathering| Rc::clone(gathering));
        let gathering = gathering.expect("the loop of a gather lives while it is used");
        gathering.settle();
        match gathering.outer() {
            Outer::All(outer) => outer,
            Outer::First(_) => unreachable!("a `GatherAll` has asked for exceptions"),
        }
    }
}

impl<G: Gatherable> IntoFuture for Gather<G> {
    type Output = Result<G::Output>;
    type IntoFuture = Claim<G::Output>;

    #[track_caller]
    fn into_future(self) -> Claim<G::Output> {
        self.future().claim_at(Location::caller())
    }
}

impl<G: Gatherable> IntoFuture for GatherAll<G> {
    type Output = Result<G::All>;
    type IntoFuture = Claim<G::All>;

    #[track_caller]
    fn into_future(self) -> Claim<G::All> {
        self.future().claim_at(Location::caller())
    }
}

impl<G: Gatherable> Awaitable for Gather<G> {
    type Output = G::Output;

    #[track_caller]
    fn ensure_future(self) -> Future<G::Output> {
        self.future()
    }

    fn claim(future: &Future<G::Output>) -> Result<G::Output> {
        future.take_result()
    }
}

impl<G: Gatherable> Awaitable for GatherAll<G> {
    type Output = G::All;

    #[track_caller]
    fn ensure_future(self) -> Future<G::All> {
        self.future()
    }

    fn claim(future: &Future<G::All>) -> Result<G::All> {
        future.take_result()
    }
}

impl<G: Gatherable> fmt::Debug for Gather<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

impl<G: Gatherable> fmt::Debug for GatherAll<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherAll").finish_non_exhaustive()
    }
}
