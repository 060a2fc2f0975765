//! URW: each lane with a chance as it has steps left, so that every interleaving is about as likely as any other.
//!
//! A plain random walk lets a short lane end early nearly always. What a lane has left is learned from earlier runs; the
//! steps of lanes that it has yet to start count as its own. A lane that was never seen has as many steps as the others
//! have on the average, and without lessons this is a random walk.
//!
//! Source: Zhao, Yang, Madhusudan, Bowers, "Selectively Uniform Concurrency Testing", ASPLOS 2025, section 3.

use super::lane_numbers::LaneNumbers;
use super::weights::Weights;
use super::{Class, Order, Pending};
use crate::choices::Stream;
use crate::schedule::SharedLessons;

const NOBODY: u32 = u32::MAX;

struct Lane {
    /// How many steps it has left, and those that it will start; at least 1.
    left: u32,
    /// Its ready entry.
    entry: u32,
}

pub(super) struct Urw {
    lessons: Option<SharedLessons>,
    /// What a lane has that nothing is known of.
    usual: u32,
    numbers: LaneNumbers,
    lanes: Vec<Lane>,
    /// By entry: its lane.
    entries: Vec<u32>,
    weights: Weights,
    /// The lane that ran last: what is new was started by it.
    ran: Option<u32>,
}

impl Urw {
    pub(super) fn new(lessons: Option<SharedLessons>) -> Urw {
        let known = lessons.as_ref().map_or(&[][..], |lessons| &lessons.lanes);
        let steps: u64 = known.iter().map(|(_, lane)| u64::from(lane.own.get())).sum();
        let usual = (steps / known.len().max(1) as u64).clamp(1, u64::from(u32::MAX)) as u32;
        Urw {
            lessons,
            usual,
            numbers: LaneNumbers::new(),
            lanes: Vec::new(),
            entries: Vec::new(),
            weights: Weights::default(),
            ran: None,
        }
    }

    /// The lane of a step, with what is known of it; who started it has so much less left.
    pub(super) fn meet(&mut self, pending: &Pending) -> u32 {
        let number = self.numbers.of(&pending.name);
        if number < self.lanes.len() {
            return number as u32;
        }
        let lesson = self.lessons.as_ref().and_then(|lessons| lessons.lane(pending.name.lane));
        let left = lesson.map_or(self.usual, |lesson| lesson.all.get());
        self.lanes.push(Lane { left, entry: NOBODY });
        if pending.class == Class::Start
            && lesson.is_some()
            && let Some(parent) = self.ran
        {
            self.take_from(parent, left);
        }
        number as u32
    }

    /// An entry of a lane that was met is ready.
    pub(super) fn push(&mut self, entry: u32, number: u32) {
        let index = entry as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, 0);
        }
        self.entries[index] = number;
        let lane = &mut self.lanes[number as usize];
        lane.entry = entry;
        self.weights.set(index, lane.left);
    }

    /// Takes an entry, if any was pushed.
    pub(super) fn pop(&mut self, stream: &mut Stream) -> Option<u32> {
        let entry = self.weights.draw(stream)?;
        self.weights.set(entry, 0);
        let number = self.entries[entry];
        self.lanes[number as usize].entry = NOBODY;
        self.take_from(number, 1);
        self.ran = Some(number);
        Some(entry as u32)
    }

    fn take_from(&mut self, number: u32, steps: u32) {
        let lane = &mut self.lanes[number as usize];
        lane.left = lane.left.saturating_sub(steps).max(1);
        if lane.entry != NOBODY {
            self.weights.set(lane.entry as usize, lane.left);
        }
    }
}

impl Order for Urw {
    fn ready(&mut self, entry: u32, pending: &Pending, _: &mut Stream) {
        let lane = self.meet(pending);
        self.push(entry, lane);
    }

    fn pick(&mut self, stream: &mut Stream) -> u32 {
        self.pop(stream).expect("an entry is ready when one is picked")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Program, Step, plain};
    use super::super::{Class, Strategy};
    use std::collections::BTreeMap;

    /// How often each order of the lanes came in so many runs.
    fn orders(program: &Program, runs: u64) -> BTreeMap<Vec<usize>, u32> {
        let lessons = program.lessons();
        let mut counts = BTreeMap::new();
        for seed in 0..runs {
            *counts.entry(program.order_of(Strategy::Urw, &lessons, seed)).or_default() += 1;
        }
        counts
    }

    #[test]
    fn every_interleaving_of_lanes_comes_about_as_often() {
        let program = Program { lanes: vec![vec![plain(); 3], vec![plain(); 5]] };
        let counts = orders(&program, 10_000);
        // 56 of them: 179 each. The sum of squares is a chi-square of 55 degrees, which seldom exceeds 100.
        assert_eq!(counts.len(), 56);
        let off: u32 = counts.values().map(|count| count.abs_diff(179).pow(2)).sum();
        assert!(off / 179 < 100, "{counts:?}");
    }

    #[test]
    fn lanes_to_come_count_as_their_parents() {
        // Lane 0 starts lane 1 with its second step; lane 2 is there from the beginning.
        let started = Step { class: Class::Start, after: Some((0, 1)), ..plain() };
        let mut program = Program { lanes: vec![vec![plain(); 2], vec![plain(); 4], vec![plain(); 3]] };
        program.lanes[1][0] = started;
        let counts = orders(&program, 10_000);
        // 84 of them: 119 each.
        assert_eq!(counts.len(), 84);
        let off: u32 = counts.values().map(|count| count.abs_diff(119).pow(2)).sum();
        assert!(off / 119 < 140, "{counts:?}");
    }
}
