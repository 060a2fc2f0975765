//! Which orders are legal. How legal orders are sampled is another thing: see `strategy`.

use std::fmt;
use std::str::FromStr;

/// Which orders of ready tasks are legal in a run.
///
/// A finding names the strictest profile in which it fails, so that nobody is told of a bug that their runtime
/// cannot have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Exactly asyncio's order: the ready queue is first in, first out, tick by tick.
    #[default]
    Fifo,
    /// Any ready task may be next, as trio or a runtime with several threads may do. Callbacks of `call_soon` keep
    /// their order among themselves, because asyncio promises it.
    AnyReady,
}

impl Profile {
    /// All profiles, the strictest first.
    pub const ALL: [Profile; 2] = [Profile::Fifo, Profile::AnyReady];

    /// Its name on the command line and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Fifo => "fifo",
            Profile::AnyReady => "any-ready",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;
    fn from_str(name: &str) -> Result<Profile, String> {
        let found = Profile::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| format!("there is no profile `{name}`; the profiles are fifo and any-ready"))
    }
}
