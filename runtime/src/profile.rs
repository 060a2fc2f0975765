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
    /// Any ready task may be next, and each await of ours that could go on at once gives way first, once, as trio's
    /// checkpoints do. The strategy may pick the task again at once, so this covers the orders of `any-ready` as well.
    EveryAwait,
}

impl Profile {
    /// All profiles, the strictest first.
    pub const ALL: [Profile; 3] = [Profile::Fifo, Profile::AnyReady, Profile::EveryAwait];

    /// Its name on the command line and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Fifo => "fifo",
            Profile::AnyReady => "any-ready",
            Profile::EveryAwait => "every-await",
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
        found.ok_or_else(|| {
            let nearest = nearest(name);
            format!(
                "there is no profile `{name}`; did you mean `{nearest}`? The profiles are fifo, any-ready and every-await"
            )
        })
    }
}

/// The name that is nearest to a misspelt one.
fn nearest(name: &str) -> Profile {
    let distance = |profile: &Profile| edits(name, profile.name());
    Profile::ALL.into_iter().min_by_key(distance).unwrap_or_default()
}

/// How many letters must be put in, left out or replaced to make one word of the other.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (done, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], done + 1);
        for (index, other) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[to.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_profile_is_answered_with_the_nearest() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
        }
        let refused = "every_wait".parse::<Profile>().unwrap_err();
        assert!(refused.contains("did you mean `every-await`?"), "{refused}");
        let refused = "anyready".parse::<Profile>().unwrap_err();
        assert!(refused.contains("did you mean `any-ready`?"), "{refused}");
    }
}
