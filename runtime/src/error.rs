//! The one error of the library, with asyncio's kinds.
//!
//! An [`Error`] is one non-null word, so that `Result<()>` is a word too and `Poll<Result<u64>>` travels in two
//! registers: the speed of every await hangs on it. It is cheap to clone, because the error of a task reaches
//! everyone who awaits it.
//!
//! Like `anyhow::Error` it does not implement [`std::error::Error`] itself; in exchange `?` turns every error that
//! does into one of ours, and keeps it for [`Error::downcast_ref`].

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::Location;
use std::sync::Arc;

/// The result of everything that can be awaited here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: asyncio's exceptions, or the program's own error.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// fn parse(text: &str) -> asyncio::Result<u32> {
///     Ok(text.parse::<u32>()?)
/// }
/// let error = parse("x").unwrap_err();
/// assert_eq!(error.kind(), asyncio::ErrorKind::Other);
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Option<String>,
    errors: Vec<Error>,
    source: Option<Source>,
    place: &'static Location<'static>,
}

enum Source {
    Foreign(Box<dyn std::error::Error + Send + Sync>),
    Ours(Error),
}

/// The kinds of error that asyncio tells apart.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The await was cancelled (`CancelledError`). Not an ordinary failure: clean up and pass it on.
    Cancelled,
    /// A timeout came first (`TimeoutError`).
    Timeout,
    /// The future is not in a state for this (`InvalidStateError`).
    InvalidState,
    /// Nothing was in the queue (`QueueEmpty`).
    QueueEmpty,
    /// No place was in the queue (`QueueFull`).
    QueueFull,
    /// The queue was shut down (`QueueShutDown`).
    QueueShutDown,
    /// The barrier was reset or aborted (`BrokenBarrierError`).
    BrokenBarrier,
    /// The stream ended before all was read (`IncompleteReadError`).
    IncompleteRead,
    /// The limit of a stream's buffer was passed (`LimitOverrunError`).
    LimitOverrun,
    /// Several errors of a task group (`ExceptionGroup`): see [`Error::errors`].
    Group,
    /// Something was used in a way that its state forbids (`RuntimeError`).
    Runtime,
    /// An argument was out of range (`ValueError`).
    Value,
    /// Nothing can run any more and no timer is set.
    Deadlock,
    /// A limit on ticks was reached before the program ended.
    Limit,
    /// The program's own error.
    Other,
}

impl ErrorKind {
    /// The name that asyncio gives the exception.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "CancelledError",
            Self::Timeout => "TimeoutError",
            Self::InvalidState => "InvalidStateError",
            Self::QueueEmpty => "QueueEmpty",
            Self::QueueFull => "QueueFull",
            Self::QueueShutDown => "QueueShutDown",
            Self::BrokenBarrier => "BrokenBarrierError",
            Self::IncompleteRead => "IncompleteReadError",
            Self::LimitOverrun => "LimitOverrunError",
            Self::Group => "ExceptionGroup",
            Self::Runtime => "RuntimeError",
            Self::Value => "ValueError",
            Self::Deadlock => "Deadlock",
            Self::Limit => "Limit",
            Self::Other => "Error",
        }
    }
}

