//! The simulated network: hosts' stacks, links, TCP, UDP, Unix sockets, DNS, TLS, and the streams, transports
//! and protocols that programs see.
//!
//! It sits below the event loops and above nothing: packets are events of the kernel's own queue and cost a loop
//! no tick; what a loop sees is readiness at the start of a tick. The crate imports `counterpoint-runtime` for its
//! errors, its choices and its futures, and knows nothing of hunts, plans or reports. A module names its own layer
//! and those below:
//!
//! | layer | modules | what |
//! |---|---|---|
//! | 0 words | `errno` | what a call on a socket can say |
//! | 1 parts | [`tcp`] | state machines without I/O, fed segments and time |
#![deny(missing_docs)]

mod errno;
pub mod tcp;

pub use errno::Errno;
