//! Coverage is the same however runs are divided.

use super::*;
use counterpoint_runtime::schedule::{StepName, Touch, Touched};
use proptest::prelude::*;

/// A behaviour: steps of two lanes, each writing one object, in this order.
fn behaviour(order: &[u8]) -> Behaviour {
    let mut behaviour = Behaviour::default();
    for (index, lane) in order.iter().enumerate() {
        let name = StepName { lane: u64::from(*lane) + 1, awaited: 7, visit: index as u32 };
        behaviour.step(&name, &[Touched { object: 3, touch: Touch::Write }]);
    }
    behaviour
}

fn covered(runs: &[(u64, u8)]) -> Coverage {
    let mut coverage = Coverage::default();
    for (run, shape) in runs {
        coverage.see(*run, &behaviour(&[shape & 1, shape >> 1 & 1, shape >> 2 & 1]));
    }
    coverage
}

proptest! {
    #[test]
    fn what_shards_covered_adds_up_in_any_order(shapes in proptest::collection::vec(0u8..8, 0..40), cut in 0usize..41) {
        let runs: Vec<(u64, u8)> = (0..).zip(shapes).collect();
        let (low, high) = runs.split_at(cut.min(runs.len()));
        let whole = covered(&runs);
        for (one, other) in [(low, high), (high, low)] {
            let mut sum = covered(one);
            sum.add(&covered(other));
            sum.add(&covered(one)); // twice is once
            prop_assert_eq!(&sum, &whole);
        }
        let mut first = whole;
        first.cut(low.len() as u64);
        prop_assert_eq!(first, covered(low));
    }

    #[test]
    fn a_full_sample_depends_on_what_was_seen_and_not_on_the_order(seed: u64, split in 0usize..600) {
        let keys: Vec<u64> = (0..600).map(|index| spread(seed ^ index)).collect();
        let shown = |run: usize| Shown { first: run as u64, second: None };
        let fill = |keys: &[u64], from: usize| {
            let mut sample = Sample::new(64);
            for (index, key) in keys.iter().enumerate() {
                sample.insert(*key, shown(from + index));
            }
            sample
        };
        let whole = fill(&keys, 0);
        let (low, high) = keys.split_at(split);
        let mut sum = fill(high, split);
        sum.add(&fill(low, 0));
        prop_assert_eq!(&sum, &whole);
        prop_assert!(whole.kept.len() <= 64);
        let count = whole.count(|_| true);
        prop_assert!((300..1200).contains(&count), "about 600, not {}", count);
    }
}

#[test]
fn a_behaviour_that_comes_again_is_not_new() {
    let coverage = covered(&[(0, 1), (1, 2), (2, 1)]);
    assert_eq!((coverage.behaviours(), coverage.seen_once()), (2, 1));
    assert_eq!(coverage.new_in(|run| run < 2), 2);
}

#[test]
fn spread_words_are_distinct() {
    let mut words: Vec<u64> = (0..1000).map(spread).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), 1000);
}

#[test]
fn pairs_are_seen_in_one_order_or_in_both() {
    let mut coverage = Coverage::default();
    coverage.see_pair(4, SitePair { first: 9, second: 2 });
    assert_eq!((coverage.pairs_in_one_order(), coverage.pairs_in_both_orders()), (1, 0));
    assert_eq!(coverage.gaps(), [(SitePair { first: 9, second: 2 }, 4)]);
    coverage.see_pair(8, SitePair { first: 2, second: 9 });
    assert_eq!((coverage.pairs_in_one_order(), coverage.pairs_in_both_orders()), (0, 1));
    coverage.see_pair(9, SitePair { first: 5, second: 5 });
    assert_eq!(coverage.pairs_in_both_orders(), 1, "a place has no order with itself");
}
