//! What a stream socket of any family can do: an end that reads and an end that writes.
//!
//! [`TcpStream`](crate::TcpStream), [`UnixStream`](crate::UnixStream) and their halves are thin names for these.

use super::waiting::{StreamWait, Want, call};
use crate::errno::Errno;
use crate::socket::Socket;
use counterpoint_runtime::{Error, Result};
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::task::{Context, Poll};

/// The end that reads.
pub(crate) struct ReadEnd {
    pub(crate) socket: Socket,
    wait: StreamWait,
}

/// The end that writes.
pub(crate) struct WriteEnd {
    pub(crate) socket: Socket,
    wait: StreamWait,
}

impl ReadEnd {
    #[track_caller]
    pub(crate) fn new(socket: Socket) -> ReadEnd {
        ReadEnd { socket, wait: StreamWait::new(Want::READ) }
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.wait.poll(&self.socket, cx, |socket| socket.receive(buffer))
    }
}

impl WriteEnd {
    #[track_caller]
    pub(crate) fn new(socket: Socket) -> WriteEnd {
        WriteEnd { socket, wait: StreamWait::new(Want::WRITE) }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.wait.poll(&self.socket, cx, |socket| socket.send(data))
    }

    pub(crate) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wait.poll(&self.socket, cx, |socket| socket.send_vectored(data))
    }

    /// Ends this direction. That both are over already is no error here: who closes politely cannot know.
    pub(crate) fn close(&self) -> io::Result<()> {
        match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            done => done,
        }
    }
}

impl WriteEnd {
    /// As [`close`](WriteEnd::close), for a drop: nothing if its loop is not the current one.
    pub(crate) fn close_quietly(&self) {
        self.socket.shutdown_quietly();
    }
}

impl fmt::Debug for ReadEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

impl fmt::Debug for WriteEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

impl Clone for ReadEnd {
    fn clone(&self) -> ReadEnd {
        ReadEnd { socket: self.socket.clone(), wait: self.wait.anew() }
    }
}

impl Clone for WriteEnd {
    fn clone(&self) -> WriteEnd {
        WriteEnd { socket: self.socket.clone(), wait: self.wait.anew() }
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        self.wait.give_up(&self.socket);
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        self.wait.give_up(&self.socket);
    }
}

// ---- the calls, as futures

#[track_caller]
pub(crate) fn read<'a>(
    socket: &'a Socket,
    buffer: &'a mut [u8],
) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
    call(socket, Want::READ, move |socket| socket.receive(buffer))
}

#[track_caller]
pub(crate) fn peek<'a>(
    socket: &'a Socket,
    buffer: &'a mut [u8],
) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
    call(socket, Want::READ, move |socket| socket.peek(buffer))
}

#[track_caller]
pub(crate) fn read_exact<'a>(
    socket: &'a Socket,
    buffer: &'a mut [u8],
) -> impl Future<Output = Result<()>> + Send + Sync + 'a {
    let mut filled = 0;
    call(socket, Want::READ, move |socket| {
        while filled < buffer.len() {
            match socket.receive(&mut buffer[filled..])? {
                0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "failed to fill whole buffer")),
                count => filled += count,
            }
        }
        Ok(())
    })
}

#[track_caller]
pub(crate) fn read_to_end<'a>(
    socket: &'a Socket,
    buffer: &'a mut Vec<u8>,
) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
    let before = buffer.len();
    call(socket, Want::READ, move |socket| {
        let mut part = [0; 4096];
        loop {
            match socket.receive(&mut part)? {
                0 => return Ok(buffer.len() - before),
                count => buffer.extend_from_slice(&part[..count]),
            }
        }
    })
}

#[track_caller]
pub(crate) fn write<'a>(
    socket: &'a Socket,
    data: &'a [u8],
) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
    call(socket, Want::WRITE, move |socket| socket.send(data))
}

#[track_caller]
pub(crate) fn write_all<'a>(
    socket: &'a Socket,
    data: &'a [u8],
) -> impl Future<Output = Result<()>> + Send + Sync + 'a {
    let mut rest = data;
    call(socket, Want::WRITE, move |socket| {
        while !rest.is_empty() {
            let count = socket.send(rest)?;
            rest = &rest[count..];
        }
        Ok(())
    })
}

/// Connects a socket, and gives it back when the connection is up.
pub(crate) async fn connect(socket: Socket, address: &crate::addr::Address) -> Result<Socket> {
    match socket.connect(address) {
        Err(error) if error.raw_os_error() == Some(Errno::InProgress.number()) => {}
        Err(error) => return Err(Error::from(error)),
        Ok(()) => return Ok(socket),
    }
    super::waiting::ready(&socket, Want::CONNECT).await?;
    match socket.take_error()? {
        Some(error) => Err(Error::from(error)),
        None => Ok(socket),
    }
}
