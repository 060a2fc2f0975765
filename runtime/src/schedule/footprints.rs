//! Footprints by the key of a step: what it is expected to touch.
//!
//! A strategy asks once for each step, so that this is fast: the keys are hashes, and a directory over their top bits
//! says where in the sorted list to look.

use super::{StepName, Touched};

/// Footprints by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Footprints {
    /// In the order of the keys.
    sorted: Vec<(u64, Vec<Touched>)>,
    /// By the top bits of a key: where in the list its keys begin. As many as a power of two, and the end.
    begins: Vec<u32>,
}

impl Footprints {
    /// What a step is expected to touch: what it touched when it last ran, or else what any visit of its
    /// [site](StepName::site) did.
    #[inline]
    pub(crate) fn of(&self, name: &StepName) -> &[Touched] {
        self.get(name.key()).or_else(|| self.get(name.site())).unwrap_or(&[])
    }

    /// Learns what steps touched, the newest last.
    pub(crate) fn learn<'a>(&mut self, steps: impl IntoIterator<Item = (StepName, &'a [Touched])>) {
        for (name, touched) in steps {
            self.sorted.push((name.site(), touched.to_vec()));
            self.sorted.push((name.key(), touched.to_vec()));
        }
        // Stable, so that the last of each key is the newest.
        self.sorted.sort_by_key(|entry| entry.0);
        self.sorted.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        let places = self.sorted.len().next_power_of_two().max(2);
        let shift = 64 - places.trailing_zeros();
        let begin = |place: usize| self.sorted.partition_point(|entry| ((entry.0 >> shift) as usize) < place);
        self.begins = (0..=places).map(|place| begin(place) as u32).collect();
    }

    /// All of them, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u64, Vec<Touched>)> {
        self.sorted.iter()
    }

    #[inline]
    fn get(&self, key: u64) -> Option<&[Touched]> {
        let places = self.begins.len().checked_sub(1)?;
        let place = (key >> (64 - places.trailing_zeros())) as usize;
        let near = &self.sorted[self.begins[place] as usize..self.begins[place + 1] as usize];
        near.iter().find(|entry| entry.0 == key).map(|entry| &entry.1[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Touch;

    fn name(lane: u64, visit: u32) -> StepName {
        StepName { lane, awaited: 1, visit }
    }

    #[test]
    fn the_newest_footprint_of_a_step_counts() {
        let touched = |object| [Touched { object, touch: Touch::Read }];
        let mut footprints = Footprints::default();
        assert!(footprints.of(&name(1, 1)).is_empty());
        for round in 0..3 {
            let steps: Vec<_> = (0..200).map(|lane| (name(lane, 1), touched(lane + round))).collect();
            footprints.learn(steps.iter().map(|(name, touched)| (*name, &touched[..])));
        }
        for lane in 0..200 {
            assert_eq!(footprints.of(&name(lane, 1)), touched(lane + 2));
            assert_eq!(footprints.of(&name(lane, 2)), touched(lane + 2), "another visit of the site");
        }
        assert!(footprints.of(&name(200, 1)).is_empty());
        assert_eq!(footprints.iter().count(), 400);
    }
}
