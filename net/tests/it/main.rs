//! The network's tests through its public interface: one binary, a module for each area.

mod contract;
mod errno;
mod faces;
mod orders;
mod rust_faces;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
