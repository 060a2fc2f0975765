//! Sets of run numbers, as few ranges.

use std::fmt;
use std::ops::Range;

/// A set of run numbers: ranges that are in order, not empty, and do not touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunSet(Vec<Range<u64>>);

impl RunSet {
    /// Adds these runs.
    pub(crate) fn insert(&mut self, runs: Range<u64>) {
        if runs.is_empty() {
            return;
        }
        match self.0.last_mut() {
            // A hunt goes upwards: nearly always it is this.
            Some(last) if last.end == runs.start => last.end = runs.end,
            Some(last) if last.end > runs.start => self.insert_between(runs),
            _ => self.0.push(runs),
        }
    }

    fn insert_between(&mut self, mut runs: Range<u64>) {
        let from = self.0.partition_point(|range| range.end < runs.start);
        let to = self.0.partition_point(|range| range.start <= runs.end);
        if from < to {
            runs = self.0[from].start.min(runs.start)..self.0[to - 1].end.max(runs.end);
        }
        self.0.splice(from..to, [runs]);
    }

    /// Adds all of another set.
    pub(crate) fn add(&mut self, other: &RunSet) {
        other.0.iter().for_each(|range| self.insert(range.clone()));
    }

    /// Takes out all runs from this one on.
    pub(crate) fn cut(&mut self, end: u64) {
        self.0.retain(|range| range.start < end);
        if let Some(last) = self.0.last_mut() {
            last.end = last.end.min(end);
        }
    }

    /// The ranges.
    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        &self.0
    }

    /// How many runs.
    pub(crate) fn len(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    /// The runs of a range that are not in the set.
    pub(crate) fn missing(&self, range: Range<u64>) -> RunSet {
        let mut missing = RunSet::default();
        let mut from = range.start;
        for held in &self.0 {
            missing.insert(from..held.start.min(range.end));
            from = from.max(held.end);
        }
        missing.insert(from..range.end);
        missing
    }

    /// The runs that are in both.
    #[cfg(any(feature = "cli", test))]
    pub(crate) fn common(&self, other: &RunSet) -> RunSet {
        let mut common = RunSet::default();
        for one in &self.0 {
            for other in &other.0 {
                common.insert(one.start.max(other.start)..one.end.min(other.end));
            }
        }
        common
    }
}

impl FromIterator<Range<u64>> for RunSet {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> RunSet {
        let mut set = RunSet::default();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

/// `0 to 9, 12`.
impl fmt::Display for RunSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match range.end - range.start {
                1 => write!(f, "{comma}{}", range.start)?,
                _ => write!(f, "{comma}{} to {}", range.start, range.end - 1)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn plain(set: &RunSet) -> BTreeSet<u64> {
        set.ranges().iter().cloned().flatten().collect()
    }

    fn ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
        proptest::collection::vec(
            (0u64..40, 0u64..6).prop_map(|(start, length)| start..start + length),
            0..12,
        )
    }

    proptest! {
        #[test]
        fn a_set_of_ranges_is_a_set_of_numbers(one in ranges(), other in ranges(), end in 0u64..50) {
            let (first, second): (RunSet, RunSet) =
                (one.iter().cloned().collect(), other.iter().cloned().collect());
            let (plain_first, plain_second): (BTreeSet<u64>, BTreeSet<u64>) =
                (one.into_iter().flatten().collect(), other.into_iter().flatten().collect());
            prop_assert_eq!(plain(&first), plain_first.clone());
            prop_assert_eq!(first.len(), plain_first.len() as u64);
            prop_assert!(first.ranges().windows(2).all(|pair| pair[0].end < pair[1].start));
            let mut both = first.clone();
            both.add(&second);
            prop_assert_eq!(plain(&both), &plain_first | &plain_second);
            prop_assert_eq!(plain(&first.common(&second)), &plain_first & &plain_second);
            prop_assert_eq!(plain(&first.missing(3..end)), (3..end).filter(|run| !plain_first.contains(run)).collect());
            let mut cut = first.clone();
            cut.cut(end);
            prop_assert_eq!(plain(&cut), plain_first.into_iter().filter(|run| *run < end).collect());
        }
    }

    #[test]
    fn a_set_reads_as_ranges() {
        let set: RunSet = [0..10, 12..13, 20..22].into_iter().collect();
        assert_eq!(set.to_string(), "0 to 9, 12, 20 to 21");
    }
}
