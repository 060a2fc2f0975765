//! Programs for tests of strategies: lanes of steps, without a loop.

use super::weighted::Weighted;
use super::{Class, Order, Pending, Strategy};
use crate::choices::{Purpose, Stream};
use crate::lanes;
use crate::schedule::{Lessons, Seen, SharedLessons, StepName, Touch, Touched};

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
    pub(super) fn lessons(&self) -> SharedLessons {
        let mut lessons = Lessons::default();
        for seed in 0..8 {
            let mut walk = Weighted::default();
            let (_, seen) = self.run(&mut walk, seed);
            lessons.learn([(0, &seen)]);
        }
        lessons.of_loop(0).cloned().unwrap_or_default()
    }

    /// The order of the lanes in one run of a strategy.
    pub(super) fn order_of(&self, strategy: Strategy, lessons: &SharedLessons, seed: u64) -> Vec<usize> {
        let mut order = strategy.order(None, Some(lessons)).expect("it has an order of its own");
        self.run(&mut *order, seed).0.into_iter().map(|(lane, _)| lane).collect()
    }
}

/// Every strategy that has an order of its own.
fn ordered() -> impl Iterator<Item = Strategy> {
    Strategy::ALL.into_iter().filter(|strategy| strategy.order(None, None).is_some())
}

mod tests {
    use super::{
        Class, Lessons, Program, SharedLessons, Step, StepName, Touch, Touched, Weighted, name, ordered,
        plain, writes,
    };
    use proptest::prelude::*;

    /// A step as it is drawn: its class, its touches, and what it waits for.
    type DrawnStep = (usize, Vec<(u64, usize)>, Option<(usize, usize)>);

    /// Programs in which some steps wait for steps of earlier lanes.
    fn programs() -> impl Strategy<Value = Program> {
        let step =
            (0usize..4, prop::collection::vec((0u64..3, 0usize..7), 0..3), any::<Option<(usize, usize)>>());
        prop::collection::vec(prop::collection::vec(step, 0..8), 1..7).prop_map(|lanes| {
            let lengths: Vec<usize> = lanes.iter().map(Vec::len).collect();
            let lane = |(number, steps): (usize, Vec<DrawnStep>)| {
                steps.into_iter().map(|drawn| step_of(number, drawn, &lengths)).collect()
            };
            Program { lanes: lanes.into_iter().enumerate().map(lane).collect() }
        })
    }

    fn step_of(lane: usize, (class, touched, after): DrawnStep, lengths: &[usize]) -> Step {
        let class = [Class::Woken, Class::Yield, Class::Timer, Class::Kernel][class];
        let touch = |(object, touch): (u64, usize)| Touched { object, touch: Touch::ALL[touch] };
        let mut touched: Vec<Touched> = touched.into_iter().map(touch).collect();
        touched.sort_unstable();
        touched.dedup_by_key(|touched| touched.object);
        let after = after.filter(|_| lane > 0).map(|(other, index)| (other % lane, index));
        let after = after.filter(|(other, _)| lengths[*other] > 0);
        Step { class, touched, after: after.map(|(other, index)| (other, index % lengths[other])) }
    }

    proptest! {
        #[test]
        fn every_strategy_runs_every_step_once(program in programs(), seed: u64) {
            let lessons = program.lessons();
            let steps: usize = program.lanes.iter().map(Vec::len).sum();
            for strategy in ordered() {
                prop_assert_eq!(program.order_of(strategy, &lessons, seed).len(), steps);
                prop_assert_eq!(program.order_of(strategy, &SharedLessons::default(), seed).len(), steps);
            }
        }

        #[test]
        fn the_same_words_give_the_same_order(program in programs(), seed: u64) {
            let lessons = program.lessons();
            for strategy in ordered() {
                let order = program.order_of(strategy, &lessons, seed);
                prop_assert_eq!(program.order_of(strategy, &lessons, seed), order);
            }
        }
    }

    #[test]
    fn lessons_tell_how_long_lanes_are() {
        let mut program = Program { lanes: vec![vec![plain(); 5], vec![writes(3); 3], vec![writes(3); 2]] };
        program.lanes[1][0].after = Some((0, 2));
        program.lanes[2][0].after = Some((1, 0));
        let lessons = program.lessons();
        let lengths: Vec<(u32, u32)> = (0..3)
            .map(|lane| lessons.lane(name(lane, 0).lane).expect("it ran"))
            .map(|lane| (lane.own.get(), lane.all.get()))
            .collect();
        assert_eq!(lengths, [(5, 10), (3, 5), (2, 2)]);
        let touching: Vec<u32> = lessons.objects[0].1.iter().map(|(_, count)| count.get()).collect();
        assert_eq!((lessons.objects.len(), touching.iter().sum::<u32>()), (1, 5));
    }

    #[test]
    fn a_step_of_an_unseen_visit_is_expected_to_do_what_others_there_did() {
        let program = Program { lanes: vec![vec![writes(3); 3]] };
        let lessons = program.lessons();
        assert_eq!(lessons.footprints.of(&StepName { visit: 99, ..name(0, 1) })[0].object, 3);
        assert!(lessons.footprints.of(&name(1, 1)).is_empty());
    }

    #[test]
    fn the_digest_of_lessons_tells_them_apart() {
        let digest = |program: &Program, runs: u64| {
            let mut lessons = Lessons::default();
            for seed in 0..runs {
                lessons.learn([(0, &program.run(&mut Weighted::default(), seed).1)]);
            }
            lessons.digest()
        };
        let program = Program::independent(2, 3);
        assert_eq!(digest(&program, 2), digest(&program, 2));
        assert_ne!(digest(&program, 2), digest(&program, 3));
        assert_ne!(digest(&program, 2), digest(&Program::independent(3, 2), 2));
    }
}
