//! Small programs over cells, locks and events, run without a loop, as the loop would run them.

use counterpoint_runtime::schedule::{
    Constraints, Prefix, Seen, Sleeper, StepName, StepPattern, Touch, Touched, conflict,
};
use std::collections::{BTreeMap, VecDeque};

/// What a task does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Read(usize),
    Write(usize),
    Acquire(usize),
    Release(usize),
    Set(usize),
    Wait(usize),
    /// Gives way.
    Yield,
    /// Waits until nothing else is ready: a timer.
    Sleep,
    /// Lets another task begin.
    Spawn(usize),
    /// Drops another task.
    Abort(usize),
    /// Ends the program: all others are cancelled, and take one step more.
    End,
}

/// Tasks, and how many of them are ready at the beginning: the first one, which is the main task then, or all.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) tasks: Vec<Vec<Op>>,
    pub(super) begun: usize,
}

/// How a run is steered.
pub(super) enum Order<'a> {
    Prefix(&'a Prefix),
    Holds(&'a Constraints),
}

/// What came of it: who read what, who took which lock in which order, and who never ended.
pub(super) type EndState = Vec<(usize, usize, Vec<usize>)>;

/// One run.
pub(super) struct Ran {
    pub(super) seen: Seen,
    pub(super) state: EndState,
    pub(super) redundant: bool,
}

#[derive(Default)]
struct Machine {
    at: Vec<usize>,
    names: Vec<StepName>,
    visits: BTreeMap<(u64, u64), u32>,
    ready: Vec<usize>,
    asleep: Vec<(u64, usize)>,
    cells: [usize; 4],
    locks: [(bool, VecDeque<usize>); 3],
    events: [(bool, Vec<usize>); 3],
    begun: Vec<bool>,
    now: u64,
    ended: bool,
    touched: BTreeMap<u64, Touch>,
    state: EndState,
}

pub(super) fn name(task: usize, awaited: u64, visit: u32) -> StepName {
    StepName { lane: 1000 + task as u64, awaited, visit }
}

impl Program {
    pub(super) fn run(&self, order: &Order<'_>) -> Ran {
        let mut machine = Machine {
            at: vec![0; self.tasks.len()],
            names: (0..self.tasks.len()).map(|task| name(task, 0, 0)).collect(),
            ready: (0..self.begun).collect(),
            begun: (0..self.tasks.len()).map(|task| task < self.begun).collect(),
            state: (0..self.tasks.len()).map(|task| (task, 0, Vec::new())).collect(),
            ..Machine::default()
        };
        let (mut seen, mut steering) = (Seen::default(), Steering::new(order));
        let alone = self.begun > 1;
        if alone {
            main_step(&mut seen, &mut steering, 0, 0);
        }
        loop {
            if machine.ready.is_empty() {
                let Some(at) = machine.asleep.iter().map(|sleep| sleep.0).min() else { break };
                machine.now = at;
                let (due, rest) = machine.asleep.iter().partition(|sleep| sleep.0 == at);
                machine.asleep = rest;
                let due: Vec<(u64, usize)> = due;
                machine.ready.extend(due.iter().map(|sleep| sleep.1));
            }
            let names: Vec<StepName> = machine.ready.iter().map(|task| machine.names[*task]).collect();
            let rank = steering.pick(&names);
            if steering.redundant {
                break;
            }
            let task = machine.ready.remove(rank);
            let others = names.iter().enumerate().filter(|other| other.0 != rank).map(|other| *other.1);
            seen.began(names[rank], rank as u32, machine.now, None, others);
            machine.step(task, &self.tasks);
            let touched = std::mem::take(&mut machine.touched);
            let touched: Vec<Touched> =
                touched.into_iter().map(|(object, touch)| Touched { object, touch }).collect();
            seen.ended(&touched);
            steering.ran(&names[rank], &touched);
        }
        if alone && !steering.redundant {
            main_step(&mut seen, &mut steering, machine.now + 1, 1);
        }
        for (task, at) in machine.at.iter().enumerate() {
            machine.state[task].1 = *at;
        }
        Ran { seen, state: machine.state, redundant: steering.redundant }
    }
}

/// A main task that lets all begin, and wakes up when nothing can run any more.
fn main_step(seen: &mut Seen, steering: &mut Steering<'_>, time: u64, visit: u32) {
    let name = StepName { lane: 1, awaited: 0, visit };
    steering.pick(&[name]);
    seen.began(name, 0, time, None, []);
    seen.ended(&[]);
    steering.ran(&name, &[]);
}

impl Machine {
    fn touch(&mut self, object: u64, touch: Touch) {
        self.touched.entry(object).and_modify(|before| *before = before.and(touch)).or_insert(touch);
    }

    fn waits(&mut self, task: usize, awaited: u64) {
        let lane = 1000 + task as u64;
        let visit = self.visits.entry((lane, awaited)).or_default();
        *visit += 1;
        self.names[task] = name(task, awaited, *visit);
    }

    /// Takes a task from wherever it waits.
    fn drop_task(&mut self, task: usize) {
        self.ready.retain(|other| *other != task);
        self.asleep.retain(|other| other.1 != task);
        for lock in 0..self.locks.len() {
            if self.locks[lock].1.contains(&task) {
                self.touch(10 + lock as u64, Touch::Write);
                self.locks[lock].1.retain(|other| *other != task);
            }
        }
        for event in 0..self.events.len() {
            if self.events[event].1.contains(&task) {
                self.touch(20 + event as u64, Touch::Write);
                self.events[event].1.retain(|other| *other != task);
            }
        }
    }

    /// Takes the lock, or waits for it.
    fn acquire(&mut self, task: usize, lock: usize) -> bool {
        self.touch(10 + lock as u64, Touch::Write);
        let (held, line) = &mut self.locks[lock];
        let woken = line.front() == Some(&task);
        if !*held && (woken || line.is_empty()) {
            if woken {
                line.pop_front();
            }
            *held = true;
            return true;
        }
        line.push_back(task);
        self.at[task] -= 1;
        self.waits(task, 10 + lock as u64);
        false
    }

    fn release(&mut self, lock: usize) {
        self.touch(10 + lock as u64, Touch::Write);
        self.locks[lock].0 = false;
        if let Some(first) = self.locks[lock].1.front()
            && !self.ready.contains(first)
        {
            self.ready.push(*first);
        }
    }

    /// The main task ends: all others that live are cancelled.
    fn end(&mut self, main: usize, tasks: &[Vec<Op>]) {
        self.ended = true;
        self.asleep.clear();
        for (other, ops) in tasks.iter().enumerate() {
            let lives = self.begun[other] && self.at[other] < ops.len();
            if lives && other != main && !self.ready.contains(&other) {
                self.ready.push(other);
            }
        }
    }

    fn step(&mut self, task: usize, tasks: &[Vec<Op>]) {
        self.touch(30 + task as u64, Touch::Read); // whether it was asked to end
        if self.ended {
            self.at[task] += 1000;
            return;
        }
        while let Some(op) = tasks[task].get(self.at[task]).copied() {
            self.at[task] += 1;
            match op {
                Op::Read(cell) => {
                    self.touch(cell as u64, Touch::Read);
                    let value = self.cells[cell];
                    self.state[task].2.push(value);
                }
                Op::Write(cell) => {
                    self.touch(cell as u64, Touch::Write);
                    self.cells[cell] = task * 100 + self.at[task];
                }
                Op::Acquire(lock) if self.acquire(task, lock) => {}
                Op::Acquire(_) => return,
                Op::Release(lock) => self.release(lock),
                Op::Set(event) => {
                    let waiting = std::mem::take(&mut self.events[event].1);
                    let plain = self.events[event].0 && waiting.is_empty();
                    self.touch(20 + event as u64, if plain { Touch::Set } else { Touch::Write });
                    self.events[event].0 = true;
                    self.ready.extend(waiting);
                }
                Op::Wait(event) => {
                    if !self.events[event].0 {
                        self.touch(20 + event as u64, Touch::Write);
                        self.events[event].1.push(task);
                        self.at[task] -= 1;
                        return self.waits(task, 20 + event as u64);
                    }
                    self.touch(20 + event as u64, Touch::Read);
                }
                Op::Yield => {
                    self.ready.push(task);
                    return self.waits(task, 1);
                }
                Op::Sleep => {
                    self.asleep.push((self.now + 1, task));
                    return self.waits(task, 2);
                }
                Op::Spawn(other) => {
                    self.begun[other] = true;
                    self.ready.push(other);
                }
                Op::Abort(other) => {
                    self.touch(30 + other as u64, Touch::Write);
                    if other != task && self.begun[other] && self.at[other] < tasks[other].len() {
                        self.drop_task(other);
                        self.at[other] += 100;
                    }
                }
                Op::End => return self.end(task, tasks),
            }
        }
    }
}

/// Picks as the loop would.
struct Steering<'a> {
    order: &'a Order<'a>,
    followed: usize,
    sleepers: Vec<Sleeper>,
    ran: Vec<u64>,
    redundant: bool,
}

