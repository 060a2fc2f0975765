//! Random race reversal: random priorities, but a few races of earlier runs are made to end the other way round.
//!
//! Of the pairs of conflicting steps that were seen in one order, one to three are drawn for the run, and the step that
//! came first is held until the other has run. Without lessons this is a random priority for each entry.
//!
//! A failing order shrinks to such holds, so that this samples what shrinking ends in.

use super::holds::HeldLine;
use super::{Order, Pending};
use crate::choices::Stream;
use crate::schedule::{Hold, SharedLessons, StepPattern};

/// At most so many races are reversed in one run.
const REVERSED_MAX: u32 = 3;

pub(super) struct Reversal {
    lessons: Option<SharedLessons>,
    line: Option<HeldLine>,
    arrived: u32,
}

impl Reversal {
    pub(super) fn new(lessons: Option<SharedLessons>) -> Reversal {
        Reversal { lessons, line: None, arrived: 0 }
    }

    fn draw_races(&self, stream: &mut Stream) -> HeldLine {
        let races = self.lessons.as_ref().map_or(&[][..], |lessons| &lessons.races);
        let mut holds = Vec::new();
        if !races.is_empty() {
            for _ in 0..=stream.below(REVERSED_MAX) {
                let (first, second) = races[stream.below(races.len() as u32) as usize];
                holds.push(Hold { held: StepPattern::Exact(first), until: StepPattern::Exact(second) });
            }
        }
        HeldLine::new(&holds)
    }
}

impl Order for Reversal {
    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        let mut line = self.line.take().unwrap_or_else(|| self.draw_races(stream));
        self.arrived += 1;
        line.push(entry, u64::from(stream.word()) << 32 | u64::from(self.arrived), pending);
        self.line = Some(line);
    }

    fn pick(&mut self, _: &mut Stream) -> u32 {
        self.line.as_mut().expect("an entry is ready when one is picked").pop()
    }

    fn wants_names(&self) -> bool {
        self.lessons.as_ref().is_some_and(|lessons| !lessons.races.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Program, name, plain, writes};
    use super::*;
    use crate::schedule::LoopLessons;

    #[test]
    fn a_race_of_earlier_runs_ends_the_other_way_round() {
        // The first step of lane 0 was before the last of lane 1 in all runs that were seen; now it is held for long.
        let mut long = vec![plain(); 30];
        long[29] = writes(7);
        let program = Program { lanes: vec![vec![writes(7)], long] };
        let races = vec![(name(0, 0).key(), name(1, 29).key())];
        let lessons = SharedLessons::new(LoopLessons { races, ..LoopLessons::default() });
        for seed in 0..100 {
            let (ran, _) = program.run(&mut Reversal::new(Some(lessons.clone())), seed);
            assert_eq!(ran.last(), Some(&(0, 0)), "seed {seed}");
        }
    }

    #[test]
    fn races_are_seen_between_lanes_only() {
        let program = Program { lanes: vec![vec![writes(7); 2], vec![writes(8); 2], vec![writes(7)]] };
        let lessons = program.lessons();
        let lane_of = |key: u64| (0..3).find(|lane| (0..2).any(|index| name(*lane, index).key() == key));
        assert!(!lessons.races.is_empty());
        for (first, second) in &lessons.races {
            let mut lanes = [lane_of(*first), lane_of(*second)];
            lanes.sort_unstable();
            assert_eq!(lanes, [Some(0), Some(2)]);
        }
    }
}
