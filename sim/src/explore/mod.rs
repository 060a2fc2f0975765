//! Many runs of one simulation, and one run many times.
//!
//! [`hunt`] tries run after run until one fails; [`replay`] follows the recording of one. Which orders are legal is
//! the [`Profile`], how they are sampled the [`Strategy`].

pub(crate) mod coverage;
pub(crate) mod covered;
pub(crate) mod finding;
mod hunt;
mod learning;
pub(crate) mod portfolio;
mod replay;
pub(crate) mod runs;
mod shard;
mod stopwatch;
pub(crate) mod tally;

pub use counterpoint_runtime::{Profile, Strategy};
pub use covered::{Covered, Gap, Yield};
pub use finding::{Confirmation, Finding};
pub use hunt::{Hunt, Hunted, Progress, hunt};
pub use portfolio::Sampling;
pub use replay::{Replayed, Verdict, replay};
pub use shard::Shard;
