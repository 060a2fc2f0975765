//! The network through its public names.

mod handles;
mod readers;
