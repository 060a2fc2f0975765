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
//! | 0 words | `addr`, `errno`, `errors` | addresses, what a call on a socket can say |
//! | 1 parts | [`tcp`], `link`, `options`, `queue` | state machines without I/O, fed segments and time; what a link makes of a packet |
//! | 2 a host's half | `table`, `packet`, `stack`, `dns` | sockets, what goes between them, ports, names |
//! | 3 the network | `network` | all stacks and links, with their own queue of events; the system calls |
//! | 4 below a loop: one knot | `registry`, `loopback`, `socket` | how a program's calls find their network |
//! | 5 faces | `faces` | what programs of Rust know: `TcpStream`, `UdpSocket`, `UnixListener` |
//! | 5 between sockets and faces | `readers`, `running`, `scratch`, `sock_calls` | callbacks on sockets, calls that wait |
//! | 6 what speaks to protocols: one knot | `protocols`, `servers`, `transports` | they hold each other, as in asyncio |
//! | 7 asyncio's library | `connections`, `event_loop_ext`, `resolver`, `streams` | how they come to be, and what is awaited |
//! | 8 on top | `tls` | what lies over a stream |
//!
//! To understand asyncio's side begin with `transports` (a socket that speaks to a protocol), then `connections` (how one
//! comes to be) and `streams` (the same, to be awaited).
#![deny(missing_docs)]

mod addr;
mod connections;
mod dns;
mod errno;
mod errors;
mod event_loop_ext;
mod faces;
mod link;
mod loopback;
mod network;
mod options;
mod packet;
mod protocols;
mod queue;
mod readers;
mod registry;
mod resolver;
mod running;
mod scratch;
mod servers;
mod sock_calls;
mod socket;
mod stack;
mod streams;
mod table;
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
mod transports;

pub use addr::{Address, Family, SocketType, UnixAddress};
pub use bytes::Bytes;
pub use connections::{
    Coroutine, CreateConnection, CreateDatagramEndpoint, CreateServer, CreateUnixConnection,
    CreateUnixServer, Hosts, SendCoroutine,
};
pub use counterpoint_runtime::choices::Ratio;
pub use counterpoint_runtime::kernel::{KernelWait, Line};
pub use dns::{ResolveError, ResolveErrorKind};
pub use errno::Errno;
pub use errors::{IncompleteReadError, LimitOverrunError};
pub use event_loop_ext::EventLoopExt;
pub use faces::{
    Incoming, OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, Target, TcpListener, TcpSocket,
    TcpStream, ToAddresses, UdpSocket, UnixDatagram, UnixListener, UnixStream, WriteHalf, lookup_host,
};
pub use link::{Latency, Link, Preset};
pub use loopback::Loopback;
pub use network::{Network, Side, StackSettings};
pub use options::SocketOption;
pub use protocols::{BufferedProtocol, DatagramProtocol, FlowControl, IntoProtocol, Protocol};
pub use registry::{NetworkHandle, unlink_unix_socket};
pub use resolver::GetAddrInfo;
pub use servers::{Server, ServerWaitClosed};
pub use socket::Socket;
pub use streams::{
    ClientConnected, OpenConnection, OpenUnixConnection, StartServer, StartUnixServer, StreamReader,
    StreamReaderProtocol, StreamWriter, open_connection, open_connection_from, open_unix_connection,
    open_unix_connection_from, start_server, start_server_from, start_unix_server, start_unix_server_from,
};
pub use transports::{DatagramTransport, Transport};

/// hyper on this loop: its timer and executor. The streams are hyper's `Read` and `Write` themselves.
#[cfg(feature = "hyper")]
pub mod hyper {
    pub use crate::faces::for_hyper::{Executor, Timer};
}
