//! Forgets the lanes that had no part in the failure: those out of its causal past.
//!
//! The last steps are the failure's. A lane had a part if one of its steps touched what a later step with a part touched,
//! in a way that conflicts. What a program keeps in cells of its own leaves no footprint, so this is a guess like any
//! other: one run says whether it is right.

use super::Search;
use crate::deviations::Deviation;
use counterpoint_runtime::schedule::{Seen, StepPattern, Touched};
use std::collections::{BTreeMap, BTreeSet};

/// Fewer than this are taken away one by one as fast.
const DEVIATIONS_MIN: usize = 6;

pub(super) fn pass(search: &mut Search<'_>) {
    let list = search.list();
    if list.len() < DEVIATIONS_MIN {
        return;
    }
    let Some(observed) = search.see() else { return };
    let parts: BTreeMap<u32, Parts> =
        observed.seen.iter().map(|(number, seen)| (*number, parts(seen))).collect();
    let has_part = |deviation: &Deviation| {
        let (number, patterns) = match deviation {
            Deviation::Hold(number, hold) => (number, [hold.held, hold.until]),
            Deviation::Burst(number, burst) => (number, [burst.from; 2]),
            Deviation::Draw(_) => return true,
        };
        let Some(parts) = parts.get(number) else { return false };
        patterns.iter().all(|pattern| match pattern {
            StepPattern::Exact(key) => parts.lane_of.get(key).is_none_or(|lane| parts.lanes.contains(lane)),
            StepPattern::Short { .. } | StepPattern::Nth { .. } => true,
        })
    };
    let kept: Vec<Deviation> = list.iter().copied().filter(has_part).collect();
    if kept.len() < list.len() {
        search.accept_list(kept);
    }
}

/// The lanes of one loop that had a part, and whose each step is.
struct Parts {
    lanes: BTreeSet<u64>,
    lane_of: BTreeMap<u64, u64>,
}

fn parts(seen: &Seen) -> Parts {
    let lane_of = seen.steps().iter().map(|step| (step.name.key(), step.name.lane)).collect();
    let (mut lanes, mut touched) = (BTreeSet::new(), Vec::<Touched>::new());
    for (index, step) in seen.steps().iter().rev().enumerate() {
        let own = seen.touched(step);
        let conflicts = || {
            own.iter().any(|one| {
                touched.iter().any(|two| one.object == two.object && one.touch.conflicts(two.touch))
            })
        };
        if index == 0 || lanes.contains(&step.name.lane) || conflicts() {
            lanes.insert(step.name.lane);
            touched.extend_from_slice(own);
            touched.sort_unstable();
            touched.dedup();
        }
    }
    Parts { lanes, lane_of }
}
