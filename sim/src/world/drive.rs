//! Whose turn it is, and where time goes.
//!
//! Processes with something ready take turns, a tick each, in the order in which they became ready; the test's own process
//! is one of them. When none has anything, time moves to the earliest deadline or event of the network. A process that has
//! nothing to do is in no line, so that it costs nothing.
//!
//! The world is the kernel below the test's loop: this is its `select`.

use super::State;
use super::processes::Stage;
use counterpoint_runtime::kernel::{Kernel, Patience, Process, Selected, take_woken_loops};
use counterpoint_runtime::{Error, ErrorKind, EventLoop, Instant, Limit, Readiness, Result};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::rc::Rc;

/// The lines that processes stand in.
#[derive(Default)]
pub(super) struct Turns {
    line: VecDeque<u32>,
    /// By moment; an entry counts if it is the one that its process names.
    deadlines: BinaryHeap<Reverse<(u64, u32)>>,
    /// Processes by the number of their loop.
    pub(super) loops: BTreeMap<u64, u32>,
    stirred: Vec<u32>,
    woken: Vec<u64>,
}

impl Kernel for State {
    fn select(
        &self,
        _: Process,
        now: Instant,
        patience: Patience,
        ready: &mut Readiness,
    ) -> Result<Selected> {
        let this = self.main_state();
        this.now.set(this.now.get().max(now));
        loop {
            let now = this.now.get();
            this.network.with(|network| network.advance(now));
            let ran = this.take_turns()?;
            this.network.with(|network| network.poll(0, ready));
            if patience == Patience::None || !ready.is_empty() || this.main.is_ready() {
                return Ok(Selected::At(now));
            }
            if ran {
                continue;
            }
            let below = this.next_moment();
            match (patience, below) {
                (Patience::Until(deadline), below) if below.is_none_or(|below| below > deadline) => {
                    this.move_to(deadline)?;
                    this.network.with(|network| network.advance(deadline));
                    return Ok(Selected::At(deadline));
                }
                (_, Some(below)) => this.move_to(below)?,
                (_, None) => return Ok(Selected::Never),
            }
        }
    }

    fn loops(&self) -> Vec<EventLoop> {
        self.processes.borrow().iter().filter_map(|process| process.event_loop.clone()).collect()
    }
}

impl State {
    /// Time goes on.
    fn move_to(&self, at: Instant) -> Result<()> {
        let limit = self.settings.limits.time;
        if let Some(limit) = limit.filter(|limit| at > Instant::ZERO + *limit) {
            return Err(Error::wrap(ErrorKind::Limit, Limit::Time(limit)));
        }
        self.now.set(self.now.get().max(at));
        Ok(())
    }

    /// When something is due next, on a host or between them.
    fn next_moment(&self) -> Option<Instant> {
        let network = self.network.with(|network| network.next_at().filter(|_| !network.is_idle()));
        let mut turns = self.turns.borrow_mut();
        let processes = self.processes.borrow();
        while let Some(Reverse((at, number))) = turns.deadlines.peek().copied() {
            let process = &processes[number as usize];
            if process.deadline == Some(at) && process.stage != Stage::Gone {
                let deadline = Instant::from_nanos(at);
                return Some(network.map_or(deadline, |network| network.min(deadline)));
            }
            turns.deadlines.pop();
        }
        network
    }

    /// A process gets a turn, behind those who wait for theirs.
    pub(super) fn queue(&self, number: u32) {
        let mut processes = self.processes.borrow_mut();
        let process = &mut processes[number as usize];
        if !process.queued && process.stage != Stage::Gone {
            process.queued = true;
            self.turns.borrow_mut().line.push_back(number);
        }
    }

