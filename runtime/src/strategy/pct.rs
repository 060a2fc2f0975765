//! PCT: a random priority for each lane, the highest runs, and a few lanes are demoted on the way.
//!
//! A bug that needs d orderings is found with a chance of at least 1 in n · k^(d-1), for n lanes and k steps with a choice:
//! d-1 *change points* among those k steps demote the lane that would run. `k` comes from earlier runs; without them it is
//! drawn, over a wide range.
//!
//! Priorities alone would let a lane that gives way in a loop run for ever, and what it waits for never. So a lane that
//! gave way often in a row while others could have run is demoted as well.
//!
//! Source: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding
//! bugs", ASPLOS 2010.

use super::lane_numbers::LaneNumbers;
use super::{Class, Order, Pending};
use crate::choices::Stream;
use std::collections::BinaryHeap;

/// What priorities a lane has at first: above all demoted ones.
const ORDINARY: u64 = 1 << 63;
/// What priorities a change point gives.
const CHANGED: u64 = 1 << 62;
/// A lane that gave way so often in a row is demoted.
const GAVE_WAY_MAX: u32 = 8;

struct Lane {
    priority: u64,
    /// How many of its steps in a row gave way while others could have run.
    gave_way: u32,
}

/// The highest priority first; within a lane the oldest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// The lane's when it was put here. Priorities only fall, so it is put right when the place comes to the top.
    priority: u64,
    earliness: u32,
    entry: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    lane: u32,
    gave_way: bool,
}

pub(super) struct Pct {
    numbers: LaneNumbers,
    lanes: Vec<Lane>,
    entries: Vec<Entry>,
    line: BinaryHeap<Place>,
    arrived: u32,
    /// Steps with a choice so far.
    choices: u64,
    expected: Option<u32>,
    depth: u32,
    /// Change points that are still to come, the next one last, each with the priority that it gives.
    changes: Vec<(u64, u64)>,
    started: bool,
    /// How many lanes were demoted because they gave way.
    demoted: u64,
}

impl Pct {
    /// `expected`: how many steps with a choice there are, if that was learned.
    pub(super) fn new(depth: u32, expected: Option<u32>) -> Pct {
        Pct {
            numbers: LaneNumbers::new(),
            lanes: Vec::new(),
            entries: Vec::new(),
            line: BinaryHeap::new(),
            arrived: 0,
            choices: 0,
            expected,
            depth,
            changes: Vec::new(),
            started: false,
            demoted: 0,
        }
    }

    fn draw_changes(&mut self, stream: &mut Stream) {
        self.started = true;
        let steps = match self.expected {
            Some(choices) => choices.max(1),
            None => 8 << stream.below(6),
        };
        // Which of them demotes furthest has nothing to do with which comes first.
        for change in 1..self.depth {
            self.changes.push((u64::from(stream.below(steps)), CHANGED | u64::from(change)));
        }
        self.changes.sort_unstable_by(|one, other| other.cmp(one));
    }

    /// The first in the line, once its priority is the lane's.
    fn settle(&mut self) -> Place {
        loop {
            let mut first = self.line.peek_mut().expect("an entry is ready when one is picked");
            let priority = self.lanes[self.entries[first.entry as usize].lane as usize].priority;
            if first.priority == priority {
                return *first;
            }
            first.priority = priority;
        }
    }

    fn demote(&mut self, place: Place, priority: u64) {
        self.lanes[self.entries[place.entry as usize].lane as usize].priority = priority;
    }

    /// Is the first in the line to be demoted before anybody is picked? To which priority?
    fn demotion(&mut self, place: Place) -> Option<u64> {
        if let Some((_, priority)) = self.changes.pop_if(|change| change.0 <= self.choices) {
            return Some(priority);
        }
        let Entry { lane, gave_way } = self.entries[place.entry as usize];
        let lane = &mut self.lanes[lane as usize];
        lane.gave_way = if gave_way { lane.gave_way + 1 } else { 0 };
        if lane.gave_way <= GAVE_WAY_MAX {
            return None;
        }
        lane.gave_way = 0;
        self.demoted += 1;
        Some(CHANGED - self.demoted)
    }
}

