//! Follows constraints: the ordinary order, but for holds and bursts.
//!
//! It draws nothing. The oldest entry that is not held is next; entries of a burst come before all others, the oldest of
//! them first. A step that is both held and part of a burst is held first. With no constraints this is `fifo`.

use super::holds::{HeldLine, Patterns};
use super::{Order, Pending};
use crate::choices::Stream;
use crate::schedule::{Constraints, Heeded};

/// Set in the order of every entry that runs ahead of no other.
const ORDINARY: u64 = 1 << 63;

/// A lane in a burst.
struct Bursting {
    lane: u64,
    /// How many of its steps are still to come ahead.
    left: u32,
}

pub(super) struct Fixed {
    line: HeldLine,
    arrived: u64,
    begins: Patterns,
    /// How many steps each burst has.
    lengths: Vec<u32>,
    begun: Vec<bool>,
    bursting: Vec<Bursting>,
}

impl Fixed {
    pub(super) fn new(constraints: &Constraints) -> Fixed {
        let bursts = &constraints.bursts;
        Fixed {
            line: HeldLine::new(&constraints.holds),
            arrived: 0,
            begins: Patterns::new(bursts.iter().map(|burst| burst.from)),
            lengths: bursts.iter().map(|burst| burst.steps).collect(),
            begun: vec![false; bursts.len()],
            bursting: Vec::new(),
        }
    }

    /// Is this the step of a burst?
    fn runs_ahead(&mut self, pending: &Pending) -> bool {
        let (begun, bursting, lengths) = (&mut self.begun, &mut self.bursting, &self.lengths);
        self.begins.matching(pending.name.key(), &pending.name, pending.nth, |burst| {
            if !std::mem::replace(&mut begun[burst], true) {
                bursting.push(Bursting { lane: pending.name.lane, left: lengths[burst] });
            }
        });
        let mut ahead = false;
        for burst in bursting.iter_mut().filter(|burst| burst.lane == pending.name.lane && burst.left > 0) {
            burst.left -= 1;
            ahead = true;
        }
        bursting.retain(|burst| burst.left > 0);
        ahead
    }
}

impl Order for Fixed {
    fn ready(&mut self, entry: u32, pending: &Pending, _: &mut Stream) {
        let ahead = !self.begun.is_empty() && self.runs_ahead(pending);
        let order = if ahead { self.arrived } else { ORDINARY | self.arrived };
        self.arrived += 1;
        self.line.push(entry, order, pending);
    }

    fn pick(&mut self, _: &mut Stream) -> u32 {
        self.line.pop()
    }

    fn wants_names(&self) -> bool {
        true
    }

