//! Follows a prefix: the steps that exhaustive search names, then the oldest that does not sleep.
//!
//! It draws nothing. A step that is named and not ready ends the prefix: the program is not the one that the search
//! saw, or the search guessed; it compares what ran with what it named. What sleeps is woken by a step that conflicts
//! with it. Once everything that is ready sleeps the run only repeats another one.

use super::{Order, Pending};
use crate::choices::Stream;
use crate::schedule::{Prefix, Sleeper, StepName, Touched, conflict};

pub(super) struct Exhaustive {
    prefix: Prefix,
    /// Oldest first.
    ready: Vec<(u32, StepName)>,
    /// How many steps of the prefix were picked; all of them once one was missing.
    followed: usize,
    /// How many steps have run.
    ran: usize,
    sleepers: Vec<Sleeper>,
    redundant: bool,
}

impl Exhaustive {
    pub(super) fn new(prefix: &Prefix) -> Exhaustive {
        Exhaustive {
            prefix: prefix.clone(),
            ready: Vec::new(),
            followed: 0,
            ran: 0,
            sleepers: prefix.sleepers.clone(),
            redundant: false,
        }
    }

    /// The step that the prefix names next, if it is ready.
    fn named(&mut self) -> Option<usize> {
        let name = self.prefix.steps.get(self.followed)?;
        let found = self.ready.iter().position(|(_, ready)| ready == name);
        self.followed = if found.is_some() { self.followed + 1 } else { self.prefix.steps.len() };
        found
    }

    fn sleeps(&self, name: &StepName) -> bool {
        self.sleepers.iter().any(|sleeper| sleeper.name == *name)
    }
}

impl Order for Exhaustive {
    fn ready(&mut self, entry: u32, pending: &Pending, _: &mut Stream) {
        self.ready.push((entry, pending.name));
    }

    fn pick(&mut self, _: &mut Stream) -> u32 {
        let index = self.named().or_else(|| self.ready.iter().position(|(_, name)| !self.sleeps(name)));
        self.redundant |= index.is_none();
        self.ready.remove(index.unwrap_or(0)).0
    }

    fn executed(&mut self, name: &StepName, touched: &[Touched], _: &mut Stream) {
        self.ran += 1;
        if self.ran > self.prefix.asleep_after {
            self.sleepers
                .retain(|sleeper| sleeper.name.lane != name.lane && !conflict(&sleeper.touched, touched));
        }
    }

    fn wants_footprints(&self) -> bool {
        !self.prefix.sleepers.is_empty()
    }

    fn wants_names(&self) -> bool {
        true
    }

    fn is_redundant(&self) -> bool {
        self.redundant
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Program, name, plain, writes};
    use super::*;

    fn sleeper(lane: usize, index: usize, object: u64) -> Sleeper {
        Sleeper { name: name(lane, index), touched: writes(object).touched }
    }

    fn run(program: &Program, prefix: Prefix) -> (Vec<(usize, usize)>, bool) {
        let mut order = Exhaustive::new(&prefix);
        let (ran, _) = program.run(&mut order, 0);
        (ran, order.is_redundant())
    }

    #[test]
    fn named_steps_run_first_and_then_the_oldest() {
        let steps = vec![name(1, 0), name(1, 1), name(0, 0)];
        let (ran, redundant) = run(&Program::independent(2, 2), Prefix { steps, ..Prefix::default() });
        assert_eq!(ran, [(1, 0), (1, 1), (0, 0), (0, 1)]);
        assert!(!redundant);
    }

    #[test]
    fn a_step_that_is_not_ready_ends_the_prefix() {
        let steps = vec![name(1, 1), name(1, 0)];
        let (ran, _) = run(&Program::independent(2, 2), Prefix { steps, ..Prefix::default() });
        assert_eq!(ran, [(0, 0), (1, 0), (0, 1), (1, 1)]);
    }

    #[test]
    fn a_step_that_conflicts_wakes_a_sleeper() {
        let program = Program { lanes: vec![vec![writes(1)], vec![plain(), writes(1)], vec![writes(2)]] };
        let prefix = Prefix { sleepers: vec![sleeper(0, 0, 1)], ..Prefix::default() };
        let (ran, redundant) = run(&program, prefix);
        assert_eq!(ran, [(1, 0), (2, 0), (1, 1), (0, 0)]);
        assert!(!redundant);
    }

    #[test]
    fn named_steps_wake_what_fell_asleep_before_them() {
        let program = Program { lanes: vec![vec![writes(1)], vec![writes(1), plain()]] };
        let with =
            |asleep_after| Prefix { steps: vec![name(1, 0)], sleepers: vec![sleeper(0, 0, 1)], asleep_after };
        assert_eq!(run(&program, with(0)), (vec![(1, 0), (0, 0), (1, 1)], false));
        assert_eq!(run(&program, with(1)).0, [(1, 0), (1, 1), (0, 0)]);
    }

    #[test]
    fn a_run_is_redundant_once_everything_that_is_ready_sleeps() {
        let program = Program { lanes: vec![vec![writes(1)], vec![writes(2)]] };
        let sleepers = vec![sleeper(0, 0, 1), sleeper(1, 0, 2)];
        assert!(run(&program, Prefix { sleepers, ..Prefix::default() }).1);
        let one = vec![sleeper(0, 0, 1)];
        assert!(run(&program, Prefix { sleepers: one, ..Prefix::default() }).1, "it is left alone at last");
    }
}