impl Order for Pct {
    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        let lane = self.numbers.of(&pending.name);
        if lane == self.lanes.len() {
            // No two lanes share a priority.
            let priority = ORDINARY | u64::from(stream.word()) << 31 | lane as u64;
            self.lanes.push(Lane { priority, gave_way: 0 });
        }
        let index = entry as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, Entry { lane: 0, gave_way: false });
        }
        self.entries[index] = Entry { lane: lane as u32, gave_way: pending.class == Class::Yield };
        self.arrived += 1;
        self.line.push(Place { priority: self.lanes[lane].priority, earliness: !self.arrived, entry });
    }

    fn pick(&mut self, stream: &mut Stream) -> u32 {
        if !self.started {
            self.draw_changes(stream);
        }
        let mut place = self.settle();
        if self.line.len() > 1 {
            while let Some(priority) = self.demotion(place) {
                self.demote(place, priority);
                place = self.settle();
            }
            self.choices += 1;
        }
        self.line.pop();
        place.entry
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Program, plain};
    use super::*;

    fn lanes(program: &Program, depth: u32, choices: u32, seed: u64) -> Vec<usize> {
        let (ran, _) = program.run(&mut Pct::new(depth, Some(choices)), seed);
        ran.into_iter().map(|(lane, _)| lane).collect()
    }

    /// How often another lane than the one before ran.
    fn switches(lanes: &[usize]) -> usize {
        lanes.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn without_change_points_a_lane_runs_as_long_as_it_can() {
        let program = Program::independent(4, 6);
        for seed in 0..100 {
            assert_eq!(switches(&lanes(&program, 1, 20, seed)), 3, "seed {seed}");
        }
    }

    #[test]
    fn each_change_point_passes_over_one_lane() {
        let program = Program::independent(2, 8);
        // With two lanes, a change point within the first lane's steps is a switch there, and one back.
        let counts: Vec<usize> = (0..200).map(|seed| switches(&lanes(&program, 2, 8, seed))).collect();
        assert!(counts.iter().all(|count| (1..=2).contains(count)), "{counts:?}");
        assert!(counts.iter().filter(|count| **count == 2).count() > 100, "{counts:?}");
    }

    #[test]
    fn every_lane_is_first_about_as_often() {
        let program = Program::independent(4, 2);
        let mut firsts = [0; 4];
        for seed in 0..4_000 {
            firsts[lanes(&program, 3, 8, seed)[0]] += 1;
        }
        assert!(firsts.iter().all(|first| (850..1150).contains(first)), "{firsts:?}");
    }

    #[test]
    fn a_lane_that_gives_way_again_and_again_lets_others_run() {
        let mut program = Program::independent(2, 40);
        program.lanes[0].iter_mut().for_each(|step| step.class = Class::Yield);
        for seed in 0..50 {
            let lanes = lanes(&program, 1, 100, seed);
            let other = lanes.iter().position(|lane| *lane == 1).expect("it runs");
            assert!(other <= 10, "seed {seed}: {lanes:?}");
        }
    }

    #[test]
    fn priorities_stay_with_a_lane_that_waits() {
        // Lane 0 waits in its middle until lane 2 has run twice.
        let mut program = Program::independent(3, 4);
        program.lanes[0][2] = super::super::testing::Step { after: Some((2, 1)), ..plain() };
        for seed in 0..200 {
            let lanes = lanes(&program, 1, 20, seed);
            let woken = lanes.iter().rposition(|lane| *lane == 2).expect("it runs");
            if lanes[0] == 0 && lanes[2] != 0 {
                // It was first, so it goes on as soon as it can.
                let second =
                    lanes.iter().enumerate().filter(|(_, lane)| **lane == 2).nth(1).expect("it runs twice").0;
                assert_eq!(lanes[second + 1], 0, "seed {seed}: {lanes:?}, {woken}");
            }
        }
    }
}
