//! The strict recording of one run: every choice, and a check of every step.
//!
//! A replay makes the same choices, and stops being one at the first step that differs: the check of a step is the low
//! part of the fingerprint up to it, so that a program which changed, or which reads what the seed does not fix, is
//! caught where it leaves the recorded run and not at its end.

use std::fmt;

/// A step of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStep {
    /// The lane that ran.
    pub lane: String,
    /// The choice: how many older entries it was preferred to.
    pub rank: u32,
    /// How many entries were ready, this one included.
    pub ready: u32,
    /// The low 16 bits of the fingerprint once the step was chosen.
    pub check: u16,
}

/// The first step of a replay that was not as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Its number in the run, from 1.
    pub step: u64,
    /// The lane that the recording says.
    pub recorded: Option<String>,
    /// What was there instead.
    pub found: Found,
}

/// What a replay met instead of the recorded step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Another lane ran, or the same at another time or after another past.
    Lane(String),
    /// Another number of entries was ready.
    Ready {
        /// How many were.
        found: usize,
        /// How many the recording says.
        recorded: usize,
    },
}

impl Divergence {
    pub(crate) fn at_step(mut self, step: u64) -> Divergence {
        self.step = step;
        self
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replay diverged at step {}: ", self.step)?;
        match (&self.recorded, &self.found) {
            (Some(recorded), Found::Lane(found)) if recorded == found => {
                write!(f, "`{found}` ran as recorded, but not after the same steps or at the same time")?;
            }
            (Some(recorded), Found::Lane(found)) => {
                write!(f, "the recording says `{recorded}`, but `{found}` was next")?;
            }
            (Some(recorded), Found::Ready { found, recorded: count }) => {
                write!(
                    f,
                    "the recording says `{recorded}` out of {count} that were ready, but {found} were"
                )?;
            }
            (None, _) => write!(f, "the recording ends here, but the program goes on")?,
        }
        write!(
            f,
            ".\nThe program changed since it was recorded, or reads something that the seed does not fix (a static, \
             an address, a file; where the outside is real, time and the order of a HashMap as well)."
        )
    }
}

impl std::error::Error for Divergence {}

/// A recording that is being followed.
#[derive(Clone, Debug)]
pub struct Replay {
    steps: Vec<RecordedStep>,
    next: usize,
}

impl Replay {
    /// Follows these steps from the first.
    pub fn new(steps: Vec<RecordedStep>) -> Replay {
        Replay { steps, next: 0 }
    }

    /// Has every recorded step been taken?
    pub fn is_over(&self) -> bool {
        self.next == self.steps.len()
    }

    /// The choice of the next step, of so many ready entries.
    pub(crate) fn next_rank(&self, count: usize) -> Result<usize, Divergence> {
        let Some(step) = self.steps.get(self.next) else {
            return Err(Divergence {
                step: 0,
                recorded: None,
                found: Found::Ready { found: count, recorded: 0 },
            });
        };
        if step.ready as usize != count {
            let found = Found::Ready { found: count, recorded: step.ready as usize };
            return Err(Divergence { step: 0, recorded: Some(step.lane.clone()), found });
        }
        Ok(step.rank as usize)
    }

    /// The step was chosen: is it the recorded one?
    pub(crate) fn check(&mut self, check: u16, lane: &str) -> Result<(), Divergence> {
        let step = self.steps.get(self.next);
        self.next += 1;
        match step {
            Some(step) if step.check == check && step.lane == lane => Ok(()),
            step => Err(Divergence {
                step: 0,
                recorded: step.map(|step| step.lane.clone()),
                found: Found::Lane(lane.to_owned()),
            }),
        }
    }
}
