//! System calls that are waited for: what the tests of the world talk over.

use counterpoint::Result;
use counterpoint::check::Op;
use counterpoint::net::{Address, Family, KernelWait, Line, Socket, SocketType};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;

async fn ready(socket: &Socket, line: Line, op: Op) -> Result<()> {
    let mut wait = KernelWait::new(Location::caller());
    let polled = poll_fn(|cx| socket.poll_ready(&mut wait, cx, line, op)).await;
    socket.give_up(&mut wait);
    polled
}

async fn call<R>(socket: &Socket, line: Line, op: Op, mut f: impl FnMut() -> io::Result<R>) -> Result<R> {
    loop {
        match f() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready(socket, line, op).await?,
            done => return Ok(done?),
        }
    }
}

/// A socket that listens on a port of all addresses.
pub fn listen(port: u16) -> Result<Socket> {
    let socket = Socket::new(Family::Inet, SocketType::Stream)?;
    socket.bind(&Address::Inet(SocketAddr::from(([0, 0, 0, 0], port))))?;
    socket.listen(128)?;
    Ok(socket)
}

pub async fn accept(listener: &Socket) -> Result<Socket> {
    Ok(call(listener, Line::Read, Op::Accept, || listener.accept()).await?.0)
}

pub async fn connect(to: SocketAddr) -> Result<Socket> {
    let socket = Socket::new(Family::Inet, SocketType::Stream)?;
    let begun = socket.connect(&Address::Inet(to)).expect_err("TCP takes its time");
    if begun.raw_os_error() != Some(115) {
        return Err(begun.into());
    }
    ready(&socket, Line::Write, Op::Connect).await?;
    match socket.take_error()? {
        Some(error) => Err(error.into()),
        None => Ok(socket),
    }
}

pub async fn write(socket: &Socket, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let taken = call(socket, Line::Write, Op::Write, || socket.send(data)).await?;
        data = &data[taken..];
    }
    Ok(())
}

pub async fn read(socket: &Socket) -> Result<Vec<u8>> {
    let mut buffer = [0; 1024];
    let count = call(socket, Line::Read, Op::Read, || socket.receive(&mut buffer)).await?;
    Ok(buffer[..count].to_vec())
}

pub async fn read_exactly(socket: &Socket, length: usize) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < length {
        let part = read(socket).await?;
        if part.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        all.extend(part);
    }
    Ok(all)
}
