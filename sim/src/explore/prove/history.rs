//! What happened before what in one run, and which conflicts could have gone the other way.
//!
//! A step happens before another one if it belongs to the same lane and comes earlier, if it made the other one
//! ready, if the two conflict and it came first, if virtual time moved on between the two (it does so only when
//! nothing is ready), or by way of steps between. Vector clocks over the lanes keep this.
//!
//! Two steps of different lanes that conflict, with nothing between them in this sense, are a *race*, unless the
//! first made the second ready: the second could have come first.
//!
//! The last step of the main task ends the program: what still runs then is cancelled, in a tick whose length depends
//! on all that is ready. So from there on every step counts as one that conflicts with every other.

use counterpoint_runtime::schedule::{Seen, StepName, Touched, conflict};
use std::collections::BTreeMap;

/// A step, with what is known of its footprint.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: StepName,
    /// None if it is taken to conflict with everything.
    pub(super) touched: Option<Vec<Touched>>,
}

impl Known {
    /// A step whose footprint nobody has seen.
    pub(super) fn unseen(name: StepName) -> Known {
        Known { name, touched: None }
    }

    /// May the two not be swapped?
    pub(super) fn depends(&self, other: &Known) -> bool {
        self.name.lane == other.name.lane || self.conflicts(other)
    }

    fn conflicts(&self, other: &Known) -> bool {
        match (&self.touched, &other.touched) {
            (Some(one), Some(other)) => conflict(one, other),
            _ => true,
        }
    }
}

/// The second step of a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Second {
    /// A step that ran.
    Ran(usize),
    /// One that was ready and never ran, because the first step took it away.
    Gone(StepName),
}

/// A conflict that could have gone the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Race {
    pub(super) first: usize,
    pub(super) second: Second,
}

/// What is counted as a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conflicts {
    /// Footprints that conflict.
    Footprints,
    /// Any two steps of different lanes.
    All,
    /// None: what remains is order that no schedule can change.
    Nothing,
}

/// The steps of a run, and their clocks.
#[derive(Debug)]
pub(super) struct History {
    pub(super) steps: Vec<Known>,
    pub(super) races: Vec<Race>,
    lanes: Vec<usize>,
    /// By step: how many steps of each lane happened before it, itself included.
    clocks: Vec<Vec<u32>>,
}

impl History {
    /// The history of a run; of one that came to its end if `ended`.
    pub(super) fn of(seen: &Seen, ended: bool, conflicts: Conflicts) -> History {
        let steps = known(seen, ended);
        let mut numbers = BTreeMap::new();
        let lanes: Vec<usize> = steps
            .iter()
            .map(|step| {
                let next = numbers.len();
                *numbers.entry(step.name.lane).or_insert(next)
            })
            .collect();
        let mut history = History { steps, races: Vec::new(), lanes, clocks: Vec::new() };
        history.order(seen, numbers.len(), conflicts);
        if conflicts == Conflicts::Footprints {
            history.races.extend(taken_away(seen, ended));
        }
        history
    }

    /// Did one step happen before another, later one?
    pub(super) fn precedes(&self, first: usize, second: usize) -> bool {
        is_in(&self.clocks[second], self.lanes[first], self.clocks[first][self.lanes[first]])
    }

    /// Do two steps of different lanes conflict?
    pub(super) fn conflict(&self, one: usize, other: usize) -> bool {
        self.lanes[one] != self.lanes[other] && self.steps[one].conflicts(&self.steps[other])
    }

    fn order(&mut self, seen: &Seen, lanes: usize, conflicts: Conflicts) {
        let mut floor = vec![0; lanes];
        let mut latest: Vec<Option<usize>> = vec![None; lanes];
        for (step, cause) in causes(seen).into_iter().enumerate() {
            if step > 0 && seen.steps()[step].time > seen.steps()[step - 1].time {
                self.clocks.iter().for_each(|clock| join(&mut floor, clock));
            }
            let mut clock = floor.clone();
            let lane = self.lanes[step];
            for earlier in latest[lane].into_iter().chain(cause) {
                join(&mut clock, &self.clocks[earlier]);
            }
            if conflicts != Conflicts::Nothing {
                for earlier in (0..step).rev() {
                    let before =
                        is_in(&clock, self.lanes[earlier], self.clocks[earlier][self.lanes[earlier]]);
                    if !before && (conflicts == Conflicts::All || self.conflict(earlier, step)) {
                        self.races.push(Race { first: earlier, second: Second::Ran(step) });
                        join(&mut clock, &self.clocks[earlier]);
                    }
                }
            }
            clock[lane] += 1;
            self.clocks.push(clock);
            latest[lane] = Some(step);
        }
    }
}

/// The steps with their footprints. Those from the end of the main task on conflict with everything.
fn known(seen: &Seen, ended: bool) -> Vec<Known> {
    let steps = seen.steps();
    let main = steps.first().map(|step| step.name.lane);
    let last = steps.iter().rposition(|step| Some(step.name.lane) == main);
    let end = if ended { last.unwrap_or(0) } else { usize::MAX };
    let known = |(index, step)| {
        let step: &counterpoint_runtime::schedule::SeenStep = step;
        let touched = (index < end).then(|| seen.touched(step).to_vec());
        Known { name: step.name, touched }
    };
    steps.iter().enumerate().map(known).collect()
}

/// By step: the one that made it ready; none if it was ready from the beginning or time made it so.
fn causes(seen: &Seen) -> Vec<Option<usize>> {
    let steps = seen.steps();
    let mut since: BTreeMap<StepName, usize> = BTreeMap::new();
    let mut causes = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let ready = seen.others(step).iter().chain([&step.name]);
        since = ready.map(|name| (*name, since.get(name).copied().unwrap_or(index))).collect();
        let begun = since[&step.name];
        let before = begun.checked_sub(1).filter(|before| steps[*before].time == steps[begun].time);
        // A callback is ready only once those before it in the line have run, but it was put there earlier.
        causes.push(step.cause.map(|cause| cause as usize).or(before));
        since.remove(&step.name);
    }
    causes
}

/// Steps that were ready, did not run, and are not ready after the next step any more.
fn taken_away(seen: &Seen, ended: bool) -> Vec<Race> {
    let (mut races, steps) = (Vec::new(), seen.steps());
    for (index, step) in steps.iter().enumerate() {
        let next = steps.get(index + 1);
        if next.is_none() && !ended {
            break; // nobody knows
        }
        let stays =
            |name: &StepName| next.is_some_and(|next| next.name == *name || seen.others(next).contains(name));
        let gone = seen.others(step).iter().filter(|name| name.lane != step.name.lane && !stays(name));
        races.extend(gone.map(|name| Race { first: index, second: Second::Gone(*name) }));
    }
    races
}

fn is_in(clock: &[u32], lane: usize, count: u32) -> bool {
    clock[lane] >= count
}

fn join(clock: &mut [u32], other: &[u32]) {
    clock.iter_mut().zip(other).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
}
