//! What a run ended in, and when two failures are the same one.
//!
//! A [`Failure`] is found in a run that nobody watches and found again in one that is traced and recorded. Its
//! [`Identity`] must be equal in both, and different for different bugs, so that a report groups what is the same and
//! a replay can say that it is the same failure. It is made of what does not depend on being watched: the kind, the
//! file, the words of the message without its numbers, and the lanes of a deadlock. Lines move when a file is edited, so
//! the line tells two failures of one program apart, but is no part of what outlives the program: see [`Identity::digest`].

use counterpoint_runtime::{Deadlock, Instant};
use std::fmt;

/// What a run ended in.
///
/// # Examples
/// ```
/// use counterpoint::sim::{FailureKind, Outcome, Simulation};
///
/// let run = Simulation::new(|| async { panic!("the till is empty") }).run();
/// match run.outcome {
///     Outcome::Failed(failure) => {
///         assert_eq!(failure.kind, FailureKind::Panic);
///         assert_eq!(failure.message, "the till is empty");
///     }
///     Outcome::Passed | Outcome::Inconclusive(_) => unreachable!("it panics"),
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The program ended, and nothing was wrong.
    Passed,
    /// Something was wrong.
    Failed(Box<Failure>),
    /// A limit was reached first: neither passed nor failed. The text says which one.
    Inconclusive(String),
}

impl Outcome {
    /// The failure, if it failed.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Did it pass?
    pub fn is_passed(&self) -> bool {
        matches!(self, Outcome::Passed)
    }

    /// The word for it: `passed`, `failed` or `inconclusive`.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed(_) => "failed",
            Outcome::Inconclusive(_) => "inconclusive",
        }
    }
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The program returned an error.
    Error,
    /// A task or callback panicked.
    Panic,
    /// Nothing could run any more and no timer was set.
    Deadlock,
    /// A task or callback failed, and nobody looked at its error.
    Unretrieved,
    /// Tasks were still alive when the program ended: only with
    /// [`tasks_must_end`](crate::sim::Simulation::tasks_must_end).
    TasksLeft,
    /// The run used what the seed cannot fix: it started a thread of the operating system, or opened a real socket.
    /// Noticed on Linux.
    Outside,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [FailureKind; 6] = [
        FailureKind::Error,
        FailureKind::Panic,
        FailureKind::Deadlock,
        FailureKind::Unretrieved,
        FailureKind::TasksLeft,
        FailureKind::Outside,
    ];

    /// Its name in reports and recordings.
    pub fn name(self) -> &'static str {
        match self {
            FailureKind::Error => "error",
            FailureKind::Panic => "panic",
            FailureKind::Deadlock => "deadlock",
            FailureKind::Unretrieved => "unretrieved error",
            FailureKind::TasksLeft => "tasks left",
            FailureKind::Outside => "outside world",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong in a run.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// What happened, in the program's own words where it has some.
    pub message: String,
    /// The lane path of the task that it happened in.
    pub task: Option<String>,
    /// Where in the program, as `file:line`.
    pub place: Option<String>,
    /// When.
    pub time: Instant,
    /// The step in which it happened, or the last one.
    pub step: u64,
    /// Who waits for what, if it is a deadlock.
    pub deadlock: Option<Deadlock>,
    /// What makes it this failure and no other.
    pub identity: Identity,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FailureKind::Deadlock => return f.write_str(&self.message),
            FailureKind::Outside => return write!(f, "outside world: {}", self.message),
            FailureKind::Error => write!(f, "the program failed: {}", self.message)?,
            FailureKind::Panic => write!(f, "panic: {}", self.message)?,
            FailureKind::Unretrieved | FailureKind::TasksLeft => f.write_str(&self.message)?,
        }
        if let Some(task) = &self.task {
            write!(f, "\n  in `{task}`")?;
        }
        if let Some(place) = &self.place {
            write!(f, "{} at {place}", if self.task.is_some() { "," } else { "\n " })?;
        }
        Ok(())
    }
}

/// What makes a failure this one and no other: equal for the same bug in different runs of one program.
///
/// Two assertions with the same words in one file are two failures; their [`digest`](Identity::digest) is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    kind: FailureKind,
    subject: String,
    lanes: Vec<u64>,
    /// What tells equals apart until the file is edited.
    line: Option<u32>,
}

