//! Programs for tests of strategies: lanes of steps, without a loop.

use super::{Class, Order, Pending, Strategy};
use crate::choices::{Purpose, Stream};
use crate::lanes;
use crate::schedule::{Lessons, LoopLessons, Seen, StepName, Touch, Touched};
use std::sync::Arc;

/// One step of a lane.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) class: Class,
    /// In the order of the objects.
    pub(super) touched: Vec<Touched>,
    /// Ready once this step (lane, index) has run.
    pub(super) after: Option<(usize, usize)>,
}

/// Lanes of steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub(super) lanes: Vec<Vec<Step>>,
}

/// A step that touches nothing.
pub(super) fn plain() -> Step {
    Step { class: Class::Woken, touched: Vec::new(), after: None }
}

/// A step that writes one object.
pub(super) fn writes(object: u64) -> Step {
    Step { touched: vec![Touched { object, touch: Touch::Write }], ..plain() }
}

/// The name of a step of a program.
pub(super) fn name(lane: usize, index: usize) -> StepName {
    let path = lanes::mix(lanes::ROOT, lane as u64);
    match index {
        0 => StepName { lane: path, awaited: 0, visit: 0 },
        _ => StepName { lane: path, awaited: 77, visit: index as u32 },
    }
}

impl Program {
    /// So many lanes of so many steps that touch nothing.
    pub(super) fn independent(lanes: usize, steps: usize) -> Program {
        Program { lanes: vec![vec![plain(); steps]; lanes] }
    }

    /// Runs it to the end. Checks that only ready entries are picked, each once.
    pub(super) fn run(&self, order: &mut dyn Order, seed: u64) -> (Vec<(usize, usize)>, Seen) {
        let mut stream = Stream::new(seed, Purpose::Schedule(0));
        let (mut ran, mut seen) = (Vec::new(), Seen::default());
        // By entry: the step that it stands for, and by lane how many steps have run or are ready.
        let mut entries: Vec<Option<(usize, usize)>> = Vec::new();
        let (mut begun, mut done) = (vec![0; self.lanes.len()], vec![0; self.lanes.len()]);
        let mut ready: Vec<u32> = Vec::new();
        loop {
            for (lane, steps) in self.lanes.iter().enumerate() {
                let index: usize = begun[lane];
                if done[lane] < index || index == steps.len() {
                    continue;
                }
                if steps[index].after.is_some_and(|(other, at)| done[other] <= at) {
                    continue;
                }
                begun[lane] += 1;
                let free = entries.iter().position(Option::is_none).unwrap_or(entries.len());
                entries.resize(entries.len().max(free + 1), None);
                entries[free] = Some((lane, index));
                ready.push(free as u32);
                let class = if index == 0 { Class::Start } else { steps[index].class };
                let pending = Pending { name: name(lane, index), nth: index as u32, class };
                order.ready(free as u32, &pending, &mut stream);
            }
            if ready.is_empty() {
                break;
            }
            let picked = order.pick(&mut stream);
            let rank = ready.iter().position(|entry| *entry == picked).expect("what is picked is ready");
            ready.remove(rank);
            let (lane, index) = entries[picked as usize].take().expect("what is ready stands for a step");
            let others = ready.iter().map(|entry| {
                let (lane, index) = entries[*entry as usize].expect("what is ready stands for a step");
                name(lane, index)
            });
            seen.began(name(lane, index), rank as u32, ran.len() as u64, None, others);
            let touched = &self.lanes[lane][index].touched;
            seen.ended(touched);
            if order.wants_footprints() {
                order.executed(&name(lane, index), touched, &mut stream);
            }
            done[lane] += 1;
            ran.push((lane, index));
        }
        assert!(done.iter().zip(&self.lanes).all(|(done, steps)| *done == steps.len()), "every step has run");
        (ran, seen)
    }

    /// What eight random walks teach.
    pub(super) fn lessons(&self) -> Arc<LoopLessons> {
        let mut lessons = Lessons::default();
        for seed in 0..8 {
            let mut walk = super::weighted::Weighted::default();
            let (_, seen) = self.run(&mut walk, seed);
            lessons.learn([(0, &seen)]);
        }
        Arc::new(lessons.of_loop(0).cloned().unwrap_or_default())
    }

    /// The order of the lanes in one run of a strategy.
    pub(super) fn order_of(&self, strategy: Strategy, lessons: &Arc<LoopLessons>, seed: u64) -> Vec<usize> {
        let mut order = strategy.order(None, Some(lessons)).expect("it has an order of its own");
        self.run(&mut *order, seed).0.into_iter().map(|(lane, _)| lane).collect()
    }
}
