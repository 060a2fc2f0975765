//! What crosses Counterpoint's crates.

#[cfg(doctest)]
mod book;
