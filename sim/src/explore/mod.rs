//! Many runs of one simulation, and one run many times.
//!
//! [`hunt`] tries run after run until one fails; [`replay`] follows the recording of one. Which orders are legal is
//! the [`Profile`], how they are sampled the [`Strategy`].

mod finding;
mod hunt;
mod replay;

pub use counterpoint_runtime::{Profile, Strategy};
pub use finding::{Confirmation, Finding};
pub use hunt::{Hunt, Hunted, hunt};
pub use replay::{Replayed, Verdict, replay};
