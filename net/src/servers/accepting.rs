//! How a server takes connections: in each read event up to `backlog` of them, and a task for each.

use super::Server;
use crate::addr::Address;
use crate::errors::os_error;
use crate::protocols::HeldProtocol;
use crate::readers;
use crate::running;
use crate::socket::Socket;
use crate::transports::NewTransport;
use counterpoint_runtime::{ErrorContext, Future, Result, create_task};
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// What makes the protocol of each connection.
pub(crate) type Factory = Rc<dyn Fn() -> Rc<HeldProtocol>>;

/// `constants.ACCEPT_RETRY_DELAY`.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// EMFILE, ENFILE, ENOBUFS, ENOMEM of Linux: no descriptor or memory is left.
const OUT_OF_RESOURCES: [i32; 4] = [24, 23, 105, 12];

impl Server {
    /// `BaseSelectorEventLoop._start_serving`.
    pub(super) fn start_accepting(&self, socket: &Socket) {
        let Some(event_loop) = running::numbered(self.state.event_loop()) else { return };
        let (server, listening) = (self.clone(), socket.clone());
        readers::put_reader(&event_loop, socket, move || server.accept_from(&listening));
    }

    /// `_accept_connection`.
    fn accept_from(&self, socket: &Socket) -> Result<()> {
        let Some(state) = self.state() else { return Ok(()) };
        for _ in 0..state.backlog {
            match socket.accept() {
                Ok((connection, peer)) => {
                    let server = self.clone();
                    create_task(async move { server.take_in(connection, peer).await });
                }
                Err(error) if ends_the_event(&error) => return Ok(()),
                Err(error) if error.raw_os_error().is_some_and(|errno| OUT_OF_RESOURCES.contains(&errno)) => {
                    self.retry_later(socket, error);
                }
                Err(error) => return Err(os_error(error)),
            }
        }
        Ok(())
    }

    fn retry_later(&self, socket: &Socket, error: io::Error) {
        let Some(event_loop) = running::numbered(self.state.event_loop()) else { return };
        let context = ErrorContext::new("socket.accept() out of system resource");
        event_loop.call_exception_handler(&context.with_exception(os_error(error)));
        readers::drop_reader(socket);
        let (server, socket) = (self.clone(), socket.clone());
        event_loop.call_later(ACCEPT_RETRY_DELAY, move || {
            if !socket.is_closed() {
                server.start_accepting(&socket);
            }
        });
    }

    /// `_accept_connection2`: whatever goes wrong is told in debug mode alone.
    async fn take_in(&self, connection: Socket, peer: Address) -> Result<()> {
        let Err(error) = self.try_to_take_in(connection, peer).await else { return Ok(()) };
        let event_loop = running::event_loop()?;
        if event_loop.debug() {
            let context = ErrorContext::new("Error on transport creation for incoming connection");
            event_loop.call_exception_handler(&context.with_exception(error));
        }
        Ok(())
    }

    async fn try_to_take_in(&self, connection: Socket, peer: Address) -> Result<()> {
        let waiter = Future::new();
        let transport = {
            let Some(state) = self.state() else { return Ok(()) };
            let new = NewTransport {
                socket: connection,
                protocol: (state.factory)(),
                waiter: waiter.clone(),
                peername: Some(peer),
                server: Some(self.clone()),
            };
            new.build()?
        };
        let connected = waiter.await;
        if connected.is_err() {
            transport.close();
        }
        connected
    }
}

/// The queue is empty, or the peer has gone.
fn ends_the_event(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}
