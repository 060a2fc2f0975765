//! What earlier runs teach a strategy.
//!
//! Learned from the [`Seen`] steps of a few runs that are fixed in advance, then frozen: a later run takes the lessons as
//! a parameter, so that it is the same alone, in a hunt, and on another machine.
//!
//! Everything is kept in sorted vectors and whole numbers. Who made a task is not told; it is taken from the order: a
//! lane that is ready for the first time after a step was started by that step.

use super::footprints::Footprints;
use super::{Seen, SeenStep, Touch};
use crate::lanes::mix;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// More races than these are not learned in one loop.
const RACES_MAX: usize = 4_096;

/// Entries that ran nothing are missing from what was seen, so that a few more than the new ones are looked at.
const UNSEEN_MAX: usize = 8;

/// The lessons for each loop, by the loop's number.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    loops: Vec<(u32, SharedLessons)>,
}

/// The lessons for one loop, as all its runs have them.
pub(crate) type SharedLessons = Arc<LoopLessons>;

/// The lessons for one loop.
#[derive(Clone, Debug, Default)]
pub struct LoopLessons {
    /// The most steps with a choice in one run: `k` of PCT.
    pub(crate) choices: u32,
    /// By lane, in the order of the lanes: its steps in a run.
    pub(crate) lanes: Vec<(u64, LaneLesson)>,
    /// By step: what it touched when it last ran.
    pub(crate) footprints: Footprints,
    /// By object, in the order of the objects: how many steps of each lane touched it, where several lanes did and
    /// their order mattered.
    pub(crate) objects: Vec<(u64, Vec<(u64, Mean)>)>,
    /// Step keys of different lanes that conflict and were seen in this order: a race that could be reversed.
    pub(crate) races: Vec<(u64, u64)>,
}

/// How many steps a lane has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LaneLesson {
    /// Its own.
    pub(crate) own: Mean,
    /// Its own, and those of the lanes that it starts, and that these start.
    pub(crate) all: Mean,
}

/// A running mean of counts that are at least 1, over the runs in which there was something to count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: u64,
    runs: u32,
}

impl Mean {
    fn add(&mut self, count: u64) {
        self.sum += count;
        self.runs += 1;
    }

    /// The mean, rounded; at least 1.
    pub(crate) fn get(self) -> u32 {
        let runs = u64::from(self.runs.max(1));
        ((self.sum + runs / 2) / runs).clamp(1, u64::from(u32::MAX)) as u32
    }

    fn digest(self) -> u64 {
        mix(self.sum, u64::from(self.runs))
    }
}

impl Lessons {
    /// Learns from one more run: the steps of each of its loops, by the loop's number.
    pub fn learn<'a>(&mut self, seen: impl IntoIterator<Item = (u32, &'a Seen)>) {
        for (number, seen) in seen {
            let index = match self.loops.binary_search_by_key(&number, |entry| entry.0) {
                Ok(index) => index,
                Err(index) => {
                    self.loops.insert(index, (number, Arc::default()));
                    index
                }
            };
            Arc::make_mut(&mut self.loops[index].1).learn(seen);
        }
    }

    /// The lessons for the loop with this number; nothing was learned of a loop that never ran.
    pub fn of_loop(&self, number: u32) -> Option<&Arc<LoopLessons>> {
        let index = self.loops.binary_search_by_key(&number, |entry| entry.0).ok()?;
        Some(&self.loops[index].1)
    }

    /// A number for all that was learned: recordings keep it, so that a run can say by which lessons it went.
    pub fn digest(&self) -> u64 {
        self.loops.iter().fold(self.loops.len() as u64, |digest, (number, lessons)| {
            mix(mix(digest, u64::from(*number)), lessons.digest())
        })
    }
}

impl LoopLessons {
    /// What is known of a lane.
    pub(crate) fn lane(&self, lane: u64) -> Option<&LaneLesson> {
        let index = self.lanes.binary_search_by_key(&lane, |entry| entry.0).ok()?;
        Some(&self.lanes[index].1)
    }

    fn learn(&mut self, seen: &Seen) {
        let choices = seen.steps().iter().filter(|step| !seen.others(step).is_empty()).count();
        self.choices = self.choices.max(choices as u32);
        self.learn_lanes(seen);
        self.footprints.learn(seen.steps().iter().map(|step| (step.name, seen.touched(step))));
        self.learn_objects(seen);
        self.learn_races(seen);
    }

    fn learn_lanes(&mut self, seen: &Seen) {
        let mut own: BTreeMap<u64, u64> = BTreeMap::new();
        for step in seen.steps() {
            *own.entry(step.name.lane).or_default() += 1;
        }
        let mut all = own.clone();
        // The youngest first, so that what they have comes to their parents before these hand it on.
        for (lane, parent) in started_by(seen).into_iter().rev() {
            let count = all.get(&lane).copied().unwrap_or(0);
            *all.entry(parent).or_default() += count;
        }
        for (lane, count) in own {
            let lesson = entry(&mut self.lanes, lane);
            lesson.own.add(count);
            lesson.all.add(all[&lane]);
        }
    }

