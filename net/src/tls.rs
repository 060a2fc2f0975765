//! TLS over the simulated network: rustls, its randomness from the run and its time from the virtual clock.
//!
//! A [`TlsStream`] lies over any stream with the traits of `futures_io`, ours first. The protocol itself is a machine without
//! I/O ([`TlsSession`]); `connector` has who begins and who answers, `stream` what reads and writes, `error` what went
//! wrong in words, `clock` the time that certificates are judged by.
//!
//! Within a `Simulation` a handshake is the same bytes for the same seed: there `ring` asks the run for its random numbers.
//! Elsewhere it asks the system, and only the times are virtual.

mod clock;
mod connector;
mod error;
mod session;
mod stream;

pub use clock::VirtualClock;
pub use connector::{TlsAcceptor, TlsConnector};
pub use error::TlsError;
pub use rustls;
pub use session::TlsSession;
pub use stream::TlsStream;
