//! The searches against brute force, on programs that are run without a loop.

mod model;

use super::bounded::Bounded;
use super::depth_first::DepthFirst;
use super::dpor::Dpor;
use super::estimate::Estimate;
use super::history::Conflicts;
use super::search::{Ended, Found, Search};
use counterpoint_runtime::schedule::Constraints;
use model::{EndState, Op, Order, Program};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What a search came to.
#[derive(Debug, Default)]
struct Searched {
    states: BTreeSet<EndState>,
    runs: usize,
    repetitions: usize,
    again: usize,
}

fn search(program: &Program, search: &mut dyn Search) -> Searched {
    let mut searched = Searched::default();
    while let Some(prefix) = search.next() {
        let ran = program.run(&Order::Prefix(&prefix));
        let ended = if ran.redundant { Ended::Repeats } else { Ended::Whole };
        match search.learn(&ran.seen, ended) {
            Found::Run => {
                searched.runs += 1;
                searched.states.insert(ran.state);
            }
            Found::Repetition => searched.repetitions += 1,
            Found::Nothing => searched.again += 1,
            Found::Strayed(step) => panic!("strayed at step {step}"),
        }
        assert!(searched.runs + searched.repetitions + searched.again < 500_000, "it does not end");
    }
    searched
}

fn sections(tasks: usize, inside: bool) -> Program {
    let mut task = Vec::new();
    for section in 0..2 {
        if section > 0 {
            task.push(Op::Yield);
        }
        task.push(Op::Acquire(0));
        if inside {
            task.push(Op::Yield);
        }
        task.push(Op::Release(0));
    }
    Program { tasks: vec![task; tasks], begun: tasks }
}

#[test]
fn three_tasks_with_two_sections_on_a_lock_have_ninety_orders() {
    let searched = search(&sections(3, false), &mut Dpor::new());
    assert_eq!((searched.runs, searched.repetitions, searched.again), (90, 0, 0));
}

/// Programs of two or three tasks; in some the first one spawns the others, and ends the program.
fn programs() -> impl Strategy<Value = Program> {
    let op = prop_oneof![
        3 => (0usize..2).prop_map(Op::Read),
        3 => (0usize..2).prop_map(Op::Write),
        2 => (0usize..2).prop_map(Op::Acquire),
        2 => (0usize..2).prop_map(Op::Release),
        1 => (0usize..2).prop_map(Op::Set),
        1 => (0usize..2).prop_map(Op::Wait),
        1 => (0usize..3).prop_map(Op::Abort),
        5 => Just(Op::Yield),
        1 => Just(Op::Sleep),
    ];
    let tasks = prop::collection::vec(prop::collection::vec(op, 1..7), 2..4);
    (tasks, any::<bool>(), any::<bool>()).prop_map(|(mut tasks, spawns, ends)| {
        let count = tasks.len();
        if spawns {
            tasks[0].splice(0..0, (1..count).map(Op::Spawn));
        }
        if spawns && ends {
            tasks[0].push(Op::End);
        }
        // A task that has dropped another one must not be made a fool of by itself.
        for (number, task) in tasks.iter_mut().enumerate() {
            task.retain(
                |op| !matches!(op, Op::Abort(other) if *other == number || *other == 0 || *other >= count),
            );
        }
        Program { tasks, begun: if spawns { 1 } else { count } }
    })
}

/// All states by brute force, if that is not too many runs.
fn brute_force(program: &Program) -> Option<Searched> {
    let (mut all, mut searched) = (DepthFirst::default(), Searched::default());
    while let Some(prefix) = all.next() {
        let ran = program.run(&Order::Prefix(&prefix));
        assert_eq!(all.learn(&ran.seen, Ended::Whole), Found::Run);
        searched.runs += 1;
        searched.states.insert(ran.state);
        if searched.runs > 3000 {
            return None;
        }
    }
    Some(searched)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(512)))]

    #[test]
    fn reduction_loses_no_end_state(program in programs()) {
        let Some(all) = brute_force(&program) else { return Ok(()) };
        let reduced = search(&program, &mut Dpor::new());
        prop_assert_eq!(&reduced.states, &all.states);
        prop_assert!(reduced.runs <= all.runs, "{} runs instead of {}", reduced.runs, all.runs);
    }
}

