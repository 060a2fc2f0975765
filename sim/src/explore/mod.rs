//! Many runs of one simulation, and one run many times.
//!
//! [`hunt`] tries run after run until one fails, and shrinks what it finds to a sentence and a [`Token`]; [`prove`]
//! tries all orders there are; [`replay_token`] brings a failure back, also in a program that was edited, and [`replay`]
//! follows a recording step by step. Which orders are legal is the [`Profile`], how they are sampled the [`Strategy`].
//! [`Regressions`] is a file of tokens.

pub(crate) mod coverage;
pub(crate) mod covered;
pub(crate) mod finding;
mod hunt;
pub(crate) mod learning;
pub(crate) mod portfolio;
mod prove;
mod regressions;
mod replay;
pub(crate) mod runs;
mod shard;
pub(crate) mod shrinking;
mod stopwatch;
pub(crate) mod tally;
mod token_replay;

pub use crate::token::{Token, TokenError};
pub use counterpoint_runtime::{Profile, Strategy};
pub use covered::{Covered, Gap, Yield};
pub use finding::{Confirmation, Finding};
pub use hunt::{Hunt, Hunted, Progress, hunt};
pub use portfolio::Sampling;
pub use prove::{Conclusion, Disproof, Holds, Prove, Proved, Reduction, Unprovable, prove};
pub use regressions::{Regression, Regressions};
pub use replay::{Replayed, Verdict, replay};
pub use shard::Shard;
pub use shrinking::{OtherFailure, Shrunk};
pub use token_replay::{Matched, TokenReplayed, TokenVerdict, replay_token};
