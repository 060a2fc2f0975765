//! A connected socket: every address of a host in turn, until one answers.

use super::{ensure_stream, staggered};
use crate::addr::{Address, Family, SocketType};
use crate::errors::{io_error, os_error, os_error_with, plain_os_error, value_error};
use crate::resolver::{ensure_resolved, not_empty};
use crate::running;
use crate::sock_calls::sock_connect;
use crate::socket::Socket;
use counterpoint_runtime::{Error, Result};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Where a connection goes, with `create_connection`'s keyword arguments.
#[derive(Clone, Default)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// A socket that is connected already, in place of host and port.
    pub(crate) socket: Option<Socket>,
    pub(crate) family: Option<Family>,
    pub(crate) local: Option<(String, u16)>,
    pub(crate) happy_eyeballs_delay: Option<Duration>,
    pub(crate) interleave: Option<usize>,
    pub(crate) all_errors: bool,
}

impl Target {
    pub(crate) fn to(host: impl Into<String>, port: u16) -> Target {
        Target { host: host.into(), port, ..Target::default() }
    }

    pub(crate) fn over(socket: Socket) -> Target {
        Target { socket: Some(socket), ..Target::default() }
    }

    /// The socket, connected.
    pub(crate) async fn connect(self) -> Result<Socket> {
        if let Some(socket) = self.socket {
            ensure_stream(&socket)?;
            return Ok(socket);
        }
        let addresses = not_empty(ensure_resolved(Some(self.host.clone()), self.port, self.family).await?)?;
        let local = match &self.local {
            None => None,
            Some((host, port)) => {
                Some(not_empty(ensure_resolved(Some(host.clone()), *port, self.family).await?)?)
            }
        };
        let interleave = self.interleave.or(self.happy_eyeballs_delay.map(|_| 1));
        let addresses = match interleave {
            Some(first) if first != 0 => interleave_by_family(addresses, first),
            _ => addresses,
        };
        if let Some(delay) = self.happy_eyeballs_delay {
            let won = staggered::race(addresses, local, delay).await?;
            return won.map_err(|errors| failed(errors, self.all_errors));
        }
        let mut errors = Vec::new();
        for address in addresses {
            let mut own = Vec::new();
            match connect_to(&mut own, address, local.as_deref()).await {
                Ok(socket) => return Ok(socket),
                Err(error) if io_error(&error).is_none() => return Err(error),
                Err(_) => errors.append(&mut own),
            }
        }
        Err(failed(errors, self.all_errors))
    }
}

/// `_connect_sock`: one socket, bound and connected. Its errors are added to `errors`.
pub(super) async fn connect_to(
    errors: &mut Vec<Error>,
    address: SocketAddr,
    local: Option<&[SocketAddr]>,
) -> Result<Socket> {
    let connected = try_to_connect_to(errors, address, local).await;
    if let Err(error) = &connected
        && io_error(error).is_some()
    {
        errors.push(error.clone());
    }
    connected
}

async fn try_to_connect_to(
    errors: &mut Vec<Error>,
    address: SocketAddr,
    local: Option<&[SocketAddr]>,
) -> Result<Socket> {
    let address = Address::Inet(address);
    let family = address.family();
    let socket = Closing::new(Socket::new(family, SocketType::Stream).map_err(os_error)?);
    if let Some(local) = local {
        bind_to_one(errors, &socket, family, local)?;
    }
    sock_connect(running::event_loop()?.number(), Socket::clone(&socket), address).await?;
    Ok(socket.keep())
}

fn bind_to_one(errors: &mut Vec<Error>, socket: &Socket, family: Family, local: &[SocketAddr]) -> Result<()> {
    for local in local.iter().map(|local| Address::Inet(*local)).filter(|local| local.family() == family) {
        match socket.bind(&local) {
            Ok(()) => return Ok(()),
            Err(error) => {
                let text = error.to_string().to_lowercase();
                let message = format!("error while attempting to bind on address {local}: {text}");
                errors.push(os_error_with(error, message));
            }
        }
    }
    Err(errors
        .pop()
        .unwrap_or_else(|| plain_os_error(format!("no matching local address with {family:?} found"))))
}

/// A socket that is closed unless it is kept: also if the coroutine is cancelled or dropped.
pub(super) struct Closing(Option<Socket>);

impl Closing {
    pub(super) fn new(socket: Socket) -> Closing {
        Closing(Some(socket))
    }

    pub(super) fn keep(mut self) -> Socket {
        self.0.take().expect("a socket is kept once")
    }
}

impl std::ops::Deref for Closing {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        self.0.as_ref().expect("a socket that was kept is not used")
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(socket) = &self.0 {
            socket.close();
        }
    }
}

/// The error of a connection that no address took.
fn failed(errors: Vec<Error>, all_errors: bool) -> Error {
    if all_errors {
        return Error::group("create_connection failed", errors);
    }
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    match errors.first() {
        None => value_error("there was no address to connect to"),
        Some(first) if texts.iter().all(|text| *text == texts[0]) => first.clone(),
        Some(_) => plain_os_error(format!("Multiple exceptions: {}", texts.join(", "))),
    }
}

/// `_interleave_addrinfos`: one of each family in turn, after `first - 1` of the first.
fn interleave_by_family(addresses: Vec<SocketAddr>, first: usize) -> Vec<SocketAddr> {
    let Some(leader) = addresses.first().map(SocketAddr::is_ipv4) else { return addresses };
    let (mut leading, mut others): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == leader);
    let mut ordered: Vec<SocketAddr> = leading.drain(..(first - 1).min(leading.len())).collect();
    while !leading.is_empty() || !others.is_empty() {
        ordered.extend(leading.pop_front());
        ordered.extend(others.pop_front());
    }
    ordered
}
