//! Random walk: each ready entry is next with the same chance.
//!
//! No guarantee in the depth of a bug: one that needs a task to wait for m steps of another costs about 2^m runs. It is
//! the cheapest strategy, fair in the long run, and the yardstick for all others.

use super::Choose;
use crate::choices::Stream;
use crate::ready::Ready;

pub(crate) struct RandomWalk;

impl Choose for RandomWalk {
    fn choose(&mut self, ready: &Ready, stream: &mut Stream) -> usize {
        stream.below(ready.len() as u32) as usize
    }
}