    /// Whoever became ready by the network, by a deadline or by another loop stands in line.
    fn fill_line(&self) {
        let now = self.now.get().as_nanos();
        let mut found = std::mem::take(&mut self.turns.borrow_mut().stirred);
        self.network.with(|network| network.take_stirred(&mut found));
        {
            let mut turns = self.turns.borrow_mut();
            let mut woken = std::mem::take(&mut turns.woken);
            take_woken_loops(&mut woken);
            found.extend(woken.drain(..).filter_map(|event_loop| turns.loops.get(&event_loop).copied()));
            turns.woken = woken;
            let mut processes = self.processes.borrow_mut();
            while let Some(Reverse((at, number))) = turns.deadlines.peek().copied()
                && at <= now
            {
                turns.deadlines.pop();
                let process = &mut processes[number as usize];
                if process.deadline == Some(at) {
                    process.deadline = None;
                    found.push(number);
                }
            }
        }
        for number in found.drain(..) {
            if number != 0 {
                self.queue(number);
            }
        }
        self.turns.borrow_mut().stirred = found;
    }

    /// A tick for each process in line. True if one ran.
    fn take_turns(self: &Rc<State>) -> Result<bool> {
        self.fill_line();
        let count = self.turns.borrow().line.len();
        let mut ran = false;
        for _ in 0..count {
            let Some(number) = self.turns.borrow_mut().line.pop_front() else { break };
            ran |= self.turn(number)?;
        }
        Ok(ran)
    }

    /// One process's turn: a tick, if it has anything.
    fn turn(self: &Rc<State>, number: u32) -> Result<bool> {
        let now = self.now.get();
        let event_loop = {
            let mut processes = self.processes.borrow_mut();
            let process = &mut processes[number as usize];
            process.queued = false;
            if self.is_stopped(process.host) {
                return Ok(false); // it is looked at when its host goes on
            }
            process.event_loop.clone()
        };
        let Some(event_loop) = event_loop else { return Ok(false) };
        let mut ready = Readiness::none();
        self.network.with(|network| network.poll(number, &mut ready));
        let due = event_loop.next_deadline().is_some_and(|at| at <= now);
        let busy = event_loop.time() > now;
        let runs = !busy && (due || !ready.is_empty() || event_loop.is_ready());
        if runs {
            self.running.set(number);
            let stopped = !event_loop.tick_driven(now, &ready);
            self.running.set(0);
            self.after_tick(number, &event_loop, stopped)?;
        }
        self.put_back(number, &event_loop, busy && !ready.is_empty());
        Ok(runs)
    }

    fn after_tick(self: &Rc<State>, number: u32, event_loop: &EventLoop, stopped: bool) -> Result<()> {
        let steps = event_loop.steps();
        let more = {
            let mut processes = self.processes.borrow_mut();
            let counted = &mut processes[number as usize].counted;
            steps - std::mem::replace(counted, steps)
        };
        self.steps.set(self.steps.get() + more);
        self.ticks.set(self.ticks.get() + 1);
        let limits = &self.settings.limits;
        if let Some(limit) = limits.steps.filter(|limit| self.steps.get() >= *limit) {
            return Err(Error::wrap(ErrorKind::Limit, Limit::Steps(limit)));
        }
        if let Some(limit) = limits.ticks.filter(|limit| self.ticks.get() >= *limit) {
            return Err(Error::wrap(ErrorKind::Limit, Limit::Ticks(limit)));
        }
        if self.watch.replay.is_some() {
            event_loop.refuse_divergence()?;
        }
        let _ = stopped; // `stop` is for the one who runs a loop; a process ends with its main task
        self.look_at_end(number, event_loop);
        Ok(())
    }

    /// A process's turn is over: it stands in line again, or among the deadlines, or nowhere.
    fn put_back(&self, number: u32, event_loop: &EventLoop, was_told: bool) {
        let now = self.now.get();
        if self.processes.borrow()[number as usize].stage == Stage::Gone {
            return;
        }
        let (ready, time) = (event_loop.is_ready(), event_loop.time());
        let deadline = event_loop.next_deadline();
        let stirred = was_told || self.network.with(|network| network.is_stirred(number));
        let next = match (ready || stirred, time > now) {
            (true, false) => return self.queue(number),
            (true, true) => Some(time),
            (false, _) => deadline.map(|deadline| deadline.max(time)),
        };
        let mut processes = self.processes.borrow_mut();
        let process = &mut processes[number as usize];
        let next = next.map(Instant::as_nanos);
        if process.deadline != next {
            process.deadline = next;
            if let Some(at) = next {
                self.turns.borrow_mut().deadlines.push(Reverse((at, number)));
            }
        }
    }
}
