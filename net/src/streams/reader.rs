//! `StreamReader`: bytes that came, and the one task that waits for more.

use super::DEFAULT_LIMIT;
use super::stream_waits::Waits;
use crate::errors::{IncompleteReadError, runtime_error, value_error};
use crate::registry::told;
use crate::transports::Transport;
use bytes::{Bytes, BytesMut};
use counterpoint_runtime::kernel::{GiveWay, KernelWait, LoopOwned};
use counterpoint_runtime::schedule::Touch;
use counterpoint_runtime::{Error, ErrorKind, ObjectKind, Op, Result};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Reads the bytes of a connection (`asyncio.StreamReader`). A clone is the same reader.
///
/// One task at a time may wait for data; a second one is refused. What it reads are [`Bytes`], which share the reader's
/// memory.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `StreamReader`.
///
/// # Examples
/// ```
/// use counterpoint_net::StreamReader;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let reader = StreamReader::new();
///     reader.feed_data(b"HTTP/1.1 200 OK\r\nbody")?;
///     reader.feed_eof();
///     assert_eq!(&reader.readuntil("\r\n").await?[..], b"HTTP/1.1 200 OK\r\n");
///     assert_eq!(&reader.readexactly(2).await?[..], b"bo");
///     assert_eq!(&reader.read_to_end().await?[..], b"dy");
///     assert!(reader.at_eof());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct StreamReader {
    core: LoopOwned<Core>,
}

pub(super) struct Core {
    pub(super) limit: usize,
    pub(super) buffer: RefCell<BytesMut>,
    pub(super) eof: Cell<bool>,
    /// The wait that the next data settles (`_waiter`).
    waiter: Cell<Option<u64>>,
    exception: RefCell<Option<Error>>,
    transport: RefCell<Option<Transport>>,
    /// The transport was told not to read.
    paused: Cell<bool>,
    waits: Waits,
}

