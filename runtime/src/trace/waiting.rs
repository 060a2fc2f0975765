//! What a task waits for, in words: in a trace after each step, in a deadlock for ever.

use crate::ops::Op;
use std::fmt;
use std::panic::Location;

/// A task that waits: after a step of a trace, or for ever in a deadlock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingTask {
    /// Its lane path.
    pub task: String,
    /// The hash of its lane path: the same whether or not the run is watched.
    pub lane: u64,
    /// What it does.
    pub op: Op,
    /// What it waits for, by name.
    pub object: Option<String>,
    /// The task that holds it.
    pub holder: Option<String>,
    /// Where the holder took it.
    pub taken_at: Option<&'static Location<'static>>,
    /// Where it waits.
    pub place: Option<&'static Location<'static>>,
    /// Is it part of a cycle: does it wait, by way of others, for itself?
    pub in_cycle: bool,
}

impl fmt::Display for WaitingTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.object, self.op) {
            (Some(object), _) => write!(f, "waits for {object}")?,
            (None, Op::Foreign) => write!(f, "waits for a future that is not ours")?,
            (None, op) => write!(f, "waits in {}", op.name())?,
        }
        if let Some(holder) = &self.holder {
            write!(f, ", held by `{holder}`")?;
            if let Some(taken_at) = self.taken_at {
                write!(f, " since {}:{}", taken_at.file(), taken_at.line())?;
            }
        } else if let Some(taken_at) = self.taken_at {
            let (file, line) = (taken_at.file(), taken_at.line());
            write!(f, ", held since {file}:{line} by a task that has ended")?;
        }
        if let Some(place) = self.place {
            write!(f, ", at {}:{}", place.file(), place.line())?;
        }
        if self.in_cycle {
            write!(f, "  [cycle]")?;
        }
        Ok(())
    }
}
