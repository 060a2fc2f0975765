//! What of a run is shown: the lanes that have a part in a failure, and the steps around those that are spoken of.

use counterpoint_runtime::trace::{Event, StepRecord};
use std::collections::{BTreeMap, BTreeSet};

/// So many steps that were overtaken have their lanes shown.
const OVERTAKEN_MAX: usize = 8;
/// With more lines than this, what is far from every note is left out.
const LINES_MAX: usize = 50;
/// So many lines before a note, and after it, are shown.
const AROUND: usize = 6;
/// So many lines at the end are shown.
const AT_THE_END: usize = 20;

/// What of a run is shown.
#[derive(Default)]
pub(super) struct Focus<'a> {
    /// The lanes whose steps are; all if it is empty.
    pub(super) lanes: BTreeSet<&'a str>,
    /// Are packets?
    pub(super) packets: bool,
    /// What is said below steps, by loop and step key.
    pub(super) notes: BTreeMap<(u32, u64), Vec<String>>,
}

impl<'a> Focus<'a> {
    /// These lanes, those with steps that conflict with theirs, and those that they overtook.
    pub(super) fn on(lanes: BTreeSet<&'a str>, trace: &'a [Event]) -> Focus<'a> {
        let mut touched: BTreeMap<(u32, &str), bool> = BTreeMap::new();
        for step in steps_of(trace).filter(|step| lanes.contains(lane_of(step))) {
            for access in &step.footprint {
                *touched.entry((step.loop_number, access.object.as_str())).or_default() |= access.write;
            }
        }
        let conflicts = |step: &StepRecord| {
            step.footprint.iter().any(|access| {
                let written = touched.get(&(step.loop_number, access.object.as_str()));
                written.is_some_and(|written| *written || access.write)
            })
        };
        let others = steps_of(trace).filter(|step| conflicts(step)).map(lane_of);
        let early = steps_of(trace).filter(|step| lanes.contains(lane_of(step)));
        let overtaken = early.flat_map(|step| step.others.iter().take(step.choice as usize));
        let overtaken =
            overtaken.map(|lane| lane.strip_prefix("timer of ").unwrap_or(lane)).take(OVERTAKEN_MAX);
        let lanes = match lanes.is_empty() {
            true => lanes,
            false => lanes.iter().copied().chain(others).chain(overtaken).collect(),
        };
        Focus { lanes, ..Focus::default() }
    }

    pub(super) fn shows(&self, lane: &str) -> bool {
        self.lanes.is_empty() || self.lanes.contains(lane)
    }

    pub(super) fn notes_of(&self, step: &StepRecord) -> &[String] {
        self.notes.get(&(step.loop_number, step.name.key())).map_or(&[], Vec::as_slice)
    }
}

/// The steps of a trace.
pub(crate) fn steps_of(trace: &[Event]) -> impl Iterator<Item = &StepRecord> {
    trace.iter().filter_map(|event| match event {
        Event::Step(step) => Some(step),
        _ => None,
    })
}

/// The lane that a step is about: of a timer, the one that waits for it.
pub(crate) fn lane_of(step: &StepRecord) -> &str {
    step.lane.strip_prefix("timer of ").unwrap_or(&step.lane)
}

/// Leaves out lines that are far from those that are noted, and from the end; `gap` stands for them.
pub(super) fn cut<Line>(lines: Vec<Line>, noted: &[usize], gap: impl Fn() -> Line) -> Vec<Line> {
    if lines.len() <= LINES_MAX {
        return lines;
    }
    let count = lines.len();
    let is_near = |index: usize| {
        index + AT_THE_END >= count || noted.iter().any(|noted| noted.abs_diff(index) <= AROUND)
    };
    let (mut kept, mut left_out) = (Vec::new(), false);
    for (index, line) in lines.into_iter().enumerate() {
        if is_near(index) {
            if std::mem::take(&mut left_out) {
                kept.push(gap());
            }
            kept.push(line);
        } else {
            left_out = true;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_from_the_notes_is_left_out() {
        let lines: Vec<usize> = (0..100).collect();
        let kept = cut(lines, &[10], || 999);
        let expected: Vec<usize> = [999].into_iter().chain(4..=16).chain([999]).chain(80..100).collect();
        assert_eq!(kept, expected);
        assert_eq!(cut((0..50).collect(), &[], || 999).len(), 50, "few lines are all shown");
    }
}