impl StreamReader {
    /// Makes a reader with a limit of 64 KiB, to be fed by hand or by a [`StreamReaderProtocol`](super::StreamReaderProtocol).
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "made in the current event loop, which there may not be")]
    pub fn new() -> StreamReader {
        StreamReader::make(DEFAULT_LIMIT)
    }

    /// Makes a reader with another limit, in bytes.
    ///
    /// # Errors
    /// `Value` if it is zero.
    #[track_caller]
    pub fn with_limit(limit: usize) -> Result<StreamReader> {
        if limit == 0 { Err(value_error("Limit cannot be <= 0")) } else { Ok(StreamReader::make(limit)) }
    }

    #[track_caller]
    fn make(limit: usize) -> StreamReader {
        let core = Core {
            limit,
            buffer: RefCell::default(),
            eof: Cell::new(false),
            waiter: Cell::new(None),
            exception: RefCell::default(),
            transport: RefCell::default(),
            paused: Cell::new(false),
            waits: Waits::new(),
        };
        core.waits.set_name("StreamReader");
        StreamReader { core: LoopOwned::new(ObjectKind::Stream, core) }
    }

    /// The state.
    pub(super) fn core(&self) -> Result<Rc<Core>> {
        let core = self.core.get().ok_or_else(|| runtime_error("the event loop is closed"))?;
        core.waits.touch(Touch::Write);
        Ok(core)
    }

    /// The error that ended it, which every read gives; none if there is none.
    pub fn exception(&self) -> Option<Error> {
        self.core().ok()?.exception.borrow().clone()
    }

    /// Ends it with an error: every read gives it, the one that waits as well.
    pub fn set_exception(&self, error: impl Into<Error>) {
        if let Some(core) = self.core.get() {
            core.set_exception(error.into());
        }
    }

    /// Gives it bytes.
    ///
    /// # Errors
    /// `Runtime` after [`feed_eof`](StreamReader::feed_eof).
    pub fn feed_data(&self, data: &[u8]) -> Result<()> {
        self.core()?.feed_data(data)
    }

    /// Says that no more bytes will come.
    pub fn feed_eof(&self) {
        if let Some(core) = self.core.get() {
            core.feed_eof();
        }
    }

    /// Has everything been read, and will no more come?
    pub fn at_eof(&self) -> bool {
        self.core().is_ok_and(|core| core.eof.get() && core.buffer.borrow().is_empty())
    }

    /// Reads up to `count` bytes, at least one: empty means the end of the stream, or a `count` of zero.
    ///
    /// # Order
    /// Does not suspend if something is there. Else it goes on one tick after data came.
    ///
    /// # Cancellation
    /// Nothing is lost: what comes stays in the buffer.
    ///
    /// # Errors
    /// What ended the connection; `Runtime` if another task waits already; `Cancelled`.
    #[track_caller]
    pub fn read(&self, count: usize) -> impl Future<Output = Result<Bytes>> + Send + '_ {
        let place = Location::caller();
        async move {
            let waits = {
                let core = self.core()?;
                core.raise()?;
                if count == 0 {
                    return Ok(Bytes::new());
                }
                core.is_dry()
            };
            if waits || self.gives_way_and_finds_nothing(place).await? {
                self.wait_for_data("read", place).await?;
            }
            Ok(self.core()?.take(count))
        }
    }

    /// Reads until the end of the stream: `read(-1)`.
    ///
    /// # Order, Cancellation, Errors
    /// As [`read`](StreamReader::read); a cancellation or an error loses what was read so far.
    #[track_caller]
    pub fn read_to_end(&self) -> impl Future<Output = Result<Bytes>> + Send + '_ {
        let place = Location::caller();
        async move {
            let mut all = BytesMut::new();
            loop {
                let (waits, limit) = {
                    let core = self.core()?;
                    core.raise()?;
                    (core.is_dry(), core.limit)
                };
                if waits || self.gives_way_and_finds_nothing(place).await? {
                    self.wait_for_data("read", place).await?;
                }
                let block = self.core()?.take(limit);
                if block.is_empty() {
                    return Ok(all.freeze());
                }
                all.extend_from_slice(&block);
            }
        }
    }

    /// Reads exactly `count` bytes. The limit does not bound it.
    ///
    /// # Errors
    /// `IncompleteRead` with an [`IncompleteReadError`] at the end of the stream: what was there is in the error. Else as
    /// [`read`](StreamReader::read).
    #[track_caller]
    pub fn readexactly(&self, count: usize) -> impl Future<Output = Result<Bytes>> + Send + '_ {
        let place = Location::caller();
        async move {
            self.core()?.raise()?;
            if count == 0 {
                return Ok(Bytes::new());
            }
            let at_once = {
                let core = self.core()?;
                core.buffer.borrow().len() >= count || core.eof.get()
            };
            if at_once {
                GiveWay::at(place).await?;
                self.core()?.raise()?;
            }
            loop {
                {
                    let core = self.core()?;
                    if core.buffer.borrow().len() >= count {
                        return Ok(core.take(count));
                    }
                    if core.eof.get() {
                        return Err(core.incomplete(Some(count)));
                    }
                }
                self.wait_for_data("readexactly", place).await?;
            }
        }
    }

    /// The next line, with its newline: none at the end of the stream (`async for line in reader`).
    ///
    /// # Errors
    /// As [`readline`](StreamReader::readline).
    #[track_caller]
    pub fn next_line(&self) -> impl Future<Output = Result<Option<Bytes>>> + Send + '_ {
        let line = self.readline();
        async move { Ok(Some(line.await?).filter(|line| !line.is_empty())) }
    }

    /// Under `every-await`: gives way although something is there to be read. True if it is gone by then.
    async fn gives_way_and_finds_nothing(&self, place: &'static Location<'static>) -> Result<bool> {
        GiveWay::at(place).await?;
        let core = self.core()?;
        core.raise()?;
        Ok(core.is_dry())
    }

    /// `_wait_for_data`.
    pub(super) fn wait_for_data<'a>(
        &'a self,
        what: &'static str,
        place: &'static Location<'static>,
    ) -> DataWait<'a> {
        DataWait { reader: self, what, wait: KernelWait::new(place), number: None }
    }
}

impl Core {
    /// The error that ended it.
    pub(super) fn raise(&self) -> Result<()> {
        self.exception.borrow().clone().map_or(Ok(()), Err)
    }

    fn is_dry(&self) -> bool {
        self.buffer.borrow().is_empty() && !self.eof.get()
    }

