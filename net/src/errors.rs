//! Errors of the network as a program meets them.
//!
//! What a system call answers is a [`std::io::Error`] with its number, inside the library's error: `downcast_ref` finds
//! it. What streams add are types of their own, found in the same way.

use counterpoint_runtime::{Error, ErrorKind};
use std::{fmt, io};

/// The stream ended before everything that was asked for came (`asyncio.IncompleteReadError`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompleteReadError {
    /// What came before the end; it is no longer in the stream.
    pub partial: Vec<u8>,
    /// How many bytes were asked for; none if a separator was.
    pub expected: Option<usize>,
}

/// More came than the stream's limit allows before a separator (`asyncio.LimitOverrunError`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitOverrunError {
    /// What happened, in asyncio's words.
    pub message: &'static str,
    /// How many bytes hold no separator; all of them are still in the stream.
    pub consumed: usize,
}

impl fmt::Display for IncompleteReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partial = self.partial.len();
        match self.expected {
            Some(expected) => write!(f, "{partial} bytes read on a total of {expected} expected bytes"),
            None => {
                write!(f, "{partial} bytes read before the end of the stream, and no separator among them")
            }
        }
    }
}

impl fmt::Display for LimitOverrunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for IncompleteReadError {}
impl std::error::Error for LimitOverrunError {}

/// The library's error for what a system call answered: `Timeout` for ETIMEDOUT, as Python's class says.
#[track_caller]
pub(crate) fn os_error(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::TimedOut { ErrorKind::Timeout } else { ErrorKind::Other };
    Error::wrap(kind, error)
}

/// As [`os_error`], with words that say where: found again through its source.
#[track_caller]
pub(crate) fn os_error_with(error: io::Error, message: String) -> Error {
    let error = os_error(error);
    Error::new(error.kind(), message).with_source(error)
}

/// The one inside, if it is an `OSError` with or without a number.
pub(crate) fn io_error(error: &Error) -> Option<&io::Error> {
    error.downcast_ref::<io::Error>()
}

/// An `OSError` without a number.
#[track_caller]
pub(crate) fn plain_os_error(message: impl Into<String>) -> Error {
    Error::wrap(ErrorKind::Other, io::Error::other(message.into()))
}

/// Is a call to be tried again once the socket is ready?
pub(crate) fn must_wait(error: &io::Error) -> bool {
    /// EINPROGRESS and EALREADY of Linux: `connect` is on its way.
    const CONNECTING: [i32; 2] = [115, 114];
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
        || error.raw_os_error().is_some_and(|errno| CONNECTING.contains(&errno))
}

/// `RuntimeError`.
#[track_caller]
pub(crate) fn runtime_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Runtime, message)
}

/// `ValueError`.
#[track_caller]
pub(crate) fn value_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Value, message)
}