/// The order of the steps, by their keys.
fn order_of(ran: &model::Ran) -> Vec<u64> {
    ran.seen.steps().iter().map(|step| step.name.key()).collect()
}

/// All orders that a search over sets of few holds makes, and the pairs that it chose from.
fn bounded(program: &Program, bound: usize, conflicts: Conflicts) -> Option<(BTreeSet<Vec<u64>>, Bounded)> {
    let (mut search, mut orders, mut runs) = (Bounded::new(bound, conflicts, 10_000), BTreeSet::new(), 0);
    while let Some(constraints) = search.next() {
        assert!(constraints.holds.len() <= bound);
        let ran = program.run(&Order::Holds(&constraints));
        search.learn(&ran.seen);
        orders.insert(order_of(&ran));
        runs += 1;
        if runs > 500 {
            return None;
        }
    }
    Some((orders, search))
}

#[test]
fn a_lost_update_needs_one_hold() {
    // The second task writes before the first one reads again, unless it is held.
    let late = vec![Op::Yield, Op::Yield, Op::Yield, Op::Read(0), Op::Yield, Op::Write(0)];
    let program = Program { tasks: vec![vec![Op::Read(0), Op::Yield, Op::Write(0)], late], begun: 2 };
    let mut search = Bounded::new(1, Conflicts::Footprints, 10_000);
    let mut lost = Vec::new();
    while let Some(constraints) = search.next() {
        let ran = program.run(&Order::Holds(&constraints));
        search.learn(&ran.seen);
        if ran.state[1].2 == [0] && ran.state[0].2 == [0] {
            lost.push(constraints.holds.len());
        }
    }
    assert_eq!(lost.first(), Some(&1), "{lost:?}");
    let holds = search.holds();
    assert_eq!((holds.complete, holds.left), (Some(1), 0));
}

#[test]
fn an_unfinished_bound_says_what_is_left() {
    let program = sections(3, true);
    let mut search = Bounded::new(2, Conflicts::Footprints, 10_000);
    assert_eq!(search.holds().complete, None);
    for _ in 0..90 {
        let constraints = search.next().expect("there is more");
        search.learn(&program.run(&Order::Holds(&constraints)).seen);
    }
    let holds = search.holds();
    assert_eq!(holds.complete, Some(1), "{holds:?}");
    assert!(holds.tried > 0 && holds.left > 0, "{holds:?}");
}

#[test]
fn no_more_sets_are_planned_than_runs_are_made() {
    let program = sections(3, true);
    let mut search = Bounded::new(2, Conflicts::Footprints, 20);
    for _ in 0..20 {
        let constraints = search.next().expect("there is more");
        search.learn(&program.run(&Order::Holds(&constraints)).seen);
    }
    let holds = search.holds();
    assert!(holds.more && holds.complete == Some(0) && holds.left < 60, "{holds:?}");
}

proptest! {
    #[test]
    fn every_set_of_few_holds_gives_an_order_that_was_made(program in programs()) {
        let Some((orders, search)) = bounded(&program, 2, Conflicts::Footprints) else { return Ok(()) };
        let pairs = search.pairs();
        for one in &pairs {
            for other in &pairs {
                if (one.held, one.until) == (other.until, other.held) {
                    continue; // they contradict each other
                }
                let holds = vec![*one, *other];
                let ran = program.run(&Order::Holds(&Constraints { holds, bursts: Vec::new() }));
                prop_assert!(orders.contains(&order_of(&ran)));
            }
        }
    }

    #[test]
    fn a_random_walk_of_a_program_without_choices_says_one(steps in 1usize..9) {
        let program = Program { tasks: vec![vec![Op::Yield; steps]], begun: 1 };
        let ran = program.run(&Order::Holds(&Constraints::default()));
        let mut estimate = Estimate::default();
        estimate.add(&ran.seen);
        prop_assert_eq!((estimate.orders(), estimate.probes()), (1, 1));
    }
}
