//! The simulated network: hosts' stacks, links, TCP, UDP, Unix sockets, DNS, TLS, and the streams, transports
//! and protocols that programs see.
//!
//! It sits below the event loops and above nothing: packets are events of the kernel's own queue and cost a loop
//! no tick; what a loop sees is readiness at the start of a tick. The crate imports `counterpoint-runtime` for its
//! errors, its choices and its futures, and knows nothing of hunts, plans or reports. A module names its own layer
//! and those below (`tests/tidy/layers.rs` reads this table):
//!
//! | layer | modules | what |
//! |---|---|---|
//! | 0 words | `addr`, `errno`, `options` | addresses, what a call on a socket can say, what can be set on one |
//! | 1 parts | [`tcp`], `link`, `packet`, `queue` | state machines without I/O, fed segments and time; what a link makes of a packet |
//! | 2 a host's half | `table`, `stack`, `dns` | sockets, ports, names |
//! | 3 the network | `network` | all stacks and links, with their own queue of events; the system calls |
//! | 4 below a loop | `registry`, `loopback`, `socket` | how a program's calls find their network |
//! | 5 faces | `faces` | what programs of Rust know: `TcpStream`, `UdpSocket`, `UnixListener` |
#![deny(missing_docs)]

mod addr;
mod dns;
mod errno;
mod faces;
mod link;
mod loopback;
mod network;
mod options;
mod packet;
mod queue;
mod registry;
mod socket;
mod stack;
mod table;
pub mod tcp;

pub use addr::{Address, Family, SocketType, UnixAddress};
pub use counterpoint_runtime::choices::Ratio;
pub use dns::{ResolveError, ResolveErrorKind};
pub use errno::Errno;
pub use faces::{
    Incoming, OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, Target, TcpListener, TcpSocket,
    TcpStream, ToAddresses, UdpSocket, UnixDatagram, UnixListener, UnixStream, WriteHalf, lookup_host,
};
pub use link::{Latency, Link, Preset};
pub use loopback::Loopback;
pub use network::{Network, Side, StackSettings};
pub use options::SocketOption;
pub use registry::{NetworkHandle, unlink_unix_socket};
pub use socket::Socket;

/// hyper on this loop: its timer and executor. The streams are hyper's `Read` and `Write` themselves.
#[cfg(feature = "hyper")]
pub mod hyper {
    pub use crate::faces::for_hyper::{Executor, Timer};
}