impl Identity {
    /// The identity of a failure of a kind at a place or with a message, whose numbers do not count, in these lanes.
    pub(crate) fn new(kind: FailureKind, place: Option<&str>, message: &str, lanes: Vec<u64>) -> Identity {
        let words = without_numbers(message.lines().next().unwrap_or_default());
        let (subject, line) = match place {
            Some(place) => {
                let (file, line) = file_and_line(place);
                (format!("{words} in {file}"), line)
            }
            None => (words, None),
        };
        Identity { kind, subject, lanes, line }
    }

    /// The identity of a deadlock: the tasks of its cycles, or all if none waits for itself.
    pub(crate) fn of_deadlock(deadlock: &Deadlock) -> Identity {
        let any_cycle = deadlock.tasks.iter().any(|task| task.in_cycle);
        let mut tasks: Vec<_> =
            deadlock.tasks.iter().filter(|task| task.in_cycle || !any_cycle).map(|task| task.lane).collect();
        tasks.sort_unstable();
        Identity { kind: FailureKind::Deadlock, subject: String::new(), lanes: tasks, line: None }
    }

    /// What it is made of beside the line of its place, for a file: the kind, a text, and lanes.
    #[cfg(feature = "cli")]
    pub(crate) fn parts(&self) -> (FailureKind, &str, &[u64]) {
        (self.kind, &self.subject, &self.lanes)
    }

    /// From what a file kept, the failure's place included.
    #[cfg(feature = "cli")]
    pub(crate) fn from_parts(
        kind: FailureKind,
        subject: String,
        lanes: Vec<u64>,
        place: Option<&str>,
    ) -> Identity {
        Identity { kind, subject, lanes, line: place.and_then(|place| file_and_line(place).1) }
    }

    /// The kind of the failure.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// A number for it, the same on every machine, and after lines were put in above it.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        digest.bytes(self.kind.name().as_bytes());
        digest.bytes(self.subject.as_bytes());
        self.lanes.iter().for_each(|lane| digest.bytes(&lane.to_le_bytes()));
        digest.value()
    }
}

/// The kind and eight hexadecimal digits: `deadlock 7f3a01c4`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.digest();
        write!(f, "{} {:08x}", self.kind, (digest ^ digest >> 32) as u32)
    }
}

/// The file of a place, and its line.
fn file_and_line(place: &str) -> (&str, Option<u32>) {
    let split = place.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
    split.map_or((place, None), |(file, line)| (file, Some(line)))
}

/// `balance is 90, not 100` and `balance is 80, not 100` are one bug.
fn without_numbers(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if words.ends_with('#') => {}
            '0'..='9' => words.push('#'),
            letter => words.push(letter),
        }
    }
    words
}

/// FNV-1a, 64 bits: each step is a bijection of the state, so that one changed byte always changes the digest.
#[derive(Clone, Copy)]
pub(crate) struct Digest(u64);

impl Digest {
    pub(crate) fn new() -> Digest {
        Digest(0xCBF2_9CE4_8422_2325)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str) -> Identity {
        Identity::new(FailureKind::Error, None, message, Vec::new())
    }

    #[test]
    fn the_numbers_of_a_message_are_not_part_of_a_failure() {
        assert_eq!(error("balance is 90, not 100"), error("balance is 7, not 100"));
        assert_ne!(error("balance is 90, not 100"), error("balance is 90 instead of 100"));
    }

    #[test]
    fn the_place_is_part_of_a_failure() {
        let panic = |place| Identity::new(FailureKind::Panic, Some(place), "lost", Vec::new());
        assert_ne!(panic("src/bank.rs:3"), panic("src/bank.rs:4"));
        assert_ne!(panic("src/bank.rs:3").digest(), panic("src/till.rs:3").digest());
    }

    #[test]
    fn a_failure_is_known_again_after_its_line_has_moved() {
        let panic = |place| Identity::new(FailureKind::Panic, Some(place), "lost", Vec::new());
        assert_eq!(panic("src/bank.rs:3").digest(), panic("src/bank.rs:13").digest());
        assert_eq!(panic("src/bank.rs:3").to_string(), panic("src/bank.rs:13").to_string());
    }

    #[test]
    fn an_identity_reads_as_a_kind_and_a_short_number() {
        let text = error("balance is 90").to_string();
        assert!(text.starts_with("error ") && text.len() == "error ".len() + 8, "{text}");
    }
}