    /// Takes up to so many bytes out.
    pub(super) fn take(&self, count: usize) -> Bytes {
        let data = {
            let mut buffer = self.buffer.borrow_mut();
            let count = count.min(buffer.len());
            buffer.split_to(count).freeze()
        };
        self.maybe_resume_transport();
        data
    }

    /// `IncompleteReadError`, with everything that is in the buffer.
    pub(super) fn incomplete(&self, expected: Option<usize>) -> Error {
        let partial = self.buffer.borrow_mut().split().to_vec();
        Error::wrap(ErrorKind::IncompleteRead, IncompleteReadError { partial, expected })
    }

    pub(super) fn maybe_resume_transport(&self) {
        if self.paused.get() && self.buffer.borrow().len() <= self.limit {
            self.resume_transport();
        }
    }

    fn resume_transport(&self) {
        self.paused.set(false);
        let transport = self.transport.borrow().clone();
        if let Some(transport) = transport {
            transport.resume_reading();
        }
    }

    pub(super) fn set_transport(&self, transport: &Transport) {
        if let Some(peer) = transport.peername() {
            self.waits.set_name(format!("StreamReader {}", told(&peer)));
        }
        *self.transport.borrow_mut() = Some(transport.clone());
    }

    pub(super) fn set_exception(&self, error: Error) {
        self.waits.touch(Touch::Write);
        *self.exception.borrow_mut() = Some(error.clone());
        if let Some(waiter) = self.waiter.take() {
            self.waits.settle(waiter, Err(error));
        }
    }

    fn wake_waiter(&self) {
        if let Some(waiter) = self.waiter.take() {
            self.waits.settle(waiter, Ok(()));
        }
    }

    pub(super) fn feed_eof(&self) {
        self.waits.touch(Touch::Write);
        self.eof.set(true);
        self.wake_waiter();
    }

    pub(super) fn feed_data(&self, data: &[u8]) -> Result<()> {
        self.waits.touch(Touch::Write);
        if self.eof.get() {
            return Err(runtime_error("feed_data after feed_eof"));
        }
        if data.is_empty() {
            return Ok(());
        }
        self.buffer.borrow_mut().extend_from_slice(data);
        self.wake_waiter();
        if !self.paused.get() && self.buffer.borrow().len() > 2 * self.limit {
            let transport = self.transport.borrow().clone();
            if let Some(transport) = transport {
                transport.pause_reading();
                self.paused.set(true);
            }
        }
        Ok(())
    }

    /// Becomes the one who waits.
    fn begin_wait(&self, what: &str) -> Result<u64> {
        if self.waiter.get().is_some() {
            return Err(runtime_error(format!(
                "{what}() called while another coroutine is already waiting for incoming data"
            )));
        }
        if self.paused.get() {
            self.resume_transport(); // data would never come
        }
        let number = self.waits.begin_alone();
        self.waiter.set(Some(number));
        Ok(number)
    }

    /// Whatever came of a wait: nobody waits now. (In CPython, too, this can take another one's place away.)
    fn end_wait(&self, number: u64, wait: &mut KernelWait) {
        self.waits.end(number, wait);
        self.waiter.set(None);
    }
}

/// Waits until data or the end has come.
#[must_use = "nothing waits until it is awaited"]
pub(super) struct DataWait<'a> {
    reader: &'a StreamReader,
    what: &'static str,
    wait: KernelWait,
    number: Option<u64>,
}

impl Future for DataWait<'_> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let DataWait { reader, what, wait, number } = self.get_mut();
        let core = reader.core()?;
        let begun = match *number {
            Some(begun) => begun,
            None => *number.insert(core.begin_wait(what)?),
        };
        let result = ready!(core.waits.poll(begun, wait, cx, Op::Read));
        core.end_wait(begun, wait);
        *number = None;
        Poll::Ready(result)
    }
}

impl Drop for DataWait<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number
            && let Some(core) = self.reader.core.get_quietly()
        {
            core.end_wait(number, &mut self.wait);
        }
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(core) = self.core.get_quietly() else {
            return f.write_str("<StreamReader of a closed loop>");
        };
        let (length, eof) = (core.buffer.borrow().len(), core.eof.get());
        write!(f, "<StreamReader {length} bytes{}>", if eof { " eof" } else { "" })
    }
}
