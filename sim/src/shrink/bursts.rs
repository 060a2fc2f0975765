//! Many holds until one lane are one burst of that lane.
//!
//! Where one task must run while all others stand still, each of them is held: twenty holds for twenty tasks. It is told
//! in one sentence as a burst: the lane runs so many steps ahead of all others.

use super::Search;
use super::removal::remove_chunks;
use crate::deviations::Deviation;
use counterpoint_runtime::schedule::{Burst, Seen, StepPattern};
use std::collections::BTreeMap;

/// From this many holds on bursts are tried before holds are taken away one by one.
const MANY: usize = 12;

/// Bursts at once, where there are many holds.
pub(super) fn pass_if_many(search: &mut Search<'_>) {
    if search.best().loops.values().map(|constraints| constraints.holds.len()).sum::<usize>() >= MANY {
        pass(search);
    }
}

pub(super) fn pass(search: &mut Search<'_>) {
    // Those with the most holds first.
    let mut lanes: Vec<(usize, (u32, u64))> =
        lanes_waited_for(search).into_iter().map(|(lane, holds)| (holds, lane)).collect();
    lanes.sort_unstable_by(|one, other| other.cmp(one));
    for (holds, (number, lane)) in lanes {
        if holds >= 2 && collapse(search, number, lane) {
            // What the burst does alone needs no holds beside it.
            remove_chunks(search, |deviation| matches!(deviation, Deviation::Hold(..)));
        }
    }
}

/// How many holds wait for each lane of each loop.
fn lanes_waited_for(search: &mut Search<'_>) -> BTreeMap<(u32, u64), usize> {
    let list = search.list();
    let mut lanes = BTreeMap::new();
    if list.iter().filter(|each| matches!(each, Deviation::Hold(..))).count() < 2 {
        return lanes;
    }
    let Some(observed) = search.see() else { return lanes };
    for deviation in list {
        let Deviation::Hold(number, hold) = deviation else { continue };
        let index = observed.seen.get(&number).and_then(|seen| index_of(seen, hold.until));
        if let Some(index) = index {
            let lane = observed.seen[&number].steps()[index].name.lane;
            *lanes.entry((number, lane)).or_default() += 1;
        }
    }
    lanes
}

/// Puts a burst in the place of all holds until steps of a lane.
fn collapse(search: &mut Search<'_>, number: u32, lane: u64) -> bool {
    let list = search.list();
    let Some(seen) = search.see().and_then(|observed| observed.seen.get(&number)) else { return false };
    let steps = seen.steps();
    let is_of_lane = |deviation: &Deviation| match deviation {
        Deviation::Hold(of, hold) if *of == number => {
            index_of(seen, hold.until).filter(|index| steps[*index].name.lane == lane)
        }
        _ => None,
    };
    let Some(last) = list.iter().filter_map(is_of_lane).max() else { return false };
    let own: Vec<usize> = (0..=last).filter(|index| steps[*index].name.lane == lane).collect();
    let Some(first_early) = own.iter().position(|index| steps[*index].rank > 0) else { return false };
    let rest: Vec<Deviation> = list.iter().copied().filter(|each| is_of_lane(each).is_none()).collect();
    // A place won early is often enough: what overtook all once stays ahead.
    let mut candidates = Vec::new();
    for (from, count) in [(first_early, 1), (first_early, own.len() - first_early), (0, own.len())] {
        let from = StepPattern::Exact(steps[own[from]].name.key());
        candidates.push(Deviation::Burst(number, Burst { from, steps: count as u32 }));
    }
    candidates.dedup();
    candidates.into_iter().any(|burst| search.accept_list(rest.iter().copied().chain([burst])))
}

/// Which step of the run a pattern is about.
pub(super) fn index_of(seen: &Seen, pattern: StepPattern) -> Option<usize> {
    let StepPattern::Exact(key) = pattern else { return None };
    seen.steps().iter().position(|step| step.name.key() == key)
}
