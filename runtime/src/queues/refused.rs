//! What a queue says no with.

use crate::{Error, ErrorKind};
use std::fmt;

/// An item that a queue did not take, and why.
///
/// `?` turns it into an [`Error`] of the same kind.
pub struct Refused<T> {
    pub(super) kind: ErrorKind,
    pub(super) item: T,
}

impl<T> Refused<T> {
    /// `QueueFull`, `QueueShutDown`, or `Runtime` if the event loop is closed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the item back.
    pub fn into_item(self) -> T {
        self.item
    }
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({})", self.kind.name())
    }
}

impl<T> From<Refused<T>> for Error {
    #[cold]
    fn from(refused: Refused<T>) -> Error {
        refusal(refused.kind)
    }
}

/// The error of this kind.
#[cold]
pub(super) fn refusal(kind: ErrorKind) -> Error {
    match kind {
        ErrorKind::QueueEmpty => Error::new(kind, "the queue is empty"),
        ErrorKind::QueueFull => Error::new(kind, "the queue is full"),
        ErrorKind::QueueShutDown => Error::new(kind, "the queue was shut down"),
        _ => Error::loop_is_closed(),
    }
}
