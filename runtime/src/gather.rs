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
//! What can be gathered (tuples, arrays, vectors) is in `gather/children.rs`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::future::IntoFuture;
use std::panic::Location;
use std::rc::Rc;

use crate::store::{ObjectKind, TypedRef};
use crate::{Awaitable, Claim, Error, Future, Result};

mod children;

pub use children::Gatherable;
use children::{Children, Visitor};

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
    let gathering = Rc::new(Gathering {
        children: aws.ensure_futures(),
        collect: G::collect,
        collect_all: G::collect_all,
        total: Cell::new(0),
        finished: Cell::new(0),
        done_at_call: RefCell::new(Vec::new()),
        return_exceptions: Cell::new(false),
        outer: RefCell::new(None),
    });
    gathering.watch();
    Gather { gathering: TypedRef::new(ObjectKind::Combinator, gathering) }
}

/// The awaitable that [`gather`] returns: await it, or ask for [`future`](Gather::future).
#[must_use = "the children run anyway, but nobody waits for them"]
pub struct Gather<G: Gatherable> {
    gathering: TypedRef<Rc<Gathering<G::Children>>>,
}

/// A [`gather`] whose results are the children's `Result`s; see [`Gather::return_exceptions`].
#[must_use = "the children run anyway, but nobody waits for them"]
pub struct GatherAll<G: Gatherable> {
    gathering: TypedRef<Rc<Gathering<G::Children>>>,
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
            gathering.return_exceptions.set(true);
            // A child may have ended since the call; its error belongs into the results.
            gathering.outer.replace(None);
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

    fn gathering(&self) -> Option<Rc<Gathering<G::Children>>> {
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

/// One gather: what its children's callbacks share.
struct Gathering<C: Children> {
    children: C,
    collect: fn(&C) -> C::Output,
    collect_all: fn(&C) -> C::All,
    /// Different children, those given twice counted once.
    total: Cell<usize>,
    finished: Cell<usize>,
    /// Positions of the children that were done at the call and are not counted yet.
    done_at_call: RefCell<Vec<usize>>,
    return_exceptions: Cell<bool>,
    /// Made when it is first needed: its type depends on whether `return_exceptions` follows.
    outer: RefCell<Option<Outer<C>>>,
}

/// The future that the children complete.
enum Outer<C: Children> {
    /// Fails with the first error.
    First(Future<C::Output>),
    /// Takes errors as results.
    All(Future<C::All>),
}

impl<C: Children> Outer<C> {
    fn done(&self) -> bool {
        match self {
            Self::First(outer) => outer.done(),
            Self::All(outer) => outer.done(),
        }
    }

    /// True once it was cancelled and a child has accepted that.
    fn cancel_requested(&self) -> bool {
        match self {
            Self::First(outer) => outer.cancel_was_requested(),
            Self::All(outer) => outer.cancel_was_requested(),
        }
    }
}

impl<C: Children> Clone for Outer<C> {
    fn clone(&self) -> Self {
        match self {
            Self::First(outer) => Self::First(outer.clone()),
            Self::All(outer) => Self::All(outer.clone()),
        }
    }
}

impl<C: Children> Gathering<C> {
    /// Puts a callback on each child that is not done, and notes those that are.
    fn watch(self: &Rc<Self>) {
        struct Watch<'a, C: Children> {
            gathering: &'a Rc<Gathering<C>>,
            seen: BTreeSet<u32>,
            position: usize,
        }
        impl<C: Children> Visitor for Watch<'_, C> {
            fn child<T: 'static>(&mut self, child: &Future<T>) {
                let position = self.position;
                self.position += 1;
                if !self.seen.insert(child.slot) {
                    return;
                }
                if child.done() {
                    self.gathering.done_at_call.borrow_mut().push(position);
                } else {
                    let gathering = Rc::clone(self.gathering);
                    child.add_done_callback(move |child| {
                        gathering.settle();
                        gathering.child_done(&child);
                    });
                }
            }
        }
        let mut watch = Watch { gathering: self, seen: BTreeSet::new(), position: 0 };
        self.children.visit(&mut watch);
        self.total.set(watch.seen.len());
    }

    /// Counts the children that were done at the call: after everything is set up, as asyncio does, so that a
    /// gather of done children is done itself.
    fn settle(&self) {
        struct Settle<'a, C: Children> {
            gathering: &'a Gathering<C>,
            positions: std::vec::IntoIter<usize>,
            next: Option<usize>,
            position: usize,
        }
        impl<C: Children> Visitor for Settle<'_, C> {
            fn child<T: 'static>(&mut self, child: &Future<T>) {
                if self.next == Some(self.position) {
                    self.next = self.positions.next();
                    self.gathering.child_done(child);
                }
                self.position += 1;
            }
        }
        if self.total.get() == 0 {
            return self.complete(self.outer());
        }
        let mut positions = self.done_at_call.take().into_iter();
        if let Some(next) = positions.next() {
            self.children.visit(&mut Settle { gathering: self, positions, next: Some(next), position: 0 });
        }
    }

    /// `_done_callback` of `gather`.
    fn child_done<T: 'static>(&self, child: &Future<T>) {
        self.finished.set(self.finished.get() + 1);
        let outer = self.outer();
        if outer.done() {
            // Nobody will look at this error: it counts as looked at.
            let _ = child.exception();
            return;
        }
        if let Outer::First(outer) = &outer
            && let Err(error) | Ok(Some(error)) = child.exception()
        {
            // Cannot be refused: it is not done, and it is no task.
            let _ = outer.set_exception(error);
            return;
        }
        if self.finished.get() == self.total.get() {
            self.complete(outer);
        }
    }

    /// All children are done, and none has failed the whole.
    fn complete(&self, outer: Outer<C>) {
        if outer.cancel_requested() {
            // The last child in the order given, whichever ended last: it is what CPython's loop variable
            // holds at this point.
            let mut last = Last(None);
            self.children.visit(&mut last);
            let error = last.0.expect("a gather that was cancelled has a child");
            let _ = match outer {
                Outer::First(outer) => outer.set_exception(error),
                Outer::All(outer) => outer.set_exception(error),
            };
            return;
        }
        let _ = match outer {
            Outer::First(outer) => outer.set_result((self.collect)(&self.children)),
            Outer::All(outer) => outer.set_result((self.collect_all)(&self.children)),
        };
    }

    /// The future that the children complete.
    #[track_caller]
    fn outer(&self) -> Outer<C> {
        if let Some(outer) = &*self.outer.borrow() {
            return outer.clone();
        }
        let outer = if self.return_exceptions.get() {
            Outer::All(self.new_outer())
        } else {
            Outer::First(self.new_outer())
        };
        self.outer.replace(Some(outer.clone()));
        outer
    }

    #[track_caller]
    fn new_outer<T: 'static>(&self) -> Future<T> {
        struct Slots(Vec<u32>);
        impl Visitor for Slots {
            fn child<T: 'static>(&mut self, child: &Future<T>) {
                self.0.push(child.slot);
            }
        }
        let mut slots = Slots(Vec::new());
        self.children.visit(&mut slots);
        let outer = Future::new();
        outer.cancel_children_instead(slots.0);
        outer
    }
}

/// The cancellation that the last child would give.
struct Last(Option<Error>);

impl Visitor for Last {
    fn child<T: 'static>(&mut self, child: &Future<T>) {
        self.0 = Some(child.exception().err().unwrap_or_else(Error::cancelled));
    }
}
