//! A TLS connection over a stream.

use super::error::TlsError;
use super::session::TlsSession;
use futures_io::{AsyncRead, AsyncWrite};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many bytes of the wire are read at once.
const PART: usize = 8192;

/// A TLS connection over a stream `S`. Its traits are those of the streams below.
///
/// A write returns when TLS has taken the bytes; what the stream below has no room for leaves with the next call. So
/// `flush` before a long wait for something else. `close` announces the end, and half a connection goes on: the other end
/// may still write. A stream that is dropped without it ends for the other one with `UnexpectedEof`.
#[derive(Debug)]
pub struct TlsStream<S> {
    stream: S,
    session: TlsSession,
    /// The wire has ended.
    ended: bool,
    /// Somebody who writes waits for room below. A reader does not send then: the stream below knows one task that waits to
    /// write, and it would be the wrong one.
    writer_waits: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    pub(super) fn new(stream: S, session: TlsSession) -> TlsStream<S> {
        TlsStream { stream, session, ended: false, writer_waits: false }
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The protocol's machine.
    pub fn session(&self) -> &TlsSession {
        &self.session
    }

    /// The application protocol that both have agreed on (ALPN).
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.session.alpn_protocol()
    }

    /// Goes on with the handshake until it is over.
    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.is_handshaking() {
            ready!(self.poll_send(cx))?;
            if !self.session.is_handshaking() {
                break;
            }
            if self.ended {
                let what = "the other end closed the connection during the TLS handshake";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, what)));
            }
            ready!(self.poll_receive(cx))?;
        }
        self.poll_send(cx)
    }

    /// Sends what is pending; ready when all has left.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let pending = self.session.pending();
            if pending.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, pending))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.session.sent(count);
        }
    }

    /// As `poll_send`, for a writer.
    fn poll_send_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_send(cx);
        self.writer_waits = sent.is_pending();
        sent
    }

    /// Takes a part from the wire.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut part = [0; PART];
        let count = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        self.ended |= count == 0;
        let received = self.session.receive(&part[..count]);
        if let Err(error) = received {
            // Tell the other end why, if there is room. What matters is told to our own program.
            let _ = self.poll_send(cx);
            return Poll::Ready(Err(TlsError::into(error)));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read_plain(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.session.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !self.ended => {}
                read => return Poll::Ready(read),
            }
            // What was written and had no room, and answers of the protocol itself: a reader does not wait for them.
            if !self.writer_waits
                && let Poll::Ready(Err(error)) = self.poll_send(cx)
            {
                return Poll::Ready(Err(error));
            }
            ready!(self.poll_receive(cx))?;
        }
    }

    fn poll_write_plain(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        // What was taken before leaves first: so a slow reader is felt.
        ready!(self.poll_send_all(cx))?;
        let part = &data[..data.len().min(16 * 1024)]; // a record of TLS
        let count = self.session.write(part)?;
        match self.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_all(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.end();
        ready!(self.poll_send_all(cx))?;
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_read_plain(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_plain(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_flush_all(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(cx)
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncRead + AsyncWrite + Unpin> tokio::io::AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = ready!(self.get_mut().poll_read_plain(cx, buffer.initialize_unfilled()))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "hyper")]
impl<S: AsyncRead + AsyncWrite + Unpin> hyper::rt::Read for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        crate::faces::for_hyper::poll_read(buffer, |part| self.get_mut().poll_read_plain(cx, part))
    }
}

/// tokio's and hyper's writing have the same three functions.
#[cfg(any(feature = "tokio", feature = "hyper"))]
macro_rules! writing {
    ($of:path) => {
        impl<S: AsyncRead + AsyncWrite + Unpin> $of for TlsStream<S> {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().poll_write_plain(cx, data)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_flush_all(cx)
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.get_mut().poll_end(cx)
            }
        }
    };
}

#[cfg(feature = "hyper")]
writing!(hyper::rt::Write);
#[cfg(feature = "tokio")]
writing!(tokio::io::AsyncWrite);
