//! Scenarios: classic concurrency bugs with their fixes.
//!
//! [`all`] is the list that the `counterpoint` binary offers.

#![deny(missing_docs)]

pub mod bugs;

use counterpoint::cli::Scenario;

/// Every scenario, in the order in which the command line lists them: from the simplest on.
pub fn all() -> Vec<Scenario> {
    vec![bugs::lost_update::scenario()]
}
