//! A lesson's rule holds: in the ordinary order, and in every other that its profile allows.

use crate::{lessons, ordinary, program};
use counterpoint::explore::{Profile, Strategy};
use counterpoint::trace::Event;

#[test]
fn a_lesson_passes_in_the_ordinary_order() {
    for scenario in lessons() {
        let outcome = ordinary(program(&scenario), Profile::Fifo).run().outcome;
        assert!(outcome.is_passed(), "`{}`: {outcome:?}", scenario.name());
    }
}

#[test]
fn a_lesson_passes_in_every_order_of_its_profile() {
    for scenario in lessons() {
        for number in 0..1_000 {
            let simulation = program(&scenario).strategy(Strategy::RandomWalk).tasks_must_end(true);
            let outcome = simulation.run_number(number).run().outcome;
            assert!(outcome.is_passed(), "`{}`, run {number}: {outcome:?}", scenario.name());
        }
    }
}

#[test]
fn the_lines_of_a_lesson_are_in_its_trace() {
    let scenario = lessons().into_iter().find(|scenario| scenario.name() == "equal-deadlines");
    let run = ordinary(program(&scenario.expect("it is listed")), Profile::Fifo).trace(true).run();
    let lines: Vec<String> = run
        .trace
        .expect("it was asked for")
        .into_iter()
        .filter_map(|event| match event {
            Event::Log { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(
        lines,
        ["sleeper 0 wakes", "sleeper 2 wakes", "sleeper 4 wakes", "sleeper 1 wakes", "sleeper 3 wakes"]
    );
}
