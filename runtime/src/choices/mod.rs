//! All nondeterminism of a run goes through here.
//!
//! A *choice* is one draw; **0 is always the ordinary outcome**, so a run whose choices are all 0 is the ordinary run,
//! and what is not 0 is a deviation. Two forms:
//!
//! - [`Stream`], for what has an order of its own: a loop's schedule, and a task's own random numbers. ChaCha8, one
//!   key from the seed, a stream number for each purpose: one more draw in one stream moves nothing in another.
//! - Keyed draws ([`Draws`]), for what has no order of its own (the simulated kernel, faults): the key names the thing,
//!   so that one packet more or less moves no other draw.
//!
//! Words are drawn with [`Stream::below`], ours, because what `rand`'s ranges make of a word may change between its
//! versions; a seed's behaviour may not. [`recording`] keeps the choices of one run in a file.

mod block;
mod keyed;
mod ratio;
pub mod recording;
mod stream;

pub use keyed::{Drawn, Draws, Kind};
pub use ratio::Ratio;
pub use stream::{Purpose, Stream};
