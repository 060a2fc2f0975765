//! A random walk that favours some classes of entries, other ones in each run.
//!
//! A plain random walk fires timers and starts tasks as often as it lets anything else run, and so seldom lets one kind
//! of thing wait for all of another. Here each class draws a weight for the run; entries of a class share alike.

use super::{Class, Order, Pending};
use crate::choices::Stream;

const CLASSES: [Class; 6] =
    [Class::Start, Class::Yield, Class::Timer, Class::Kernel, Class::Woken, Class::Callbacks];

const WEIGHTS: [u32; 3] = [1, 4, 16];

#[derive(Default)]
struct Bucket {
    weight: u32,
    entries: Vec<u32>,
}

#[derive(Default)]
pub(super) struct Weighted {
    buckets: [Bucket; CLASSES.len()],
}

impl Order for Weighted {
    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        let bucket = &mut self.buckets[pending.class as usize];
        if bucket.weight == 0 {
            bucket.weight = WEIGHTS[stream.below(WEIGHTS.len() as u32) as usize];
        }
        bucket.entries.push(entry);
    }

    fn pick(&mut self, stream: &mut Stream) -> u32 {
        let total: u32 = self.buckets.iter().map(|bucket| bucket.weight * bucket.entries.len() as u32).sum();
        let mut drawn = stream.below(total);
        for bucket in &mut self.buckets {
            let share = bucket.weight * bucket.entries.len() as u32;
            if drawn < share {
                return bucket.entries.swap_remove((drawn / bucket.weight) as usize);
            }
            drawn -= share;
        }
        unreachable!("an entry is ready when one is picked")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Program;
    use super::*;

    #[test]
    fn entries_of_a_class_share_alike() {
        let program = Program::independent(4, 1);
        let mut firsts = [0; 4];
        for seed in 0..4_000 {
            firsts[program.run(&mut Weighted::default(), seed).0[0].0] += 1;
        }
        assert!(firsts.iter().all(|first| (850..1150).contains(first)), "{firsts:?}");
    }

    #[test]
    fn a_class_is_favoured_in_some_runs() {
        // Two classes: steps that start a lane, and one long lane that was woken.
        let mut program = Program::independent(9, 1);
        program.lanes[0] = Program::independent(1, 40).lanes.remove(0);
        let mut last_starts: Vec<usize> = (0..200)
            .map(|seed| {
                let (ran, _) = program.run(&mut Weighted::default(), seed);
                ran.iter().rposition(|step| step.0 != 0).expect("they run")
            })
            .collect();
        last_starts.sort_unstable();
        assert!(last_starts[10] <= 12 && last_starts[190] >= 30, "{last_starts:?}");
    }
}