impl Error {
    /// Makes an error of one of the library's kinds.
    #[cold]
    #[track_caller]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::build(kind, Some(message.into()), Vec::new(), None)
    }

    /// Makes an error of the program's own from a message, kind [`ErrorKind::Other`].
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime::Error;
    /// assert_eq!(Error::msg("no such account").to_string(), "no such account");
    /// ```
    #[cold]
    #[track_caller]
    pub fn msg(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Other, message)
    }

    /// The error that a cancelled await returns, without a message.
    #[cold]
    #[track_caller]
    pub fn cancelled() -> Error {
        Error::build(ErrorKind::Cancelled, None, Vec::new(), None)
    }

    /// The error that a cancelled await returns, with the message that was given to `cancel_with`.
    #[cold]
    #[track_caller]
    pub fn cancelled_with(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Cancelled, message)
    }

    /// The error of a timeout.
    #[cold]
    #[track_caller]
    pub fn timeout() -> Error {
        Error::build(ErrorKind::Timeout, None, Vec::new(), None)
    }

    /// Several errors as one (`ExceptionGroup`), in the order given.
    #[cold]
    #[track_caller]
    pub fn group(message: impl Into<String>, errors: Vec<Error>) -> Error {
        Error::build(ErrorKind::Group, Some(message.into()), errors, None)
    }

    /// A foreign error under one of the library's kinds; [`Error::downcast_ref`] finds it again.
    #[cold]
    #[track_caller]
    pub fn wrap(kind: ErrorKind, error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::build(kind, None, Vec::new(), Some(Source::Foreign(Box::new(error))))
    }

    #[track_caller]
    fn build(kind: ErrorKind, message: Option<String>, errors: Vec<Error>, source: Option<Source>) -> Error {
        Error(Arc::new(Inner { kind, message, errors, source, place: Location::caller() }))
    }

    pub(crate) fn cancelled_maybe(message: Option<String>) -> Error {
        Error::build(ErrorKind::Cancelled, message, Vec::new(), None)
    }

    pub(crate) fn loop_is_closed() -> Error {
        Error::new(ErrorKind::Runtime, "the event loop is closed")
    }

    /// Which of asyncio's exceptions this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Is this a cancellation? It should be passed on after cleaning up.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }

    /// Is this a timeout?
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// The message it was made with; of a cancellation, only one that somebody gave.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The errors of a group, in order; of every other kind, none.
    pub fn errors(&self) -> &[Error] {
        &self.0.errors
    }

    /// The foreign error inside, if it is of type `E`.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match &self.0.source {
            Some(Source::Foreign(error)) => error.downcast_ref::<E>(),
            Some(Source::Ours(error)) => error.downcast_ref::<E>(),
            None => None,
        }
    }

    /// What kind of error of the system it is, if it is one: Python's `except ConnectionResetError`.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_runtime::Error;
    /// use std::io::ErrorKind;
    ///
    /// let error = Error::from(std::io::Error::from(ErrorKind::ConnectionReset));
    /// assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
    /// assert_eq!(Error::msg("no such account").io_kind(), None);
    /// ```
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.downcast_ref::<io::Error>().map(io::Error::kind)
    }

    /// The error that this one came from (Python's `__cause__`).
    pub fn source(&self) -> Option<&Error> {
        match &self.0.source {
            Some(Source::Ours(error)) => Some(error),
            _ => None,
        }
    }

    /// The same kind and message, with the error it came from.
    pub fn with_source(&self, source: Error) -> Error {
        let Inner { kind, message, errors, place, .. } = &*self.0;
        let (kind, message, errors) = (*kind, message.clone(), errors.clone());
        Error(Arc::new(Inner { kind, message, errors, source: Some(Source::Ours(source)), place }))
    }

    /// Where in the program it was made, or became one of ours by `?`; none if it was made in here.
    pub fn place(&self) -> Option<&'static Location<'static>> {
        Some(self.0.place).filter(|place| !is_ours(place))
    }

    /// The same error, made there: for futures that know where in the program they were asked for.
    pub fn at(mut self, place: &'static Location<'static>) -> Error {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.place = place;
        }
        self
    }

    /// Are these two the same error, not merely equal ones?
    pub fn is_same(&self, other: &Error) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Is this place in the library itself, or in its network? Such a one says nothing to the program's author.
pub(crate) fn is_ours(place: &Location<'_>) -> bool {
    let here = &file!()[..file!().len() - "error.rs".len()];
    let Some((before, after)) = here.rsplit_once("runtime") else { return place.file().starts_with(here) };
    let crates = place.file().strip_prefix(before).into_iter();
    crates
        .flat_map(|path| ["runtime", "net"].map(|name| path.strip_prefix(name)))
        .flatten()
        .any(|path| path.starts_with(after))
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    #[cold]
    #[track_caller]
    fn from(error: E) -> Error {
        // An `io::Error` is what the traits of other crates let through. What one of ours was put into comes out again,
        // so that a cancelled read is a cancellation, whoever read. A crate that names the read's failure as the cause of
        // its own has been cancelled, too.
        if let Some(ours) = (&error as &dyn Any).downcast_ref::<io::Error>().and_then(carried) {
            return ours.clone();
        }
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        match causes.filter_map(carried_by_cause).find(|ours| ours.is_cancelled()) {
            Some(cancelled) => cancelled.clone(),
            None => Error::wrap(ErrorKind::Other, error),
        }
    }
}

