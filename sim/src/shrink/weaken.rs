//! Asks as little as can be: a hold is over earlier, or of a later step; a burst is shorter.
//!
//! What remains names the two steps that matter: not `until the auditor has ended` but `until the auditor has read`. The
//! weakest is looked for by halving, as if what holds until a step held until all later ones: mostly so, and each
//! candidate is run anyway.

use super::Search;
use super::bursts::index_of;
use crate::deviations::Deviation;
use counterpoint_runtime::schedule::{Burst, Hold, StepPattern};

pub(super) fn pass(search: &mut Search<'_>) {
    for deviation in search.list() {
        match deviation {
            Deviation::Hold(number, hold) => {
                // In this order: who has lost a place in the queue stays behind, so an early step held shortly may do as
                // well, and says less than the two steps that matter.
                let hold = anchor(search, number, hold);
                let hold = hold_later(search, number, hold);
                end_earlier(search, number, hold);
            }
            Deviation::Burst(number, burst) => {
                let burst = begin_later(search, number, burst);
                end_sooner(search, number, burst);
            }
            Deviation::Draw(_) => {}
        }
    }
}

/// Tries `candidates` in the place of a hold, the furthest one that will do.
fn replace_hold(search: &mut Search<'_>, number: u32, hold: Hold, candidates: &[Hold]) -> Hold {
    let mut now = hold;
    search.accept_furthest(candidates.len(), |search, index| {
        let (old, new) = (Deviation::Hold(number, now), Deviation::Hold(number, candidates[index]));
        let accepted = search.accept_instead(old, new);
        if accepted {
            now = candidates[index];
        }
        accepted
    });
    now
}

/// Until a step that runs, where the run now fails before it comes to the one until which it held.
fn anchor(search: &mut Search<'_>, number: u32, hold: Hold) -> Hold {
    let Some(seen) = search.see().and_then(|observed| observed.seen.get(&number)) else { return hold };
    let last = seen.steps().last().map(|step| StepPattern::Exact(step.name.key()));
    match last.filter(|last| *last != hold.held && index_of(seen, hold.until).is_none()) {
        Some(until) => replace_hold(search, number, hold, &[Hold { until, ..hold }]),
        None => hold,
    }
}

/// Until an earlier step of the same lane, which ran while the held one was ready.
fn end_earlier(search: &mut Search<'_>, number: u32, hold: Hold) {
    let Some(seen) = search.see().and_then(|observed| observed.seen.get(&number)) else { return };
    let (StepPattern::Exact(held), Some(until)) = (hold.held, index_of(seen, hold.until)) else { return };
    let steps = seen.steps();
    let lane = steps[until].name.lane;
    let waits = |index: &usize| seen.others(&steps[*index]).iter().any(|other| other.key() == held);
    let earlier = (0..until).rev().filter(|index| steps[*index].name.lane == lane).take_while(waits);
    let candidates: Vec<Hold> =
        earlier.map(|index| Hold { until: StepPattern::Exact(steps[index].name.key()), ..hold }).collect();
    replace_hold(search, number, hold, &candidates);
}

/// A later step of the same lane.
fn hold_later(search: &mut Search<'_>, number: u32, hold: Hold) -> Hold {
    let Some(seen) = search.see().and_then(|observed| observed.seen.get(&number)) else { return hold };
    let Some(held) = index_of(seen, hold.held) else { return hold };
    let steps = seen.steps();
    let later = (held + 1..steps.len()).filter(|index| steps[*index].name.lane == steps[held].name.lane);
    let candidates: Vec<Hold> =
        later.map(|index| Hold { held: StepPattern::Exact(steps[index].name.key()), ..hold }).collect();
    replace_hold(search, number, hold, &candidates)
}

/// From a later step of the same lane on, with the same end.
fn begin_later(search: &mut Search<'_>, number: u32, burst: Burst) -> Burst {
    let Some(seen) = search.see().and_then(|observed| observed.seen.get(&number)) else { return burst };
    let Some(from) = index_of(seen, burst.from) else { return burst };
    let steps = seen.steps();
    let own = (from + 1..steps.len()).filter(|index| steps[*index].name.lane == steps[from].name.lane);
    let candidates: Vec<Burst> = own
        .zip(1..burst.steps)
        .map(|(index, fewer)| Burst {
            from: StepPattern::Exact(steps[index].name.key()),
            steps: burst.steps - fewer,
        })
        .collect();
    let mut now = burst;
    search.accept_furthest(candidates.len(), |search, index| {
        let new = Deviation::Burst(number, candidates[index]);
        let accepted = search.accept_instead(Deviation::Burst(number, now), new);
        if accepted {
            now = candidates[index];
        }
        accepted
    });
    now
}

/// Fewer steps.
fn end_sooner(search: &mut Search<'_>, number: u32, burst: Burst) {
    let mut now = burst;
    let count = burst.steps.saturating_sub(1);
    search.accept_furthest(count as usize, |search, index| {
        let shorter = Burst { steps: burst.steps - 1 - index as u32, ..burst };
        let accepted =
            search.accept_instead(Deviation::Burst(number, now), Deviation::Burst(number, shorter));
        if accepted {
            now = shorter;
        }
        accepted
    });
}
