//! Every order of the steps, one after the other: for programs whose footprints are not all known.
//!
//! Two runs differ in at least one place by which of the ready entries was picked. Nothing is assumed of what steps
//! touch.

use super::search::{Ended, Found, Search};
use counterpoint_runtime::schedule::{Prefix, Seen, StepName};

/// The search.
#[derive(Debug, Default)]
pub(super) struct DepthFirst {
    /// By step of the run that was made last: which one it was, and what was not tried there yet.
    path: Vec<(StepName, Vec<StepName>)>,
    begun: bool,
}

impl Search for DepthFirst {
    fn next(&mut self) -> Option<Prefix> {
        while let Some((step, left)) = self.path.last_mut() {
            if !left.is_empty() {
                *step = left.remove(0);
                break;
            }
            self.path.pop();
        }
        if self.path.is_empty() && self.begun {
            return None;
        }
        self.begun = true;
        let steps = self.path.iter().map(|(step, _)| *step).collect();
        Some(Prefix { steps, ..Prefix::default() })
    }

    fn learn(&mut self, seen: &Seen, _: Ended) -> Found {
        let steps = seen.steps();
        let kept = self.path.iter().zip(steps).take_while(|(ours, step)| ours.0 == step.name).count();
        if kept < self.path.len() {
            return Found::Strayed(kept);
        }
        self.path.extend(steps[kept..].iter().map(|step| (step.name, seen.others(step).to_vec())));
        Found::Run
    }
}
