//! Weights by index, and draws by weight: a Fenwick tree, O(log n) for both.

use crate::choices::Stream;

/// Weights by index from 0. An index that was never set weighs nothing.
#[derive(Default)]
pub(super) struct Weights {
    /// By index.
    weights: Vec<u32>,
    /// The tree, from 1: the sum over as many weights up to here as the lowest bit of the index says. As many as a power
    /// of two, so that a draw goes straight down.
    sums: Vec<u64>,
    total: u64,
}

impl Weights {
    #[inline]
    pub(super) fn get(&self, index: usize) -> u32 {
        self.weights.get(index).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn set(&mut self, index: usize, weight: u32) {
        if index >= self.weights.len() {
            self.grow(index + 1);
        }
        // Sums never fall below 0: wrapping makes the difference good for both directions.
        let change = u64::from(weight).wrapping_sub(u64::from(self.weights[index]));
        self.weights[index] = weight;
        self.total = self.total.wrapping_add(change);
        let mut at = index + 1;
        while at < self.sums.len() {
            self.sums[at] = self.sums[at].wrapping_add(change);
            at += at & at.wrapping_neg();
        }
    }

    /// An index, each with a chance as it weighs; none if all weigh nothing.
    pub(super) fn draw(&self, stream: &mut Stream) -> Option<usize> {
        if self.total == 0 {
            return None;
        }
        let mut rest = match u32::try_from(self.total) {
            Ok(total) => u64::from(stream.below(total)),
            Err(_) => {
                let word = u64::from(stream.word()) << 32 | u64::from(stream.word());
                ((u128::from(word) * u128::from(self.total)) >> 64) as u64
            }
        };
        let (mut at, mut half) = (0, self.sums.len() - 1);
        while half > 0 {
            if self.sums[at + half] <= rest {
                at += half;
                rest -= self.sums[at];
            }
            half /= 2;
        }
        Some(at)
    }

    #[cold]
    fn grow(&mut self, len: usize) {
        let size = len.next_power_of_two().max(16);
        self.weights.resize(size, 0);
        self.sums = vec![0; size + 1];
        self.total = 0;
        for index in 0..size {
            let weight = std::mem::take(&mut self.weights[index]);
            if weight != 0 {
                self.set(index, weight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::Purpose;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn draws_follow_the_weights(sets in prop::collection::vec((0usize..70, 0u32..5), 1..100)) {
            let (mut weights, mut model) = (Weights::default(), [0u32; 70]);
            for (index, weight) in sets {
                weights.set(index, weight);
                model[index] = weight;
            }
            prop_assert_eq!(weights.total, model.iter().map(|weight| u64::from(*weight)).sum::<u64>());
            let mut stream = Stream::new(5, Purpose::Schedule(0));
            let mut counts = [0u32; 70];
            for _ in 0..200 {
                let Some(index) = weights.draw(&mut stream) else { break };
                counts[index] += 1;
            }
            for (count, weight) in counts.iter().zip(model) {
                prop_assert!((*count == 0) || (weight > 0));
            }
        }
    }

    #[test]
    fn each_index_comes_as_often_as_it_weighs() {
        let mut weights = Weights::default();
        (0..5).for_each(|index| weights.set(index, index as u32));
        let mut stream = Stream::new(1, Purpose::Schedule(0));
        let mut counts = [0; 5];
        (0..10_000).for_each(|_| counts[weights.draw(&mut stream).expect("they weigh something")] += 1);
        for (index, count) in counts.into_iter().enumerate() {
            assert!((index * 900..=index * 1_100).contains(&count), "{counts:?}");
        }
    }

    #[test]
    fn great_weights_are_drawn_as_well() {
        let mut weights = Weights::default();
        (0..40).for_each(|index| weights.set(index, u32::MAX));
        let mut stream = Stream::new(1, Purpose::Schedule(0));
        let mut drawn: Vec<usize> = (0..1_000).filter_map(|_| weights.draw(&mut stream)).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn, (0..40).collect::<Vec<_>>());
    }
}
