//! A fingerprint of what a run did that is equal for equivalent orders, and the conflicts it saw.
//!
//! The hash of a step is made of its name, of the hash of the step before it in its lane, and for each object that it
//! touched of what was done before to the object and conflicts with that. An object has one value for each kind of touch:
//! for kinds of which two conflict, the hash of the last step (which has the ones before it in it); for kinds of which two
//! commute, the sum over all steps. The hash of a run is the sum over its steps. So swapping two neighbours that are
//! independent changes no hash at all, and swapping two that conflict changes both of theirs.
//!
//! Tables are emptied by an epoch and keep their room: once a loop has been through a run, the next allocates nothing
//! here but the list that is handed out.

use super::numbers::Numbers;
use super::{StepName, Touch, Touched};
use crate::lanes::mix;

/// Two sites of different lanes whose steps conflicted, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SitePair {
    /// The site that came first.
    pub first: u64,
    /// The site that came second.
    pub second: u64,
}

/// What one loop did in one run, or several did together.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    hash: u64,
    pairs: Vec<SitePair>,
    /// Which pairs are in the list.
    known: Numbers,
    lanes: Numbers,
    /// By the number of a lane: the hash of its last step.
    last: Vec<u64>,
    objects: Numbers,
    /// By the number of an object.
    histories: Vec<History>,
}

const KINDS: usize = Touch::ALL.len();
/// How many lanes are remembered of those that touched an object in one way.
const RECENT: usize = 4;

/// What was done to one object.
#[derive(Clone, Copy, Debug, Default)]
struct History {
    /// By kind of touch.
    hashes: [u64; KINDS],
    /// By kind of touch: who did so since the object was last written.
    recent: [Recent; KINDS],
}

/// The last sites of a few lanes: those with the least hashes, so that the order in which they came does not matter.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    count: u32,
    steps: [(u64, u64); RECENT],
}

impl Behaviour {
    /// A step ran, and touched this: in the order of the objects, each once.
    pub fn step(&mut self, name: &StepName, touched: &[Touched]) {
        let (lane, fresh) = self.lanes.number(name.lane);
        if fresh {
            self.last.truncate(lane as usize);
            self.last.push(0);
        }
        let mut hash = mix(name.key(), self.last[lane as usize]);
        for touched in touched {
            let history = self.history(touched.object);
            hash = mix(hash, touched.object ^ touched.touch as u64);
            hash = self.histories[history].before(touched.touch).fold(hash, mix);
        }
        for touched in touched {
            let history = self.history(touched.object);
            self.pair(history, name, touched.touch);
            self.histories[history].add(touched.touch, hash, name);
        }
        self.last[lane as usize] = hash;
        self.hash = self.hash.wrapping_add(mix(hash, 1));
    }

    /// The index of an object's history.
    fn history(&mut self, object: u64) -> usize {
        let (number, fresh) = self.objects.number(object);
        if fresh {
            self.histories.truncate(number as usize);
            self.histories.push(History::default());
        }
        number as usize
    }

    /// Notes the conflicts of a step with those before it.
    fn pair(&mut self, history: usize, name: &StepName, touch: Touch) {
        let second = name.site();
        for earlier in Touch::ALL.into_iter().filter(|earlier| earlier.conflicts(touch)) {
            let recent = self.histories[history].recent[earlier as usize];
            for (lane, first) in &recent.steps[..recent.count as usize] {
                if *lane != name.lane {
                    self.add_pair(SitePair { first: *first, second });
                }
            }
        }
    }

    fn add_pair(&mut self, pair: SitePair) {
        if self.known.number(mix(pair.first, pair.second)).1 {
            self.pairs.push(pair);
        }
    }

    /// Adds what another loop of the run did.
    pub fn add(&mut self, loop_number: u32, other: &Behaviour) {
        self.hash = self.hash.wrapping_add(mix(other.hash, u64::from(loop_number)));
        other.pairs.iter().for_each(|pair| self.add_pair(*pair));
    }

    /// The hash over all steps so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The conflicts so far, each once, in the order in which they were first seen.
    pub fn pairs(&self) -> &[SitePair] {
        &self.pairs
    }

    /// Hands out what was found so far, and begins anew, keeping the room.
    pub fn take(&mut self) -> Behaviour {
        let mut taken = Behaviour { hash: self.hash, ..Behaviour::default() };
        taken.pairs.clone_from(&self.pairs);
        for pair in &taken.pairs {
            taken.known.number(mix(pair.first, pair.second));
        }
        self.clear();
        taken
    }

    /// Forgets all, keeping the room.
    pub fn clear(&mut self) {
        self.hash = 0;
        self.pairs.clear();
        self.known.clear();
        self.lanes.clear();
        self.objects.clear();
    }
}

impl History {
    /// What was done before that conflicts with a touch.
    fn before(&self, touch: Touch) -> impl Iterator<Item = u64> {
        Touch::ALL
            .into_iter()
            .filter(move |earlier| earlier.conflicts(touch))
            .map(|earlier| self.hashes[earlier as usize])
    }

    fn add(&mut self, touch: Touch, hash: u64, name: &StepName) {
        let kind = touch as usize;
        if touch == Touch::Write {
            // All that came before comes before whatever comes after.
            self.recent = [Recent::default(); KINDS];
        }
        if touch.conflicts(touch) {
            self.hashes[kind] = hash;
            self.recent[kind] = Recent::default();
        } else {
            self.hashes[kind] = self.hashes[kind].wrapping_add(hash);
        }
        self.recent[kind].add(name.lane, name.site());
    }
}

