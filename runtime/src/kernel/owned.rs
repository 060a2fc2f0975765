//! A value that a loop owns, behind a counted handle of plain ids.
//!
//! So a transport, a stream or a server can be `Send + Sync` as every handle is, though what it stands for never leaves
//! the loop's thread. The value sits behind an `Rc`: it is looked at outside of the loop, so code of the program may run
//! meanwhile.

use crate::schedule::Touch;
use crate::store::{ObjectKind, TypedRef};
use std::rc::Rc;

/// A handle of a value that the current loop owns. When the last handle goes, or the loop closes, the value is dropped.
pub struct LoopOwned<S> {
    typed: TypedRef<Rc<S>>,
}

impl<S: 'static> LoopOwned<S> {
    /// Gives a value to the current loop. `kind` is what reports call it.
    ///
    /// # Panics
    /// If no loop is running or set on this thread.
    #[track_caller]
    pub fn new(kind: ObjectKind, value: S) -> LoopOwned<S> {
        LoopOwned { typed: TypedRef::new(kind, Rc::new(value)) }
    }

    /// As [`new`](LoopOwned::new), for a value that others hold as well.
    ///
    /// # Panics
    /// If no loop is running or set on this thread.
    #[track_caller]
    pub fn shared(kind: ObjectKind, value: Rc<S>) -> LoopOwned<S> {
        LoopOwned { typed: TypedRef::new(kind, value) }
    }

    /// The value; none if the loop is closed, or closing and has dropped it.
    ///
    /// # Panics
    /// If the loop is another one than the running one, or another thread's.
    #[track_caller]
    pub fn get(&self) -> Option<Rc<S>> {
        let slot = self.typed.object().slot();
        self.typed.access(|rt, _, value| {
            // What is done with it is not seen here.
            rt.touch(slot, Touch::Write);
            Rc::clone(value)
        })
    }

    /// As [`get`](LoopOwned::get), for drops: never panics.
    pub fn get_quietly(&self) -> Option<Rc<S>> {
        self.typed.access_quietly(|_, _, value| Rc::clone(value))
    }

    /// The number of the loop that owns it.
    pub fn event_loop(&self) -> u64 {
        self.typed.object().loop_id()
    }

    /// Gives it a name for reports.
    pub fn set_name(&self, name: impl Into<String>) {
        self.typed.object().describe(name.into());
    }

    /// Are both handles of one value?
    pub fn is_same(&self, other: &LoopOwned<S>) -> bool {
        self.typed.object() == other.typed.object()
    }
}

impl<S> Clone for LoopOwned<S> {
    fn clone(&self) -> LoopOwned<S> {
        LoopOwned { typed: self.typed.clone() }
    }
}

impl<S> std::fmt::Debug for LoopOwned<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopOwned").finish_non_exhaustive()
    }
}