/// The error of ours that an `io::Error` carries.
fn carried(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Boxed>().map(|Boxed(ours)| ours)
}

fn carried_by_cause<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    match cause.downcast_ref::<Boxed>() {
        Some(Boxed(ours)) => Some(ours),
        None => carried(cause.downcast_ref::<io::Error>()?),
    }
}

/// An error of the operating system as what it was; every other one inside of an [`io::Error`], out of which `?` takes it
/// again.
///
/// # Examples
/// ```
/// use counterpoint_runtime::Error;
/// let passed_on = std::io::Error::from(Error::cancelled());
/// assert!(Error::from(passed_on).is_cancelled());
/// ```
impl From<Error> for io::Error {
    #[cold]
    fn from(error: Error) -> io::Error {
        if let Some(number) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return io::Error::from_raw_os_error(number);
        }
        let kind = match (error.downcast_ref::<io::Error>(), error.kind()) {
            (Some(inner), _) => inner.kind(),
            (None, ErrorKind::Timeout) => io::ErrorKind::TimedOut,
            (None, ErrorKind::IncompleteRead) => io::ErrorKind::UnexpectedEof,
            (None, _) => io::ErrorKind::Other,
        };
        io::Error::new(kind, Boxed(error))
    }
}

impl From<Error> for Box<dyn std::error::Error + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl From<Error> for Box<dyn std::error::Error> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

/// An [`Error`] as somebody else's `dyn std::error::Error`.
#[derive(Debug)]
struct Boxed(Error);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Boxed {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match (&inner.message, &inner.source, inner.kind) {
            (Some(message), _, ErrorKind::Cancelled) => write!(f, "cancelled: {message}")?,
            (Some(message), ..) => f.write_str(message)?,
            (None, Some(Source::Foreign(error)), _) => fmt::Display::fmt(error, f)?,
            (None, _, ErrorKind::Cancelled) => f.write_str("cancelled")?,
            (None, _, ErrorKind::Timeout) => f.write_str("timed out")?,
            (None, _, kind) => f.write_str(kind.name())?,
        }
        for (index, error) in inner.errors.iter().enumerate() {
            write!(f, "{} {error}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({self})", self.kind().name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word_and_so_is_a_unit_result() {
        assert_eq!(size_of::<Error>(), 8);
        assert_eq!(size_of::<Result<()>>(), 8);
        assert_eq!(size_of::<std::task::Poll<Result<u64>>>(), 16);
    }

    #[test]
    fn a_group_reads_as_a_sentence() {
        let group = Error::group("unhandled errors in a TaskGroup", vec![Error::msg("a"), Error::timeout()]);
        assert_eq!(group.to_string(), "unhandled errors in a TaskGroup: a; timed out");
    }

    #[test]
    fn a_cancellation_passes_through_the_traits_of_other_crates() {
        let error = Error::cancelled_with("shutting down");
        let passed_on: Error = io::Error::from(error.clone()).into();
        assert!(passed_on.is_same(&error));
        let foreign = Error::from(io::Error::from_raw_os_error(104));
        assert_eq!(io::Error::from(foreign).raw_os_error(), Some(104));
        assert_eq!(io::Error::from(Error::timeout()).kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn what_failed_because_it_was_cancelled_was_cancelled() {
        #[derive(Debug)]
        struct Connection(io::Error);
        impl fmt::Display for Connection {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("connection error")
            }
        }
        impl std::error::Error for Connection {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let cancelled = Error::cancelled();
        assert!(Error::from(Connection(cancelled.clone().into())).is_same(&cancelled));
        let failed = Error::from(Connection(Error::msg("disk").into()));
        assert_eq!(failed.to_string(), "connection error");
        assert!(failed.downcast_ref::<Connection>().is_some());
    }

    #[test]
    fn an_empty_message_of_a_cancellation_is_kept() {
        assert_eq!(Error::cancelled_with("").message(), Some(""));
        assert_eq!(Error::cancelled().message(), None);
    }

    #[test]
    fn a_foreign_error_is_found_again_through_a_chain() {
        let foreign: Error = io::Error::other("disk").into();
        let outer = Error::timeout().with_source(foreign);
        assert_eq!(outer.downcast_ref::<io::Error>().map(ToString::to_string).as_deref(), Some("disk"));
    }
}