impl Recent {
    fn add(&mut self, lane: u64, site: u64) {
        let count = self.count as usize;
        if let Some(step) = self.steps[..count].iter_mut().find(|step| step.0 == lane) {
            step.1 = site;
        } else if count < RECENT {
            self.steps[count] = (lane, site);
            self.count += 1;
        } else if let Some(greatest) = self.steps.iter_mut().max_by_key(|step| step.0)
            && lane < greatest.0
        {
            *greatest = (lane, site);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::conflict;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Step = (StepName, Vec<Touched>);

    /// Steps of a few lanes that touch a few objects, named as a loop names them.
    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let touched = prop::collection::btree_map(0..4_u64, prop::sample::select(&Touch::ALL[..]), 0..4);
        prop::collection::vec((0..6_u64, 0..2_u64, touched), 2..40).prop_map(named)
    }

    fn named(raw: Vec<(u64, u64, BTreeMap<u64, Touch>)>) -> Vec<Step> {
        let mut visits = BTreeMap::new();
        let step = |(lane, awaited, touched): (u64, u64, BTreeMap<u64, Touch>)| {
            let visit: &mut u32 = visits.entry((lane, awaited)).or_default();
            *visit += 1;
            let name = StepName { lane: mix(lane, 7), awaited, visit: *visit };
            let touched =
                touched.into_iter().map(|(object, touch)| Touched { object: mix(object, 9), touch });
            let mut touched: Vec<Touched> = touched.collect();
            touched.sort_unstable();
            (name, touched)
        };
        raw.into_iter().map(step).collect()
    }

    fn behaviour(steps: &[Step]) -> (u64, Vec<SitePair>) {
        let mut behaviour = Behaviour::default();
        steps.iter().for_each(|(name, touched)| behaviour.step(name, touched));
        let mut pairs = behaviour.pairs().to_vec();
        pairs.sort_unstable();
        (behaviour.hash(), pairs)
    }

    fn swapped(steps: &[Step], index: usize) -> Vec<Step> {
        let mut swapped = steps.to_vec();
        swapped.swap(index, index + 1);
        swapped
    }

    proptest! {
        #[test]
        fn swapping_independent_neighbours_changes_neither_the_hash_nor_the_pairs(steps in steps()) {
            for index in 0..steps.len() - 1 {
                let (one, other) = (&steps[index], &steps[index + 1]);
                if one.0.lane != other.0.lane && !conflict(&one.1, &other.1) {
                    prop_assert_eq!(behaviour(&swapped(&steps, index)), behaviour(&steps));
                }
            }
        }

        #[test]
        fn swapping_neighbours_that_conflict_changes_the_hash(steps in steps()) {
            for index in 0..steps.len() - 1 {
                let (one, other) = (&steps[index], &steps[index + 1]);
                if one.0.lane != other.0.lane && conflict(&one.1, &other.1) {
                    prop_assert_ne!(behaviour(&swapped(&steps, index)).0, behaviour(&steps).0);
                }
            }
        }

        #[test]
        fn a_behaviour_that_was_cleared_is_as_a_new_one(before in steps(), steps in steps()) {
            let mut used = Behaviour::default();
            before.iter().for_each(|(name, touched)| used.step(name, touched));
            let taken = used.take();
            prop_assert_eq!(taken.hash(), behaviour(&before).0);
            steps.iter().for_each(|(name, touched)| used.step(name, touched));
            let mut pairs = used.pairs().to_vec();
            pairs.sort_unstable();
            prop_assert_eq!((used.hash(), pairs), behaviour(&steps));
        }

        #[test]
        fn loops_may_be_added_in_any_order(one in steps(), other in steps()) {
            let of = |steps: &[Step]| {
                let mut behaviour = Behaviour::default();
                steps.iter().for_each(|(name, touched)| behaviour.step(name, touched));
                behaviour
            };
            let together = |first: (u32, &[Step]), second: (u32, &[Step])| {
                let mut all = Behaviour::default();
                all.add(first.0, &of(first.1));
                all.add(second.0, &of(second.1));
                let mut pairs = all.pairs().to_vec();
                pairs.sort_unstable();
                (all.hash(), pairs)
            };
            let forwards = together((0, &one), (4096, &other));
            prop_assert_eq!(&forwards, &together((4096, &other), (0, &one)));
            let mut once = forwards.1.clone();
            once.dedup();
            prop_assert_eq!(forwards.1, once);
        }
    }

    #[test]
    fn a_pair_is_of_two_lanes_in_their_order_and_is_told_once() {
        let name = |lane, visit| StepName { lane, awaited: 0, visit };
        let write = [Touched { object: 1, touch: Touch::Write }];
        let read = [Touched { object: 1, touch: Touch::Read }];
        let mut behaviour = Behaviour::default();
        for visit in 1..4 {
            behaviour.step(&name(1, visit), &write);
            behaviour.step(&name(1, visit), &write);
            behaviour.step(&name(2, visit), &read);
            behaviour.step(&name(3, visit), &read);
        }
        let site = |lane| name(lane, 1).site();
        let pair = |first, second| SitePair { first: site(first), second: site(second) };
        assert_eq!(behaviour.pairs(), [pair(1, 2), pair(1, 3), pair(2, 1), pair(3, 1)]);
    }
}
