//! One gather: its children, what their callbacks share, and the outer future that they complete.
//!
//! The callbacks know the children without the types of their results; only reading the results, at the end, needs
//! these, and is two functions of the [`Gatherable`].

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use super::children::Gatherable;
use crate::futures::Erased;
use crate::{Error, Future};

/// What the children's callbacks share; `R` and `A` are the outer future's result and that of `return_exceptions`.
pub(super) struct Gathering<C, R, A> {
    typed: OnceCell<C>,
    collect: fn(&C) -> R,
    collect_all: fn(&C) -> A,
    /// In the order given, those given twice repeated.
    children: OnceCell<Vec<Future<Erased>>>,
    /// Different children.
    total: Cell<usize>,
    finished: Cell<usize>,
    /// Those that were done at the call and are not counted yet.
    done_at_call: RefCell<Vec<Future<Erased>>>,
    return_exceptions: Cell<bool>,
    /// Made when it is first needed: its type depends on whether `return_exceptions` follows.
    outer: RefCell<Option<Outer<R, A>>>,
}

/// The future that the children complete.
pub(super) enum Outer<R, A> {
    /// Fails with the first error.
    First(Future<R>),
    /// Takes errors as results.
    All(Future<A>),
}

impl<R: 'static, A: 'static> Outer<R, A> {
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

impl<R, A> Clone for Outer<R, A> {
    fn clone(&self) -> Self {
        match self {
            Self::First(outer) => Self::First(outer.clone()),
            Self::All(outer) => Self::All(outer.clone()),
        }
    }
}

/// Sees each child of a [`gather`](crate::gather()) as it is made: see [`Gatherable::ensure_futures`].
///
/// Between one child and the next, because one that starts eagerly may look at those before it.
pub struct GatherWatch {
    gathering: Rc<dyn ChildEnds>,
    seen: BTreeSet<u32>,
    children: Vec<Future<Erased>>,
    done: Vec<Future<Erased>>,
}

trait ChildEnds {
    fn child_ends(&self, child: &Future<Erased>);
}

impl GatherWatch {
    /// Takes the next child in: a callback is put on it, if it is not done and was not given before.
    pub fn child<T: 'static>(&mut self, child: &Future<T>) {
        let child = child.erased();
        if self.seen.insert(child.slot) {
            if child.done() {
                self.done.push(child.clone());
            } else {
                let gathering = Rc::clone(&self.gathering);
                let callback = child.add_done_callback(move |child| gathering.child_ends(&child));
                callback.in_any_order(); // it counts, and the last one completes the outer future
            }
        }
        self.children.push(child);
    }
}

impl<C: 'static, R: 'static, A: 'static> ChildEnds for Gathering<C, R, A> {
    fn child_ends(&self, child: &Future<Erased>) {
        self.settle();
        self.child_done(child);
    }
}

impl<C: 'static, R: 'static, A: 'static> Gathering<C, R, A> {
    /// Makes the children, and watches each.
    #[track_caller]
    pub(super) fn of<G: Gatherable<Children = C, Output = R, All = A>>(aws: G) -> Rc<Self> {
        let gathering = Rc::new(Self {
            typed: OnceCell::new(),
            collect: G::collect,
            collect_all: G::collect_all,
            children: OnceCell::new(),
            total: Cell::new(0),
            finished: Cell::new(0),
            done_at_call: RefCell::default(),
            return_exceptions: Cell::new(false),
            outer: RefCell::default(),
        });
        let mut watch = GatherWatch {
            gathering: Rc::clone(&gathering) as Rc<dyn ChildEnds>,
            seen: BTreeSet::new(),
            children: Vec::new(),
            done: Vec::new(),
        };
        let typed = aws.ensure_futures(&mut watch);
        gathering.total.set(watch.seen.len());
        gathering.done_at_call.replace(watch.done);
        // Nothing can be there: the callbacks run in a later tick.
        let _ = gathering.typed.set(typed);
        let _ = gathering.children.set(watch.children);
        gathering
    }

    fn typed(&self) -> &C {
        self.typed.get().expect("a gather has its children before any of them is heard of")
    }

    fn children(&self) -> &[Future<Erased>] {
        self.children.get().expect("a gather has its children before any of them is heard of")
    }

    /// Errors become results. A child may have ended since the call; its error belongs into the results.
    pub(super) fn return_exceptions(&self) {
        self.return_exceptions.set(true);
        self.outer.replace(None);
    }

    /// Counts the children that were done at the call: after everything is set up, as asyncio does, so that a
    /// gather of done children is done itself.
    pub(super) fn settle(&self) {
        if self.total.get() == 0 {
            return self.complete(self.outer());
        }
        for child in self.done_at_call.take() {
            self.child_done(&child);
        }
    }

    /// `_done_callback` of `gather`.
    fn child_done(&self, child: &Future<Erased>) {
        self.finished.set(self.finished.get() + 1);
        let outer = self.outer();
        if outer.done() {
            // Nobody will look at this error: it counts as looked at.
            let _ = child.failure();
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
    fn complete(&self, outer: Outer<R, A>) {
        if outer.cancel_requested() {
            for child in self.children() {
                let _ = child.failure(); // counts as looked at
            }
            // The cancellation is the last child's in the order given, whichever ended last: it is what CPython's
            // loop variable holds at this point.
            let error =
                self.children().last().map_or_else(Error::cancelled, |child| match child.exception() {
                    Err(cancelled) => cancelled,
                    Ok(_) => Error::cancelled_maybe(child.cancel_message()),
                });
            let _ = match outer {
                Outer::First(outer) => outer.set_exception(error),
                Outer::All(outer) => outer.set_exception(error),
            };
            return;
        }
        let _ = match outer {
            Outer::First(outer) => outer.set_result((self.collect)(self.typed())),
            Outer::All(outer) => outer.set_result((self.collect_all)(self.typed())),
        };
    }

    /// The future that the children complete.
    #[track_caller]
    pub(super) fn outer(&self) -> Outer<R, A> {
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
        let outer = Future::new();
        outer.cancel_children_instead(self.children().iter().map(|child| child.slot).collect());
        outer
    }
}

impl fmt::Debug for GatherWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatherWatch").field("children", &self.children.len()).finish_non_exhaustive()
    }
}
