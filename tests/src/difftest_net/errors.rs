//! Errors of the network, as a trace prints them: an error of the system by Python's class and its name in C.

use std::io;

use asyncio::net::{Errno, IncompleteReadError, LimitOverrunError, ResolveError};
use asyncio::{Error, ErrorKind};
use counterpoint as asyncio;

use super::runs;

/// A program gives away a socket whose name is unbound.
pub(super) const NO_SUCH_NAME: &str = "no socket has this name";

/// How an error of the network is printed; none if it is one of the core.
pub(crate) fn shown(error: &Error) -> Option<String> {
    if error.is_cancelled() {
        return None;
    }
    if let Some(error) = error.downcast_ref::<IncompleteReadError>() {
        let expected = error.expected.map_or_else(|| "None".to_owned(), |count| count.to_string());
        return Some(format!("IncompleteRead({}, {expected})", runs::shown(&error.partial)));
    }
    if let Some(error) = error.downcast_ref::<LimitOverrunError>() {
        return Some(format!("LimitOverrun({})", error.consumed));
    }
    if error.downcast_ref::<ResolveError>().is_some() {
        return Some("gaierror".to_owned());
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Some(os_error(error));
    }
    accident(error).map(str::to_owned)
}

/// The class of an error that CPython's own code raises by accident, where ours has words for it.
fn accident(error: &Error) -> Option<&'static str> {
    match error.message() {
        Some("the connection of this transport was lost before") => Some("AttributeError"),
        Some("a connection was accepted, but its server is closed") => Some("AssertionError"),
        Some(NO_SUCH_NAME) => Some("KeyError"),
        _ => None,
    }
}

/// Is it an `OSError` of Python's? A timeout is one.
pub(crate) fn is_os_error(error: &Error) -> bool {
    let other = error.downcast_ref::<io::Error>().is_some() || error.downcast_ref::<ResolveError>().is_some();
    error.kind() == ErrorKind::Timeout || (other && !error.is_cancelled())
}

/// The class, with the name of the number if there is one: `ConnectionResetError(ECONNRESET)`.
pub(super) fn os_error(error: &io::Error) -> String {
    let number = error.raw_os_error();
    match number.and_then(Errno::from_number) {
        Some(Errno::Already | Errno::InProgress) => format!("BlockingIOError({})", name(number)),
        _ if number.is_some() => format!("{}({})", class(error.kind()), name(number)),
        _ => class(error.kind()).to_owned(),
    }
}

/// The class that Python has for what Rust makes of a number.
fn class(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionReset => "ConnectionResetError",
        io::ErrorKind::ConnectionRefused => "ConnectionRefusedError",
        io::ErrorKind::ConnectionAborted => "ConnectionAbortedError",
        io::ErrorKind::BrokenPipe => "BrokenPipeError",
        io::ErrorKind::WouldBlock => "BlockingIOError",
        io::ErrorKind::PermissionDenied => "PermissionError",
        io::ErrorKind::NotFound => "FileNotFoundError",
        io::ErrorKind::TimedOut => "TimeoutError",
        _ => "OSError",
    }
}

/// The number's name in C.
pub(super) fn name(number: Option<i32>) -> String {
    let number = number.unwrap_or(0);
    Errno::from_number(number).map_or_else(|| number.to_string(), |errno| errno.name().to_owned())
}
