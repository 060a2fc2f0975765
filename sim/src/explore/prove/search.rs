//! What the ways to search all orders have in common: which run to make next, and what it was good for.

use counterpoint_runtime::schedule::{Prefix, Seen};

/// A search, which is asked for the next run and then told of it.
pub(super) trait Search {
    /// How the next run is to begin; none if all orders were tried.
    fn next(&mut self) -> Option<Prefix>;

    /// The run was made.
    fn learn(&mut self, seen: &Seen, how: Ended) -> Found;
}

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// To the end of the program.
    Whole,
    /// A limit cut it.
    Cut,
    /// The loop took it for a repetition.
    Repeats,
}

/// What a run was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It was a new one.
    Run,
    /// It repeats one that was made.
    Repetition,
    /// It ended too early, and will be made again.
    Nothing,
    /// It did not begin as it was told to: the step with this number is another one.
    Strayed(usize),
}