    fn heeded(&self) -> Vec<Heeded> {
        let bursts = self.begun.iter().map(|begun| Heeded { met: *begun, ended: true, released: false });
        self.line.heeded().iter().copied().chain(bursts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Program, name, plain};
    use super::*;
    use crate::schedule::{Burst, Hold, StepPattern};
    use proptest::prelude::*;

    fn run(program: &Program, holds: Vec<Hold>, bursts: Vec<Burst>) -> (Vec<(usize, usize)>, Vec<Heeded>) {
        let mut fixed = Fixed::new(&Constraints { holds, bursts });
        let (ran, _) = program.run(&mut fixed, 0);
        (ran, fixed.heeded())
    }

    fn exact(lane: usize, index: usize) -> StepPattern {
        StepPattern::Exact(name(lane, index).key())
    }

    const DONE: Heeded = Heeded { met: true, ended: true, released: false };

    #[test]
    fn a_held_step_waits_and_keeps_its_place() {
        let program = Program::independent(3, 2);
        let hold = Hold { held: exact(0, 0), until: exact(1, 1) };
        let (ran, heeded) = run(&program, vec![hold], vec![]);
        assert_eq!(ran, [(1, 0), (2, 0), (1, 1), (0, 0), (2, 1), (0, 1)]);
        assert_eq!(heeded, [DONE]);
    }

    #[test]
    fn a_hold_that_has_ended_holds_nothing() {
        let hold = Hold { held: exact(1, 1), until: exact(0, 0) };
        let (ran, heeded) = run(&Program::independent(2, 2), vec![hold], vec![]);
        assert_eq!(ran, [(0, 0), (1, 0), (0, 1), (1, 1)]);
        assert_eq!(heeded, [DONE]);
    }

    #[test]
    fn the_oldest_is_let_go_when_all_are_held() {
        let never = StepPattern::Exact(1);
        let holds = (0..2).map(|lane| Hold { held: exact(lane, 0), until: never }).collect();
        let (ran, heeded) = run(&Program::independent(2, 2), holds, vec![]);
        assert_eq!(ran, [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(heeded, [Heeded { met: true, ended: false, released: true }; 2]);
    }

    #[test]
    fn a_burst_runs_ahead_for_as_many_steps_as_it_has() {
        let burst = Burst { from: exact(2, 1), steps: 2 };
        let (ran, heeded) = run(&Program::independent(3, 4), vec![], vec![burst]);
        let lanes: Vec<usize> = ran.iter().map(|step| step.0).collect();
        assert_eq!(lanes, [0, 1, 2, 2, 2, 0, 1, 2, 0, 1, 0, 1]);
        assert_eq!(heeded, [DONE]);
    }

    #[test]
    fn patterns_of_tokens_match_the_first_step_that_fits() {
        let StepPattern::Short { lane, awaited, .. } = StepPattern::short(&name(0, 1)) else {
            unreachable!()
        };
        let any = StepPattern::Short { lane, awaited, visit: None };
        let holds = vec![
            Hold { held: any, until: StepPattern::short(&name(1, 2)) },
            Hold { held: StepPattern::Nth { lane, step: 2 }, until: StepPattern::short(&name(1, 3)) },
            Hold { held: StepPattern::Nth { lane, step: 9 }, until: StepPattern::short(&name(1, 3)) },
        ];
        let (ran, heeded) = run(&Program::independent(2, 4), holds, vec![]);
        assert_eq!(ran, [(0, 0), (1, 0), (1, 1), (1, 2), (0, 1), (1, 3), (0, 2), (0, 3)]);
        assert_eq!(heeded, [DONE, DONE, Heeded { met: false, ended: true, released: false }]);
    }

    proptest! {
        #[test]
        fn without_constraints_it_is_the_ordinary_order(lanes in prop::collection::vec(0usize..6, 0..6)) {
            let program = Program { lanes: lanes.iter().map(|steps| vec![plain(); *steps]).collect() };
            let (ran, heeded) = run(&program, vec![], vec![]);
            let mut expected: Vec<(usize, usize)> = ran.clone();
            expected.sort_unstable_by_key(|(lane, index)| (*index, *lane));
            prop_assert_eq!(ran, expected);
            prop_assert!(heeded.is_empty());
        }

        #[test]
        fn every_step_runs_once_under_any_constraints(
            pairs in prop::collection::vec(((0usize..4, 0usize..5), (0usize..4, 0usize..5)), 0..12),
            bursts in prop::collection::vec(((0usize..4, 0usize..5), 0u32..4), 0..4),
        ) {
            let holds: Vec<Hold> = pairs
                .iter()
                .map(|(held, until)| Hold { held: exact(held.0, held.1), until: exact(until.0, until.1) })
                .collect();
            let bursts = bursts.iter().map(|(from, steps)| Burst { from: exact(from.0, from.1), steps: *steps });
            let (ran, heeded) = run(&Program::independent(4, 5), holds.clone(), bursts.collect());
            for (hold, heeded) in pairs.iter().zip(&heeded) {
                let at = |step: &(usize, usize)| ran.iter().position(|ran| ran == step);
                prop_assert!(heeded.released || at(&hold.1) <= at(&hold.0));
            }
        }
    }
}
