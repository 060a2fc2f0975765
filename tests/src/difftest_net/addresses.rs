//! Where the sockets of a program are: on one machine, known by small numbers.

use std::net::{Ipv4Addr, SocketAddr};

use asyncio::net::Address;
use counterpoint as asyncio;

/// Ports from here on were not chosen by the program.
const EPHEMERAL_FIRST: u16 = 30_000;

/// The host of every connection whose program names none.
pub(super) const HOST: &str = "127.0.0.1";

pub(super) fn address(port: u16) -> Address {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()
}

/// The path of a Unix socket, in the abstract name space.
pub(super) fn path(name: &str) -> String {
    format!("\0cp{name}")
}

/// A port as a trace prints it.
pub(super) fn port(address: &Address) -> String {
    match address.inet().map(|address| address.port()) {
        Some(EPHEMERAL_FIRST..) => "eph".to_owned(),
        Some(port) => port.to_string(),
        None => "unix".to_owned(),
    }
}

/// The port of an address that there may be none of.
pub(super) fn port_or_none(address: Option<Address>) -> String {
    address.map_or_else(|| "None".to_owned(), |address| port(&address))
}
