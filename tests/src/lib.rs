//! What crosses Counterpoint's crates.
//!
//! [`difftest`] runs small programs that CPython's asyncio runs too, for the conformance test and the
//! command of the same name.

#[cfg(doctest)]
mod book;
pub mod difftest;
mod difftest_net;
