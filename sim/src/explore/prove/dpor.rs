//! Optimal dynamic partial-order reduction: one run for each class of equivalent orders.
//!
//! The path is the run that was made last, as a line of nodes; a node is a point between two steps. After each run,
//! for each race that is new in it, the reversed order is put into the wakeup tree of the node before the first of
//! the two steps. Then the deepest node with something left to do is taken up. What a node has explored sleeps in all
//! that it explores next, until something that conflicts with it runs.
//!
//! Footprints come from runs that were made. That of the second step of a race is the one thing that is guessed: in
//! the reversed order it may touch something else. A wrong guess costs runs that repeat others, and loses none.

use super::history::{Conflicts, History, Known, Race, Second};
use super::search::{Ended, Found, Search};
use super::wakeup::{Branch, insert, may_begin};
use counterpoint_runtime::schedule::{Prefix, Seen, Sleeper, StepName};
use std::ops::Range;

/// A point of the path.
#[derive(Debug, Default)]
struct Node {
    /// What was explored from here, or from before and independent of all since.
    sleeping: Vec<Known>,
    todo: Vec<Branch>,
    /// What is explored from here now.
    step: Option<Known>,
}

/// The search.
#[derive(Debug)]
pub(super) struct Dpor {
    path: Vec<Node>,
    /// The branch that the next run takes from the last node; its twigs come with it.
    taken: Option<Branch>,
    /// The next run begins with the whole path, and nothing sleeps after this step: it may have ended the program, of
    /// which a run that was cut off as a repetition knows nothing.
    doubtful: Option<usize>,
    begun: bool,
}

impl Dpor {
    pub(super) fn new() -> Dpor {
        Dpor { path: vec![Node::default()], taken: None, doubtful: None, begun: false }
    }

    /// Goes back to the deepest node with something left to do, and takes that; false if there is none.
    fn back_up(&mut self) -> bool {
        while let Some(node) = self.path.last_mut() {
            if !node.todo.is_empty() {
                node.sleeping.extend(node.step.take());
                self.taken = Some(node.todo.remove(0));
                return true;
            }
            self.path.pop();
        }
        false
    }

    fn names(&self) -> impl Iterator<Item = StepName> {
        self.path.iter().filter_map(|node| node.step.as_ref()).map(|step| step.name)
    }

    /// The run that was cut off as a repetition was made again, with nothing asleep after these steps: now it is
    /// known whether they ended the program, so that they conflict with everything.
    fn resolve_doubts(&mut self, history: &History, steps: Range<usize>) {
        for index in steps {
            self.path[index].step = Some(history.steps[index].clone());
            self.path[index + 1].sleeping.clear();
        }
    }

    /// Makes nodes of the steps from a depth on; how many steps are no repetition.
    fn extend(&mut self, steps: &[Known], depth: usize) -> usize {
        let mut guess = self.taken.take();
        for (index, step) in steps.iter().enumerate().skip(depth) {
            let node = self.path.last_mut().expect("there is a node before each step");
            if node.sleeping.iter().any(|sleeper| sleeper.name == step.name) {
                return index;
            }
            let mut twigs = match guess.take() {
                Some(branch) if branch.step.name == step.name => branch.then,
                _ => match node.todo.iter().position(|branch| branch.step.name == step.name) {
                    Some(index) => node.todo.remove(index).then,
                    None => Vec::new(),
                },
            };
            let sleeping = node.sleeping.iter().filter(|sleeper| !sleeper.depends(step)).cloned().collect();
            node.step = Some(step.clone());
            guess = (!twigs.is_empty()).then(|| twigs.remove(0));
            self.path.push(Node { sleeping, todo: twigs, step: None });
        }
        steps.len()
    }

    /// Plans a run in which the second step of a race comes before the first.
    fn reverse(&mut self, history: &History, race: Race) {
        let first = race.first;
        let free = (first + 1..history.steps.len()).filter(|step| !history.precedes(first, *step));
        let mut sequence: Vec<Known> = free.map(|step| history.steps[step].clone()).collect();
        sequence.push(match race.second {
            Second::Ran(second) => history.steps[second].clone(),
            Second::Gone(name) => Known::unseen(name),
        });
        let node = &mut self.path[first];
        if !node.sleeping.iter().any(|sleeper| may_begin(sleeper, &sequence)) {
            insert(&mut node.todo, sequence);
        }
    }
}

impl Search for Dpor {
    fn next(&mut self) -> Option<Prefix> {
        if self.begun && self.doubtful.is_none() && !self.back_up() {
            return None;
        }
        self.begun = true;
        let mut steps: Vec<StepName> = self.names().collect();
        let asleep_after = steps.len();
        let mut next = self.taken.as_ref();
        while let Some(branch) = next {
            steps.push(branch.step.name);
            next = branch.then.first();
        }
        let sleeping = match (self.doubtful, self.path.last()) {
            (None, Some(node)) => &node.sleeping[..],
            _ => &[],
        };
        let sleepers = sleeping
            .iter()
            .filter_map(|step| Some(Sleeper { name: step.name, touched: step.touched.clone()? }))
            .collect();
        Some(Prefix { steps, sleepers, asleep_after })
    }

    fn learn(&mut self, seen: &Seen, how: Ended) -> Found {
        let depth = self.path.len() - 1;
        let history = History::of(seen, how == Ended::Whole, Conflicts::Footprints);
        let kept = self.names().zip(&history.steps).take_while(|(name, step)| *name == step.name).count();
        if kept < depth {
            return Found::Strayed(kept);
        }
        let doubtful = self.doubtful.take().unwrap_or(depth);
        self.resolve_doubts(&history, doubtful..depth);
        let steps = self.extend(&history.steps, depth);
        for race in &history.races {
            // What was taken away could come after all that is new as well.
            let is_new = match race.second {
                Second::Ran(second) => (doubtful..steps).contains(&second),
                Second::Gone(_) => race.first < steps,
            };
            if is_new {
                self.reverse(&history, *race);
            }
        }
        if steps < history.steps.len() {
            return Found::Repetition;
        }
        self.doubtful = may_have_ended(seen).filter(|end| how == Ended::Repeats && *end >= depth);
        match self.doubtful {
            Some(_) => Found::Nothing,
            None if how == Ended::Repeats => Found::Repetition,
            None => Found::Run,
        }
    }
}

/// The last step of the main task so far, which may have ended it.
fn may_have_ended(seen: &Seen) -> Option<usize> {
    let main = seen.steps().first()?.name.lane;
    seen.steps().iter().rposition(|step| step.name.lane == main)
}
