//! Calls on plain sockets that wait (`loop.sock_recv` and its like).
//!
//! Each tries at once. If it would have to wait, a callback on the socket tries again in every tick in which the socket
//! is ready, and completes a future; the future's done callback takes the socket's callback away, be it done or
//! cancelled. So the caller goes on one tick after the tick of readiness.

use crate::addr::Address;
use crate::errors::{must_wait, os_error, os_error_with, runtime_error};
use crate::readers;
use crate::running;
use crate::scratch::with_scratch;
use crate::socket::Socket;
use bytes::Bytes;
use counterpoint_runtime::kernel::{self, GiveWay, Line};
use counterpoint_runtime::{Future, Handle, Result};
use std::cell::Cell;
use std::io;
use std::panic::Location;

/// Which callback of a socket a call waits with.
#[derive(Clone, Copy)]
enum Way {
    Read,
    Write,
}

/// Waits until `attempt` does not have to wait any more.
async fn wait_for<T: Clone + 'static>(
    event_loop: u64,
    socket: &Socket,
    way: Way,
    mut attempt: impl FnMut(&Socket) -> Option<Result<T>> + 'static,
) -> Result<T> {
    let waiting = begin_wait(event_loop, socket, way, move |future, socket| {
        if future.done() {
            return Ok(());
        }
        match attempt(socket) {
            None => Ok(()),
            Some(Ok(value)) => future.set_result(value),
            Some(Err(error)) => future.set_exception(error),
        }
    })?;
    (&waiting.future).await
}

fn begin_wait<T: 'static>(
    event_loop: u64,
    socket: &Socket,
    way: Way,
    mut callback: impl FnMut(&Future<T>, &Socket) -> Result<()> + 'static,
) -> Result<Waiting<T>> {
    let event_loop =
        running::numbered(event_loop).ok_or_else(|| runtime_error("the event loop is closed"))?;
    let future = event_loop.create_future::<T>();
    readers::ensure_no_transport(&event_loop, socket)?;
    let run = {
        let (future, socket) = (future.clone(), socket.clone());
        move || callback(&future, &socket)
    };
    let handle: Handle = match way {
        Way::Read => readers::put_reader(&event_loop, socket, run),
        Way::Write => readers::put_writer(&event_loop, socket, run),
    };
    let event_loop = event_loop.number();
    let (at, own) = (socket.clone(), handle.clone());
    future.add_done_callback(move |_| end_wait(event_loop, &at, way, &own));
    Ok(Waiting { future, socket: socket.clone(), way, handle, event_loop })
}

/// `_sock_read_done`, `_sock_write_done`.
fn end_wait(event_loop: u64, socket: &Socket, way: Way, handle: &Handle) -> Result<()> {
    if handle.cancelled() {
        return Ok(()); // another one took its place
    }
    if let Some(event_loop) = running::numbered(event_loop) {
        readers::ensure_no_transport(&event_loop, socket)?;
    }
    let_go(socket, way, handle);
    Ok(())
}

fn let_go(socket: &Socket, way: Way, handle: &Handle) {
    match way {
        Way::Read => readers::drop_reader(socket),
        Way::Write => readers::drop_writer(socket),
    };
    handle.cancel(); // a closed socket has let it go already
}

/// A future that is cancelled with the call that waits for it, so that the socket's callback goes, too.
///
/// Where tasks may run before callbacks that were ready earlier, the caller goes on before the done callback has taken
/// the socket's callback away: then it does so itself.
struct Waiting<T: 'static> {
    future: Future<T>,
    socket: Socket,
    way: Way,
    handle: Handle,
    event_loop: u64,
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        let Some(event_loop) = running::numbered(self.event_loop) else { return };
        event_loop.enter(|| {
            if !self.future.done() {
                self.future.cancel();
            } else if !self.handle.cancelled() {
                let_go(&self.socket, self.way, &self.handle);
            }
        }); // another loop may be the current one
    }
}

/// A system call, as something that may have to wait.
fn attempted<T>(result: io::Result<T>) -> Option<Result<T>> {
    match result {
        Ok(value) => Some(Ok(value)),
        Err(error) if must_wait(&error) => None,
        Err(error) => Some(Err(os_error(error))),
    }
}

