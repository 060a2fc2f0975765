//! The simulated network of Counterpoint: hosts' stacks and links, sockets on them, and asyncio's faces of it.
//!
//! Users take this through the crate `counterpoint`. Six layers; a module names its own layer and those below:
//!
//! | layer | modules | what |
//! |---|---|---|
//! | 0 words | `addr`, `errors` | addresses, what can go wrong |
//! | 1 machines | | know no loop |
//! | 2 stacks | | what a host makes of packets |
//! | 3 the network | `dns` | what is between hosts |
//! | 4 sockets | `socket` | system calls that do not wait |
//! | 5 faces | `connections`, `event_loop`, `event_loop_ext`, `protocols`, `readers`, `resolver`, `scratch`, `servers`, `sock_calls`, `streams`, `transports` | asyncio's library on top |
//!
//! The table is read by the tests: `tests/tidy/layers.rs` holds every module to it.
//!
//! To understand the faces begin with `transports` (a socket that speaks to a protocol), then `connections` (how one
//! comes to be) and `streams` (the same, to be awaited).
#![deny(missing_docs)]

mod addr;
mod connections;
mod dns;
mod errors;
mod running;
mod event_loop_ext;
mod protocols;
mod readers;
mod resolver;
mod scratch;
mod servers;
mod sock_calls;
mod socket;
mod streams;
mod transports;

pub use addr::{Address, Family, SocketType, UnixAddress};
pub use connections::{
    Coroutine, CreateConnection, CreateDatagramEndpoint, CreateServer, CreateUnixConnection,
    CreateUnixServer, Hosts, SendCoroutine,
};
pub use errors::{GetAddrInfoError, IncompleteReadError, LimitOverrunError};
pub use event_loop_ext::EventLoopExt;
pub use protocols::{BufferedProtocol, DatagramProtocol, FlowControl, IntoProtocol, Protocol};
pub use resolver::GetAddrInfo;
pub use servers::{Server, ServerWaitClosed};
pub use socket::{Socket, SocketOption};
pub use streams::{
    ClientConnected, OpenConnection, OpenUnixConnection, StartServer, StartUnixServer, StreamReader,
    StreamReaderProtocol, StreamWriter, open_connection, open_connection_from, open_unix_connection,
    open_unix_connection_from, start_server, start_server_from, start_unix_server, start_unix_server_from,
};
pub use transports::{DatagramTransport, Transport};
