//! The network through its public names.

mod handles;
mod stream_reader;