/// Under `every-await`: gives way before a call that would not wait.
async fn give_way(socket: &Socket, way: Way) -> Result<()> {
    let line = match way {
        Way::Read => Line::Read,
        Way::Write => Line::Write,
    };
    if kernel::is_every_await() && socket.is_ready(line) {
        GiveWay::at(Location::caller()).await?;
    }
    Ok(())
}

/// Tries at once, then waits for the socket.
async fn try_then_wait<T: Clone + 'static>(
    event_loop: u64,
    socket: &Socket,
    way: Way,
    mut attempt: impl FnMut(&Socket) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    give_way(socket, way).await?;
    match attempted(attempt(socket)) {
        Some(result) => result,
        None => wait_for(event_loop, socket, way, move |socket| attempted(attempt(socket))).await,
    }
}

fn receive(socket: &Socket, count: usize) -> io::Result<Bytes> {
    with_scratch(count, |buffer| {
        let count = socket.receive(buffer)?;
        Ok(Bytes::copy_from_slice(&buffer[..count]))
    })
}

pub(crate) async fn sock_recv(event_loop: u64, socket: Socket, count: usize) -> Result<Bytes> {
    try_then_wait(event_loop, &socket, Way::Read, move |socket| receive(socket, count)).await
}

pub(crate) async fn sock_recvfrom(event_loop: u64, socket: Socket, count: usize) -> Result<(Bytes, Address)> {
    let receive_from = move |socket: &Socket| {
        with_scratch(count, |buffer| {
            let (count, source) = socket.receive_from(buffer)?;
            Ok((Bytes::copy_from_slice(&buffer[..count]), source))
        })
    };
    try_then_wait(event_loop, &socket, Way::Read, receive_from).await
}

pub(crate) async fn sock_sendall(event_loop: u64, socket: Socket, data: Bytes) -> Result<()> {
    give_way(&socket, Way::Write).await?;
    let mut sent = match attempted(socket.send(&data)) {
        Some(result) => result?,
        None => 0,
    };
    if sent == data.len() {
        return Ok(());
    }
    wait_for(event_loop, &socket, Way::Write, move |socket| match attempted(socket.send(&data[sent..]))? {
        Ok(count) => {
            sent += count;
            (sent == data.len()).then_some(Ok(()))
        }
        Err(error) => Some(Err(error)),
    })
    .await
}

pub(crate) async fn sock_sendto(
    event_loop: u64,
    socket: Socket,
    data: Bytes,
    address: Address,
) -> Result<usize> {
    let send_to = move |socket: &Socket| socket.send_to(&data, &address);
    try_then_wait(event_loop, &socket, Way::Write, send_to).await
}

pub(crate) async fn sock_connect(event_loop: u64, socket: Socket, address: Address) -> Result<()> {
    if let Some(result) = attempted(socket.connect(&address)) {
        return result;
    }
    // `_sock_connect_cb`
    wait_for(event_loop, &socket, Way::Write, move |socket| {
        Some(match socket.take_error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) => {
                let message = format!("Connect call failed {address}: {error}");
                Err(os_error_with(error, message))
            }
            Err(error) => Err(os_error(error)),
        })
    })
    .await
}

pub(crate) async fn sock_accept(event_loop: u64, socket: Socket) -> Result<(Socket, Address)> {
    give_way(&socket, Way::Read).await?;
    if let Some(result) = attempted(socket.accept()) {
        return result;
    }
    // One that is accepted although the call was cancelled in this very tick: CPython does not look whether anybody
    // waits. It is closed with this callback.
    let late = Cell::new(None);
    let waiting = begin_wait(event_loop, &socket, Way::Read, move |future, socket| {
        let accepted = match attempted(socket.accept()) {
            None => return Ok(()),
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => return future.set_exception(error),
        };
        if future.done() {
            late.set(Some(accepted.0.clone()));
        }
        future.set_result(accepted)
    })?;
    (&waiting.future).await
}
