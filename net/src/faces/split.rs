//! A stream as two halves, so that one task reads while another writes.
//!
//! The same types for TCP and Unix streams. A stream is a handle that can be cloned, so halves are for programs that want the
//! types to say who does what, and for an end of writing when its half goes.

use super::ends::{self, ReadEnd, WriteEnd};
use super::methods::{reading_methods, reading_traits, writing_methods, writing_traits};
use super::waiting;
use crate::addr::Address;
use counterpoint_runtime::Result;
use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The half of a stream that reads, borrowed by `split`.
#[derive(Debug)]
pub struct ReadHalf<'a> {
    pub(super) read: ReadEnd,
    pub(super) of: PhantomData<&'a ()>,
}

/// The half of a stream that writes, borrowed by `split`.
#[derive(Debug)]
pub struct WriteHalf<'a> {
    pub(super) write: WriteEnd,
    pub(super) of: PhantomData<&'a ()>,
}

/// The half of a stream that reads, by `into_split`.
#[derive(Debug)]
pub struct OwnedReadHalf {
    pub(super) read: ReadEnd,
}

/// The half of a stream that writes, by `into_split`. When it goes, this direction ends, as by `shutdown`.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    pub(super) write: WriteEnd,
    forgotten: bool,
}

impl ReadHalf<'_> {
    reading_methods!();
}

impl WriteHalf<'_> {
    writing_methods!();
}

impl OwnedReadHalf {
    reading_methods!();

    /// Is this the other half of the same stream?
    pub fn is_pair_of(&self, other: &OwnedWriteHalf) -> bool {
        self.read.socket == other.write.socket
    }

    /// Where the connection is at this end.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    pub fn local_address(&self) -> io::Result<Address> {
        self.read.socket.local_address()
    }

    /// Where the connection is at the other end.
    ///
    /// # Errors
    /// `ENOTCONN`.
    pub fn peer_address(&self) -> io::Result<Address> {
        self.read.socket.peer_address()
    }
}

impl OwnedWriteHalf {
    writing_methods!();

    pub(super) fn new(write: WriteEnd) -> OwnedWriteHalf {
        OwnedWriteHalf { write, forgotten: false }
    }

    /// Lets the half go without an end of its direction.
    pub fn forget(mut self) {
        self.forgotten = true;
    }

    /// Where the connection is at this end.
    ///
    /// # Errors
    /// `EBADF` if its loop is closed.
    pub fn local_address(&self) -> io::Result<Address> {
        self.write.socket.local_address()
    }

    /// Where the connection is at the other end.
    ///
    /// # Errors
    /// `ENOTCONN`.
    pub fn peer_address(&self) -> io::Result<Address> {
        self.write.socket.peer_address()
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if !self.forgotten {
            self.write.close_quietly();
        }
    }
}

/// Two halves that are not of one stream.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tried to reunite halves that are not from the same stream")
    }
}

impl std::error::Error for ReuniteError {}

reading_traits!(ReadHalf<'_>);
reading_traits!(OwnedReadHalf);
writing_traits!(WriteHalf<'_>);
writing_traits!(OwnedWriteHalf);
