//! `open_connection`: a connection as a reader and a writer.

use super::DEFAULT_LIMIT;
use super::protocol::StreamReaderProtocol;
use super::reader::StreamReader;
use super::writer::StreamWriter;
use crate::addr::{Family, UnixAddress};
use crate::connections::{SendCoroutine, Target, UnixTarget, make_transport};
use crate::protocols::IntoProtocol;
use crate::socket::Socket;
use counterpoint_runtime::Result;
use std::future::IntoFuture;
use std::path::Path;
use std::time::Duration;

/// Connects to a server: gives the reader and the writer of the connection.
///
/// The host is a name or an address. Keyword arguments are the builder's methods.
///
/// # Order
/// With an address of this machine and no latency: 4 ticks from the call. The first data can be read in the tick in which
/// it returns.
///
/// # Cancellation
/// The connection is closed.
///
/// # Errors
/// ECONNREFUSED and the like; if several addresses failed in different ways, an error without a number that names all;
/// [`ResolveError`](crate::ResolveError) for an unknown name; `Value` for a limit of zero; `Cancelled`.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `open_connection`.
///
/// # Examples
/// ```
/// use counterpoint_net::open_connection;
/// use counterpoint_runtime as asyncio;
///
/// let refused = asyncio::run(async { open_connection("localhost", 8000).limit(1024).await });
/// // Two addresses, and nobody at either.
/// assert!(refused.unwrap_err().to_string().starts_with("Multiple exceptions"));
/// # Ok::<(), asyncio::Error>(())
/// ```
pub fn open_connection(host: impl Into<String>, port: u16) -> OpenConnection {
    OpenConnection { target: Target::to(host, port), limit: DEFAULT_LIMIT }
}

/// As [`open_connection`], over a socket that is connected already (`sock=`).
pub fn open_connection_from(socket: Socket) -> OpenConnection {
    OpenConnection { target: Target::over(socket), limit: DEFAULT_LIMIT }
}

/// Connects to a server on a Unix socket; a path that begins with a zero byte is in the abstract name space.
///
/// # Errors
/// As [`open_connection`].
///
/// # Source
/// CPython 3.13, `Lib/asyncio/streams.py`, `open_unix_connection`.
pub fn open_unix_connection(path: impl AsRef<Path>) -> OpenUnixConnection {
    OpenUnixConnection { target: UnixTarget::Path(UnixAddress::of(path)), limit: DEFAULT_LIMIT }
}

/// As [`open_unix_connection`], over a socket that is connected already (`sock=`).
pub fn open_unix_connection_from(socket: Socket) -> OpenUnixConnection {
    OpenUnixConnection { target: UnixTarget::Socket(socket), limit: DEFAULT_LIMIT }
}

/// What [`open_connection`] returns: await it.
#[must_use = "nothing is connected until this is awaited"]
pub struct OpenConnection {
    target: Target,
    limit: usize,
}

impl OpenConnection {
    /// The limit of the reader, in bytes. Default: 64 KiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Tries addresses of this family only.
    pub fn family(mut self, family: Family) -> Self {
        self.target.family = Some(family);
        self
    }

    /// Binds the socket to this address before it connects.
    pub fn local_addr(mut self, host: impl Into<String>, port: u16) -> Self {
        self.target.local = Some((host.into(), port));
        self
    }

    /// Lets the next address begin this long after the one before, instead of after its failure (RFC 8305).
    pub fn happy_eyeballs_delay(mut self, delay: Duration) -> Self {
        self.target.happy_eyeballs_delay = Some(delay);
        self
    }

    /// Orders the addresses so that the families alternate, after `first - 1` of the first; 0 leaves them as they are.
    pub fn interleave(mut self, first: usize) -> Self {
        self.target.interleave = Some(first);
        self
    }
}

impl IntoFuture for OpenConnection {
    type Output = Result<(StreamReader, StreamWriter)>;
    type IntoFuture = SendCoroutine<(StreamReader, StreamWriter)>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let reader = StreamReader::with_limit(self.limit)?;
            let socket = self.target.connect().await?;
            open_over(reader, socket).await
        })
    }
}

/// What [`open_unix_connection`] returns: await it.
#[must_use = "nothing is connected until this is awaited"]
pub struct OpenUnixConnection {
    target: UnixTarget,
    limit: usize,
}

impl OpenUnixConnection {
    /// The limit of the reader, in bytes. Default: 64 KiB.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl IntoFuture for OpenUnixConnection {
    type Output = Result<(StreamReader, StreamWriter)>;
    type IntoFuture = SendCoroutine<(StreamReader, StreamWriter)>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let reader = StreamReader::with_limit(self.limit)?;
            let socket = self.target.connect().await?;
            open_over(reader, socket).await
        })
    }
}

async fn open_over(reader: StreamReader, socket: Socket) -> Result<(StreamReader, StreamWriter)> {
    let made = make_transport(socket, || {
        let protocol = StreamReaderProtocol::new(&reader);
        let flow = protocol.flow();
        (flow, protocol.into_held().1.0)
    });
    let (transport, flow) = made.await?;
    let writer = StreamWriter::over(&transport, flow, Some(reader.clone()));
    Ok((reader, writer))
}
