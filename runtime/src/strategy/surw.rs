//! SURW: the interleavings of the steps that touch one object are sampled evenly, all other steps around them.
//!
//! Of the objects that lanes contended for in earlier runs one is drawn for the run. The steps that touch it come in an
//! order that is drawn beforehand, bit by bit: the lane that is *meant* to touch it next is drawn by how many of these
//! steps each lane has left. Another lane that comes to such a step is parked until it is meant. When all that is ready
//! is parked, the one that is meant must wait for one of them: one is drawn in the same way, among these.
//!
//! Lanes keep their names from run to run, so that one that was not started yet can be meant. Steps elsewhere come by
//! a base order, drawn for the run as well, and without lessons that is all.
//!
//! Source: Zhao, Yang, Madhusudan, Bowers, "Selectively Uniform Concurrency Testing", ASPLOS 2025, section 4.

use super::lane_numbers::LaneNumbers;
use super::pos::Pos;
use super::urw::Urw;
use super::weights::Weights;
use super::{Order, Pending};

use crate::choices::Stream;
use crate::schedule::{SharedLessons, StepName, Touched};

const NOBODY: u32 = u32::MAX;
const DRAWN: &str = "the base is drawn with the first entry";

/// The order of what is not parked.
enum Base {
    /// Every interleaving about as often.
    Even(Urw),
    /// A random priority for each entry.
    Priorities(Pos),
}

impl Base {
    /// Mostly the even one, which meets most bugs sooner. Where it seldom lets a short lane wait for a long one, the
    /// other does.
    fn draw(lessons: Option<&SharedLessons>, stream: &mut Stream) -> Base {
        match stream.below(3) {
            0 => Base::Priorities(Pos::new(None)),
            _ => Base::Even(Urw::new(lessons.cloned())),
        }
    }

    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        match self {
            Base::Even(order) => order.ready(entry, pending, stream),
            Base::Priorities(order) => order.ready(entry, pending, stream),
        }
    }

    fn pick(&mut self, stream: &mut Stream) -> u32 {
        match self {
            Base::Even(order) => order.pick(stream),
            Base::Priorities(order) => order.pick(stream),
        }
    }
}

pub(super) struct Surw {
    lessons: Option<SharedLessons>,
    object: Option<u64>,
    numbers: LaneNumbers,
    /// By lane: how many steps that touch the object it has left.
    left: Weights,
    /// By lane: the same of those that are parked.
    parked: Weights,
    /// By lane: the entry that is parked.
    waiting: Vec<Option<(u32, Pending)>>,
    /// The lane that is to touch the object next.
    meant: u32,
    /// Drawn with the first entry.
    base: Option<Base>,
    /// How many entries the base has.
    ready: usize,
}

impl Surw {
    pub(super) fn new(lessons: Option<SharedLessons>) -> Surw {
        Surw {
            lessons,
            object: None,
            numbers: LaneNumbers::new(),
            left: Weights::default(),
            parked: Weights::default(),
            waiting: Vec::new(),
            meant: NOBODY,
            base: None,
            ready: 0,
        }
    }

    fn draw_object(&mut self, stream: &mut Stream) {
        let Some(lessons) = &self.lessons else { return };
        let drawn = stream.below(lessons.objects.len() as u32) as usize;
        let Some((object, lanes)) = lessons.objects.get(drawn) else { return };
        self.object = Some(*object);
        for (lane, count) in lanes {
            self.left.set(self.numbers.number(*lane), count.get());
        }
        self.mean_another(stream);
    }

    /// Draws who is meant next, and lets it go if it is parked.
    fn mean_another(&mut self, stream: &mut Stream) {
        let drawn = self.left.draw(stream);
        self.meant = drawn.map_or(NOBODY, |lane| lane as u32);
        if let Some(lane) = drawn {
            self.unpark(lane, stream);
        }
    }

    fn unpark(&mut self, lane: usize, stream: &mut Stream) {
        if let Some((entry, pending)) = self.waiting.get_mut(lane).and_then(Option::take) {
            self.parked.set(lane, 0);
            self.push(entry, &pending, stream);
        }
    }

    fn push(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        self.ready += 1;
        self.base.as_mut().expect(DRAWN).ready(entry, pending, stream);
    }

