//! Transports: sockets that speak to protocols (`_SelectorTransport` and its two children).
//!
//! ```text
//!   reading ◄──resume/pause──► paused          (close and abort end both)
//!      │ close: the buffer is flushed first        │ abort, or an error: the buffer is dropped
//!      ▼                                           ▼
//!   closing ──buffer empty──► connection_lost, one tick later ──► gone: the socket is closed
//! ```
//!
//! A transport is a handle on a state that the loop owns. It stays alive, whoever drops it, for as long as its socket
//! can be read. `connection_lost` comes through `call_soon`, except when the buffer runs empty after a close: then it is
//! called in the write event itself, as in CPython.

mod channel;
mod datagram;
mod reading;
mod stream;
mod writing;

pub use datagram::DatagramTransport;
pub use stream::Transport;

pub(crate) use stream::NewTransport;

/// `constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES`.
const LOG_THRESHOLD_FOR_LOST_WRITES: u32 = 5;

/// How many bytes a transport reads at once (`_SelectorTransport.max_size`).
const MAX_SIZE: usize = 256 * 1024;
