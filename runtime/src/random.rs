//! Random numbers for the program: a generator of its own for each task.
//!
//! A task's numbers follow from the seed and its lane path alone, so that one more task, or one more draw in another,
//! moves no number of this one.

use crate::choices::{Purpose, Stream};
use crate::event_loop::{Loop, no_loop_here};
use crate::lanes;
use crate::slots::NONE;
use crate::store::{access, access_current};
use rand::TryRng;
use std::convert::Infallible;

/// The random numbers of a task: a generator of the crate `rand`.
#[derive(Clone, Debug)]
pub struct TaskRng {
    loop_id: u64,
    lane: u64,
}

/// The random numbers of the task that runs: a generator for the crate `rand`.
///
/// Each task has its own, that goes on where it was left; code outside of tasks shares one.
///
/// # Panics
/// If no loop is running or set on this thread.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use rand::Rng;
///
/// let draw = || asyncio::run(async { Ok(asyncio::rng().next_u64()) });
/// assert_eq!(draw()?, draw()?);
/// # Ok::<(), asyncio::Error>(())
/// ```
#[track_caller]
pub fn rng() -> TaskRng {
    let found = access_current(|l| TaskRng { loop_id: l.id, lane: l.lane_that_runs() });
    match found {
        Some(made) => made,
        None => no_loop_here("rng"),
    }
}

impl TaskRng {
    /// A number below `n`, each with the same chance; 0 without a draw if `n` is 0 or 1.
    ///
    /// What `rand` makes of a word may change between its versions; this will not.
    pub fn below(&self, n: u32) -> u32 {
        self.draw(|stream| stream.below(n))
    }

    fn draw<R>(&self, f: impl FnOnce(&mut Stream) -> R) -> R {
        let (loop_id, lane) = (self.loop_id, self.lane);
        let drawn =
            access(loop_id, |l| f(l.random.entry(lane).or_insert_with(|| l.settings.stream_of(lane))));
        drawn.unwrap_or_else(|| panic!("random numbers were drawn from a closed event loop"))
    }
}

impl TryRng for TaskRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.draw(Stream::word))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw(|stream| u64::from(stream.word()) | u64::from(stream.word()) << 32))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.draw(|stream| {
            for chunk in bytes.chunks_mut(4) {
                chunk.copy_from_slice(&stream.word().to_le_bytes()[..chunk.len()]);
            }
        });
        Ok(())
    }
}

impl Loop {
    fn lane_that_runs(&self) -> u64 {
        match self.rt.current {
            NONE => lanes::ROOT,
            slot => self.rt.cold[slot as usize].lane,
        }
    }
}

impl crate::EventLoopBuilder {
    fn stream_of(&self, lane: u64) -> Stream {
        Stream::new(self.seed, Purpose::Task(lane))
    }
}
