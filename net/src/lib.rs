//! The simulated network (signatures).
#![deny(missing_docs)]
mod addr;
mod socket;
pub use addr::{Address, Family, SocketType, UnixAddress};
pub use socket::{Socket, SocketOption};