impl<'a> Steering<'a> {
    fn new(order: &'a Order<'a>) -> Steering<'a> {
        let sleepers = match order {
            Order::Prefix(prefix) => prefix.sleepers.clone(),
            Order::Holds(_) => Vec::new(),
        };
        Steering { order, followed: 0, sleepers, ran: Vec::new(), redundant: false }
    }

    fn pick(&mut self, names: &[StepName]) -> usize {
        match self.order {
            Order::Prefix(prefix) => {
                if let Some(name) = prefix.steps.get(self.followed) {
                    self.followed += 1;
                    match names.iter().position(|ready| ready == name) {
                        Some(index) => return index,
                        None => self.followed = prefix.steps.len(),
                    }
                }
                let awake = |name: &StepName| self.sleepers.iter().all(|sleeper| sleeper.name != *name);
                let index = names.iter().position(awake);
                self.redundant |= index.is_none();
                index.unwrap_or(0)
            }
            Order::Holds(constraints) => {
                let has_run = |pattern| matches!(pattern, StepPattern::Exact(key) if self.ran.contains(&key));
                let held = |name: &StepName| {
                    constraints.holds.iter().any(|hold| hold.held.matches(name, 0) && !has_run(hold.until))
                };
                names.iter().position(|name| !held(name)).unwrap_or(0)
            }
        }
    }

    fn ran(&mut self, name: &StepName, touched: &[Touched]) {
        self.ran.push(name.key());
        let Order::Prefix(prefix) = self.order else { return };
        if self.ran.len() > prefix.asleep_after {
            self.sleepers
                .retain(|sleeper| sleeper.name.lane != name.lane && !conflict(&sleeper.touched, touched));
        }
    }
}
