//! What is known of the order of steps, and what is asked of it. Plain values, which know no loop.
//!
//! A step has a name that survives edits ([`StepName`]) and a *footprint*: the objects that it touched and how
//! ([`Touched`]; which touches may be swapped is a table, [`Touch::conflicts`]). From these follow all others:
//!
//! | value | what |
//! |---|---|
//! | [`Seen`] | the steps of one loop in one run, with what else was ready at each |
//! | [`Lessons`] | what earlier runs teach a strategy: lengths, footprints, conflicts |
//! | [`Constraints`] | holds and bursts on top of the ordinary order |
//! | [`Prefix`] | the first steps of a run by name, and what must not run next: for exhaustive search |
//! | [`Behaviour`] | a fingerprint that is equal for equivalent orders, and the conflicts in the order seen |

mod behaviour;
mod constraints;
mod footprint;
mod footprints;
mod lessons;
mod numbers;
mod prefix;
mod seen;
mod step_name;

pub use behaviour::{Behaviour, SitePair};
pub use constraints::{Burst, Constraints, Heeded, Hold, StepPattern};
pub use footprint::{Touch, Touched, conflict};
pub(crate) use lessons::SharedLessons;
pub use lessons::{Lessons, LoopLessons};
pub use prefix::{Prefix, Sleeper};
pub use seen::{Seen, SeenStep};
pub use step_name::StepName;

use std::sync::Arc;

/// What a loop follows instead of a strategy.
#[derive(Clone, Debug)]
pub enum Directed {
    /// The ordinary order, but for these constraints.
    Constraints(Arc<Constraints>),
    /// These steps first, then the oldest that does not sleep.
    Prefix(Arc<Prefix>),
}