    /// Is the entry to wait? A lane of which more comes than was expected has one such step left at least.
    fn parks(&mut self, entry: u32, pending: &Pending) -> bool {
        let (Some(object), Some(lessons)) = (self.object, &self.lessons) else { return false };
        if !touches(lessons.footprints.of(&pending.name), object) {
            return false;
        }
        let lane = self.numbers.of(&pending.name);
        if self.left.get(lane) == 0 {
            self.left.set(lane, 1);
        }
        if self.meant == NOBODY {
            self.meant = lane as u32;
        }
        if self.waiting.len() <= lane {
            self.waiting.resize(lane + 1, None);
        }
        if self.meant == lane as u32 || self.waiting[lane].is_some() {
            return false;
        }
        self.waiting[lane] = Some((entry, *pending));
        self.parked.set(lane, self.left.get(lane));
        true
    }
}

fn touches(footprint: &[Touched], object: u64) -> bool {
    footprint.iter().any(|touched| touched.object == object)
}

impl Order for Surw {
    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        if self.base.is_none() {
            self.base = Some(Base::draw(self.lessons.as_ref(), stream));
            self.draw_object(stream);
        }
        if !self.parks(entry, pending) {
            self.push(entry, pending, stream);
        }
    }

    fn pick(&mut self, stream: &mut Stream) -> u32 {
        if self.ready == 0
            && let Some(lane) = self.parked.draw(stream)
        {
            self.meant = lane as u32;
            self.unpark(lane, stream);
        }
        self.ready -= 1;
        self.base.as_mut().expect(DRAWN).pick(stream)
    }

    fn executed(&mut self, name: &StepName, touched: &[Touched], stream: &mut Stream) {
        let Some(object) = self.object else { return };
        if !touches(touched, object) {
            return;
        }
        let lane = self.numbers.of(name);
        let left = self.left.get(lane);
        self.left.set(lane, left.saturating_sub(1));
        if self.meant == lane as u32 || self.meant == NOBODY {
            self.mean_another(stream);
        }
    }

    fn wants_footprints(&self) -> bool {
        self.lessons.as_ref().is_some_and(|lessons| !lessons.objects.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Strategy;
    use super::super::testing::{Program, Step, plain, writes};
    use super::*;
    use std::collections::BTreeMap;

    /// How often the steps that touch object 7 came in each order of their lanes.
    fn projections(program: &Program, runs: u64) -> BTreeMap<Vec<usize>, u32> {
        let lessons = program.lessons();
        let mut counts = BTreeMap::new();
        for seed in 0..runs {
            let mut order = Strategy::Surw.order(None, Some(&lessons)).expect("it has an order of its own");
            let (ran, _) = program.run(&mut *order, seed);
            let touching =
                ran.into_iter().filter(|(lane, index)| touches(&program.lanes[*lane][*index].touched, 7));
            *counts.entry(touching.map(|(lane, _)| lane).collect()).or_default() += 1;
        }
        counts
    }

    #[test]
    fn every_order_of_the_touching_steps_comes_about_as_often() {
        // Lane 1 has far more to do, before and after.
        let mut long = vec![plain(); 30];
        for index in [4, 5, 20] {
            long[index] = writes(7);
        }
        let program = Program { lanes: vec![vec![writes(7); 3], long] };
        let counts = projections(&program, 10_000);
        // 20 of them: 500 each.
        assert_eq!(counts.len(), 20);
        let off: u32 = counts.values().map(|count| count.abs_diff(500).pow(2)).sum();
        assert!(off / 500 < 45, "{counts:?}");
    }

    #[test]
    fn a_lane_that_is_not_started_yet_can_be_meant() {
        // Lane 0 starts lane 1 in the end, and lane 2 could have touched the object long before.
        let mut program = Program { lanes: vec![vec![plain(); 20], vec![writes(7)], vec![writes(7)]] };
        program.lanes[1][0].after = Some((0, 19));
        let counts = projections(&program, 1_000);
        assert!(counts.values().all(|count| *count > 400), "{counts:?}");
    }

    #[test]
    fn what_is_meant_may_have_to_wait_for_one_that_is_parked() {
        // Lane 0 touches the object first whatever is drawn: lane 1 waits for that.
        let mut program = Program { lanes: vec![vec![writes(7); 2], vec![writes(7); 4]] };
        program.lanes[1][1] = Step { after: Some((0, 0)), ..writes(7) };
        let counts = projections(&program, 1_000);
        assert!(counts.keys().all(|lanes| !lanes.starts_with(&[1, 1])), "{counts:?}");
        // Of the fifteen orders of two and four, six begin with two steps of lane 1.
        assert_eq!(counts.len(), 9);
    }
}
