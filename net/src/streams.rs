//! Streams: a connection as something to await, made of a transport and a protocol.
//!
//! ```text
//!   StreamReader ◄─feed_data─ StreamReaderProtocol ◄─data_received─ Transport
//!   StreamWriter ─────────────────────write, close────────────────►
//! ```
//!
//! The reader has a buffer with a limit: over twice the limit reading pauses, at the limit it resumes. The writer has no
//! buffer of its own; `drain` waits while the transport says that its buffer is too full.
//!
//! As in CPython, a writer whose last handle goes closes its connection, and a reader that nobody holds is fed no more.

mod opening;
mod protocol;
mod reader;
mod serving;
mod stream_waits;
mod until;
mod writer;

pub use opening::{
    OpenConnection, OpenUnixConnection, open_connection, open_connection_from, open_unix_connection,
    open_unix_connection_from,
};
pub use protocol::StreamReaderProtocol;
pub use reader::StreamReader;
pub use serving::{
    ClientConnected, StartServer, StartUnixServer, start_server, start_server_from, start_unix_server,
    start_unix_server_from,
};
pub use writer::StreamWriter;

/// `streams._DEFAULT_LIMIT`, in bytes.
const DEFAULT_LIMIT: usize = 64 * 1024;