    fn learn_objects(&mut self, seen: &Seen) {
        let mut objects: BTreeMap<u64, Accesses> = BTreeMap::new();
        for step in seen.steps() {
            for touched in seen.touched(step) {
                objects.entry(touched.object).or_default().add(step.name.lane, touched.touch);
            }
        }
        for (object, accesses) in objects {
            if accesses.order_matters() {
                let lanes = entry(&mut self.objects, object);
                for (lane, count) in accesses.lanes {
                    entry(lanes, lane).add(count);
                }
            }
        }
    }

    fn learn_races(&mut self, seen: &Seen) {
        let room = RACES_MAX.saturating_sub(self.races.len());
        let found = races(seen);
        self.races.extend(found.into_iter().take(room));
        self.races.sort_unstable();
        self.races.dedup();
    }

    fn digest(&self) -> u64 {
        let mut digest = u64::from(self.choices);
        for (lane, lesson) in &self.lanes {
            digest = mix(mix(mix(digest, *lane), lesson.own.digest()), lesson.all.digest());
        }
        for (key, footprint) in self.footprints.iter() {
            digest = mix(digest, *key);
            for touched in footprint {
                digest = mix(mix(digest, touched.object), touched.touch as u64);
            }
        }
        for (object, lanes) in &self.objects {
            digest = mix(digest, *object);
            for (lane, count) in lanes {
                digest = mix(mix(digest, *lane), count.digest());
            }
        }
        self.races.iter().fold(digest, |digest, (first, second)| mix(mix(digest, *first), *second))
    }
}

/// The value of a key in a sorted vector, put there if it is not yet.
fn entry<V: Default>(sorted: &mut Vec<(u64, V)>, key: u64) -> &mut V {
    let index = match sorted.binary_search_by_key(&key, |entry| entry.0) {
        Ok(index) => index,
        Err(index) => {
            sorted.insert(index, (key, V::default()));
            index
        }
    };
    &mut sorted[index].1
}

/// Which lane started which, the child first, in the order in which the children were met.
fn started_by(seen: &Seen) -> Vec<(u64, u64)> {
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    let mut before: Option<&SeenStep> = None;
    for step in seen.steps() {
        let others = seen.others(step);
        let kept = before.map_or(0, |before| seen.others(before).len());
        let recent = (others.len() + 1).saturating_sub(kept) + UNSEEN_MAX;
        let recent = &others[others.len().saturating_sub(recent)..];
        for name in recent.iter().chain([&step.name]) {
            if known.insert(name.lane)
                && name.awaited == 0
                && let Some(parent) = before
                && parent.name.lane != name.lane
            {
                found.push((name.lane, parent.name.lane));
            }
        }
        before = Some(step);
    }
    found
}

/// Who touched an object in one run.
#[derive(Default)]
struct Accesses {
    lanes: BTreeMap<u64, u64>,
    /// By kind of touch: a lane that did it, and whether others did.
    kinds: [Option<(u64, bool)>; Touch::ALL.len()],
}

impl Accesses {
    fn add(&mut self, lane: u64, touch: Touch) {
        *self.lanes.entry(lane).or_default() += 1;
        let (first, others) = self.kinds[touch as usize].get_or_insert((lane, false));
        *others |= *first != lane;
    }

    /// Did two lanes touch it in ways that conflict?
    fn order_matters(&self) -> bool {
        let kind = |touch: &Touch| self.kinds[*touch as usize].map(|kind| (*touch, kind));
        let done = || Touch::ALL.iter().filter_map(kind);
        self.lanes.len() > 1
            && done().any(|(one, (lane, several))| {
                done().any(|(other, (other_lane, others))| {
                    one.conflicts(other) && (several || others || lane != other_lane)
                })
            })
    }
}

/// Pairs of steps of different lanes that touched an object one after the other, in ways that conflict.
fn races(seen: &Seen) -> BTreeSet<(u64, u64)> {
    let mut last: BTreeMap<u64, Vec<(u64, u64, Touch)>> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for step in seen.steps() {
        let (lane, key) = (step.name.lane, step.name.key());
        for touched in seen.touched(step) {
            let accesses = last.entry(touched.object).or_default();
            let before =
                accesses.iter().rev().find(|access| access.0 != lane && access.2.conflicts(touched.touch));
            if let Some((_, first, _)) = before {
                found.insert((*first, key));
            }
            // One access of each lane and kind is enough: the last.
            accesses.retain(|access| access.0 != lane || access.2 != touched.touch);
            accesses.push((lane, key, touched.touch));
        }
    }
    found
}
