//! Reading up to a separator: `readuntil`, and `readline` on top of it.
//!
//! The limit counts the bytes before the separator. What is over it stays in the buffer for `readuntil`, and is thrown
//! away by `readline`.

use super::reader::{Core, StreamReader};
use crate::errors::{IncompleteReadError, LimitOverrunError, value_error};
use bytes::Bytes;
use counterpoint_runtime::kernel::{self, GiveWay};
use counterpoint_runtime::{Error, ErrorKind, Result};
use std::future::Future;
use std::panic::Location;

const NOT_FOUND: &str = "Separator is not found, and chunk exceed the limit";
const FOUND: &str = "Separator is found, but chunk is longer than limit";

impl StreamReader {
    /// Reads until a separator, which is the end of what it gives.
    ///
    /// # Order
    /// Does not suspend if it is there already.
    ///
    /// # Cancellation
    /// Nothing is lost: what came stays in the buffer.
    ///
    /// # Errors
    /// `LimitOverrun` with a [`LimitOverrunError`] if there are more bytes before it than the limit, all of which stay;
    /// `IncompleteRead` with an [`IncompleteReadError`] at the end of the stream, which empties the buffer; `Value` if
    /// the separator is empty; else as [`read`](StreamReader::read).
    #[track_caller]
    pub fn readuntil(&self, separator: impl AsRef<[u8]>) -> impl Future<Output = Result<Bytes>> + Send + '_ {
        let (separators, place) = (vec![separator.as_ref().to_vec()], Location::caller());
        self.read_until_one_of(separators, place)
    }

    /// Reads until the first of several separators: as little as ends with any of them (`readuntil` with a tuple).
    ///
    /// # Errors
    /// As [`readuntil`](StreamReader::readuntil).
    #[track_caller]
    pub fn readuntil_any<S: AsRef<[u8]>>(
        &self,
        separators: impl IntoIterator<Item = S>,
    ) -> impl Future<Output = Result<Bytes>> + Send {
        let mut separators: Vec<_> =
            separators.into_iter().map(|separator| separator.as_ref().to_vec()).collect();
        separators.sort_by_key(Vec::len); // the shortest match wins
        self.read_until_one_of(separators, Location::caller())
    }

    /// Reads a line with its newline; at the end of the stream what is left, and then nothing.
    ///
    /// # Errors
    /// `Value` if the line is longer than the limit: it is thrown away, or what has come of it. Else as
    /// [`read`](StreamReader::read).
    #[track_caller]
    pub fn readline(&self) -> impl Future<Output = Result<Bytes>> + Send + '_ {
        let line = self.read_until_one_of(vec![b"\n".to_vec()], Location::caller());
        async move {
            let error = match line.await {
                Ok(line) => return Ok(line),
                Err(error) => error,
            };
            if let Some(incomplete) = error.downcast_ref::<IncompleteReadError>() {
                return Ok(Bytes::copy_from_slice(&incomplete.partial));
            }
            match error.downcast_ref::<LimitOverrunError>() {
                Some(overrun) => Err(self.core()?.drop_line(overrun)),
                None => Err(error),
            }
        }
    }

    async fn read_until_one_of(
        &self,
        separators: Vec<Vec<u8>>,
        place: &'static Location<'static>,
    ) -> Result<Bytes> {
        let (Some(shortest), Some(longest)) = (separators.first(), separators.last()) else {
            return Err(value_error("Separator should contain at least one element"));
        };
        if shortest.is_empty() {
            return Err(value_error("Separator should be at least one-byte string"));
        }
        self.core()?.raise()?;
        if kernel::is_every_await() && {
            let core = self.core()?;
            core.eof.get() || core.find(&separators, 0).is_some()
        } {
            GiveWay::at(place).await?;
            self.core()?.raise()?;
        }
        // No separator begins before this.
        let mut offset = 0;
        loop {
            {
                let core = self.core()?;
                let length = core.buffer.borrow().len();
                if length >= offset + shortest.len() {
                    if let Some((start, end)) = core.find(&separators, offset) {
                        return core.take_until(start, end);
                    }
                    offset = (length + 1).saturating_sub(longest.len());
                    if offset > core.limit {
                        return Err(overrun(NOT_FOUND, offset));
                    }
                }
                if core.eof.get() {
                    return Err(core.incomplete(None));
                }
            }
            self.wait_for_data("readuntil", place).await?;
        }
    }
}

fn overrun(message: &'static str, consumed: usize) -> Error {
    Error::wrap(ErrorKind::LimitOverrun, LimitOverrunError { message, consumed })
}

impl Core {
    /// Where the match that ends first begins and ends.
    fn find(&self, separators: &[Vec<u8>], offset: usize) -> Option<(usize, usize)> {
        let buffer = self.buffer.borrow();
        let mut found: Option<(usize, usize)> = None;
        for separator in separators {
            if let Some(at) = position(&buffer[offset..], separator) {
                let (start, end) = (offset + at, offset + at + separator.len());
                if found.is_none_or(|(_, earlier)| end < earlier) {
                    found = Some((start, end));
                }
            }
        }
        found
    }

    fn take_until(&self, start: usize, end: usize) -> Result<Bytes> {
        if start > self.limit { Err(overrun(FOUND, start)) } else { Ok(self.take(end)) }
    }

    /// A line over the limit: up to its newline, if that has come, else all there is.
    fn drop_line(&self, overrun: &LimitOverrunError) -> Error {
        {
            let mut buffer = self.buffer.borrow_mut();
            if buffer.get(overrun.consumed) == Some(&b'\n') {
                drop(buffer.split_to(overrun.consumed + 1));
            } else {
                buffer.clear();
            }
        }
        self.maybe_resume_transport();
        value_error(overrun.message)
    }
}

fn position(data: &[u8], separator: &[u8]) -> Option<usize> {
    match separator {
        [byte] => data.iter().position(|other| other == byte),
        _ => data.windows(separator.len()).position(|window| window == separator),
    }
}
