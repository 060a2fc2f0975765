//! Wakeup trees: the beginnings of runs that are still to be made from one point (Abdulla, Aronis, Jonsson, Sagonas:
//! "Optimal dynamic partial order reduction", 2014).
//!
//! A branch is a step and what comes after it; a leaf is followed freely. A sequence is put in so that no two
//! branches lead to equivalent runs, which is what keeps every run that is made different from all others.

use super::history::Known;

/// A step to be taken, and what is to be taken after it.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) step: Known,
    pub(super) then: Vec<Branch>,
}

impl Branch {
    /// A branch without twigs.
    fn chain(steps: impl DoubleEndedIterator<Item = Known>) -> Vec<Branch> {
        steps.rev().fold(Vec::new(), |then, step| vec![Branch { step, then }])
    }
}

/// Could the sequence as well begin with this step, which is ready before it: is it the first of its lane in there,
/// or not there at all, with nothing before it that it depends on?
pub(super) fn may_begin(step: &Known, sequence: &[Known]) -> bool {
    for other in sequence {
        if other.name.lane == step.name.lane {
            return other.name == step.name;
        }
        if step.depends(other) {
            return false;
        }
    }
    true
}

/// Puts a sequence into a tree, unless a branch leads to all that it leads to.
pub(super) fn insert(branches: &mut Vec<Branch>, mut sequence: Vec<Known>) {
    if sequence.is_empty() {
        return;
    }
    match branches.iter_mut().find(|branch| may_begin(&branch.step, &sequence)) {
        None => branches.extend(Branch::chain(sequence.into_iter())),
        Some(branch) if branch.then.is_empty() => {}
        Some(branch) => {
            let lane = branch.step.name.lane;
            if let Some(first) = sequence.iter().position(|step| step.name.lane == lane) {
                sequence.remove(first);
            }
            insert(&mut branch.then, sequence);
        }
    }
}
