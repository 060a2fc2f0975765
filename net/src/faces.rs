//! Rust's faces of the network: what a program of tokio or of `std` knows as `TcpStream`, `UdpSocket`, `UnixListener`.
//!
//! Names and meanings are theirs; every await yields the library's [`Result`](counterpoint_runtime::Result), with an
//! `std::io::Error` inside that has the kind and the errno of a real socket, and returns `Cancelled` when the task is
//! cancelled. All are handles: `Send`, `Sync`, cheap to clone. What waits is in [`waiting`]; what reads and writes a stream
//! in [`ends`]; the types are their names.

mod datagrams;
mod ends;
#[cfg(feature = "hyper")]
pub(crate) mod for_hyper;
mod methods;
mod split;
mod tcp_listener;
mod tcp_socket;
mod tcp_stream;
mod to_addresses;
mod udp_socket;
mod unix_datagram;
mod unix_listener;
mod unix_stream;
mod waiting;

pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
pub use to_addresses::{Target, ToAddresses, lookup_host};
pub use udp_socket::UdpSocket;
pub use unix_datagram::UnixDatagram;
pub use unix_listener::UnixListener;
pub use unix_stream::UnixStream;

use crate::addr::{Address, UnixAddress};
use std::io;
use std::net::SocketAddr;

/// The address of a socket that has no other kind.
fn inet(address: io::Result<Address>) -> io::Result<SocketAddr> {
    address?.inet().ok_or_else(|| io::Error::other("the address of a Unix socket"))
}

/// As [`inet`], of a Unix socket.
fn unix(address: io::Result<Address>) -> io::Result<UnixAddress> {
    match address? {
        Address::Unix(name) => Ok(name),
        Address::Inet(_) => Err(io::Error::other("the address of no Unix socket")),
    }
}
