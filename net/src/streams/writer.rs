//! `StreamWriter`: writes to a connection, and waits until there is room for more.

use super::protocol::{Flow, StreamReaderProtocol};
use super::reader::StreamReader;
use crate::addr::Address;
use crate::errors::{os_error, runtime_error};
use crate::registry::told;
use crate::socket::Socket;
use crate::transports::Transport;
use counterpoint_runtime::kernel::{self, GiveWay, KernelWait, LoopOwned};
use counterpoint_runtime::schedule::Touch;
use counterpoint_runtime::{ObjectKind, Op, Result, sleep};
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Writes to a connection (`asyncio.StreamWriter`). A clone is the same writer.
///
/// When its last handle goes the connection is closed, as in CPython; so bind it to a name even if you only read.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `StreamWriter`.
///
/// # Examples
/// ```
/// use counterpoint_net::{Socket, SocketType, open_unix_connection_from};
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let (one, other) = Socket::pair(SocketType::Stream)?;
///     let (_reader, writer) = open_unix_connection_from(one).await?;
///     writer.write("hello")?;
///     writer.drain().await?;
///     writer.close();
///     writer.wait_closed().await?;
///     let (reader, _writer) = open_unix_connection_from(other).await?;
///     assert_eq!(&reader.read_to_end().await?[..], b"hello");
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone)]
pub struct StreamWriter {
    state: LoopOwned<State>,
    transport: Transport,
}

struct State {
    transport: Transport,
    flow: LoopOwned<Flow>,
    reader: Option<StreamReader>,
}

impl Drop for State {
    /// `StreamWriter.__del__`
    fn drop(&mut self) {
        self.transport.close_quietly();
    }
}

impl StreamWriter {
    /// Makes a writer over a transport whose protocol is `protocol`; `drain` gives the errors of `reader`, if there is
    /// one.
    pub fn new(
        transport: &Transport,
        protocol: &StreamReaderProtocol,
        reader: Option<&StreamReader>,
    ) -> StreamWriter {
        StreamWriter::over(transport, protocol.flow(), reader.cloned())
    }

    pub(super) fn over(
        transport: &Transport,
        flow: LoopOwned<Flow>,
        reader: Option<StreamReader>,
    ) -> StreamWriter {
        let state = State { transport: transport.clone(), flow, reader };
        let state = LoopOwned::new(ObjectKind::Stream, state);
        if let Some(peer) = transport.peername() {
            state.set_name(format!("StreamWriter {}", told(&peer)));
        }
        StreamWriter { state, transport: transport.clone() }
    }

    fn flow(&self) -> Result<Rc<Flow>> {
        let flow = self.state.get().and_then(|state| state.flow.get());
        flow.ok_or_else(|| runtime_error("the event loop is closed"))
    }

    /// The transport below.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Sends bytes, without waiting: [`drain`](StreamWriter::drain) waits.
    ///
    /// # Errors
    /// As [`Transport::write`].
    pub fn write(&self, data: impl AsRef<[u8]>) -> Result<()> {
        self.transport.write(data)
    }

    /// Sends several pieces as one.
    ///
    /// # Errors
    /// As [`Transport::writelines`].
    pub fn writelines<D: AsRef<[u8]>>(&self, pieces: impl IntoIterator<Item = D>) -> Result<()> {
        self.transport.writelines(pieces)
    }

    /// Ends the own direction once everything is sent.
    ///
    /// # Errors
    /// As [`Transport::write_eof`].
    pub fn write_eof(&self) -> Result<()> {
        self.transport.write_eof()
    }

    /// Can the own direction end alone? Always.
    pub fn can_write_eof(&self) -> bool {
        self.transport.can_write_eof()
    }

    /// Closes the connection: what is in the buffer is sent first.
    pub fn close(&self) {
        self.transport.close();
    }

    /// Is it closing, or closed?
    pub fn is_closing(&self) -> bool {
        self.transport.is_closing()
    }

    /// The socket below. None if the loop is closed.
    pub fn socket(&self) -> Option<Socket> {
        self.transport.socket()
    }

    /// Its own address.
    pub fn sockname(&self) -> Option<Address> {
        self.transport.sockname()
    }

    /// The peer's address, if it was connected when the stream was made.
    pub fn peername(&self) -> Option<Address> {
        self.transport.peername()
    }

    /// Waits until the connection is lost, after a [`close`](StreamWriter::close) or by itself.
    ///
    /// # Order
    /// Returns one tick after `connection_lost`; does not suspend if that was before.
    ///
    /// # Cancellation
    /// All who wait for this connection share one future. As in CPython, cancelling one cancels all of them, and every
    /// later `wait_closed` gives `Cancelled` as well.
    ///
    /// # Errors
    /// What ended the connection; `Cancelled`.
    #[track_caller]
    pub fn wait_closed(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        let closed = self.flow().map(|flow| flow.closed.clone());
        async move { closed?.await }
    }

    /// Waits until there is room for more: while the transport's buffer is over its high mark, until it is at the low one.
    ///
    /// # Order
    /// Does not suspend if there is room. On a transport that is closing it gives way once before it looks. Returns one
    /// tick after there is room. Several tasks may wait.
    ///
    /// # Cancellation
    /// Only this wait ends.
    ///
    /// # Errors
    /// The error of the reader; `ConnectionReset` without a number (a [`std::io::Error`]) if the connection is lost
    /// already; what ended the connection meanwhile; `Cancelled`.
    #[track_caller]
    pub fn drain(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        let (writer, place) = (self.clone(), Location::caller());
        async move {
            let reader = writer.state.get().and_then(|state| state.reader.clone());
            if let Some(error) = reader.and_then(|reader| reader.exception()) {
                return Err(error);
            }
            if writer.transport.is_closing() {
                sleep(Duration::ZERO).await?;
            }
            {
                let flow = writer.flow()?;
                if flow.lost.get() {
                    let lost = io::Error::new(io::ErrorKind::ConnectionReset, "Connection lost");
                    return Err(os_error(lost));
                }
                flow.drains.touch(Touch::Read);
                if flow.is_open() && !kernel::is_every_await() {
                    return Ok(());
                }
            }
            if writer.flow()?.is_open() {
                GiveWay::at(place).await?;
                if writer.flow()?.is_open() {
                    return Ok(());
                }
            }
            DrainWait { writer, wait: KernelWait::new(place), number: None }.await
        }
    }
}

/// Waits until the transport's buffer has shrunk.
#[must_use = "nothing waits until it is awaited"]
struct DrainWait {
    writer: StreamWriter,
    wait: KernelWait,
    number: Option<u64>,
}

impl Future for DrainWait {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let DrainWait { writer, wait, number } = self.get_mut();
        let flow = writer.flow()?;
        let begun = *number.get_or_insert_with(|| flow.drains.begin());
        let result = ready!(flow.drains.poll(begun, wait, cx, Op::Drain));
        flow.drains.end(begun, wait);
        *number = None;
        Poll::Ready(result)
    }
}

impl Drop for DrainWait {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let flow = self.writer.state.get_quietly().and_then(|state| state.flow.get_quietly());
        if let Some(flow) = flow {
            flow.drains.end(number, &mut self.wait);
        }
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<StreamWriter {:?}>", self.transport)
    }
}
