//! Whose turn it is, and where time goes.
//!
//! Processes with something ready take turns, a tick each, in the order in which they became ready; the test's own process
//! is one of them. When none has anything, time moves to the earliest deadline or event of the network. A process that has
//! nothing to do is in no line, so that it costs nothing.
//!
//! The world is the kernel below the test's loop: this is its `select`.

use super::State;
use super::processes::Stage;
use counterpoint_runtime::kernel::{Driven, Kernel, Patience, Process, Selected, take_woken_loops};
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
    /// Room for those who are to be looked at.
    found: Vec<u32>,
    woken: Vec<u64>,
    /// Room for what a process is told.
    ready: Readiness,
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
            this.fill_line(now, ready);
            this.take_turns(now)?;
            if patience == Patience::None || !ready.is_empty() || this.main.is_ready() {
                return Ok(Selected::At(now));
            }
            if this.is_anybody_ready() {
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
        self.processes.borrow().iter().filter_map(|process| process.event_loop.as_deref().cloned()).collect()
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

    /// When something is due next, on a host or between them. Now, if a call has made something ready meanwhile.
    fn next_moment(&self) -> Option<Instant> {
        let network = self.network.with(|network| {
            if network.is_any_stirred() {
                Some(self.now.get())
            } else {
                network.next_at().filter(|_| !network.is_idle())
            }
        });
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

    /// Stands anybody in line, or was a loop woken by another one's code?
    fn is_anybody_ready(&self) -> bool {
        let mut turns = self.turns.borrow_mut();
        take_woken_loops(&mut turns.woken);
        !turns.line.is_empty() || !turns.woken.is_empty()
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

    /// What is due is done. Whoever became ready by it, by a deadline or by another loop stands in line; what the test's
    /// own process hears of goes to `ready`.
    fn fill_line(&self, now: Instant, ready: &mut Readiness) {
        let mut turns = self.turns.borrow_mut();
        let turns = &mut *turns;
        self.network.with(|network| {
            network.advance(now);
            network.take_stirred(&mut turns.found);
            if network.is_stirred(0) {
                network.poll(0, ready);
            }
        });
        take_woken_loops(&mut turns.woken);
        let woken = turns.woken.drain(..).filter_map(|event_loop| turns.loops.get(&event_loop).copied());
        turns.found.extend(woken);
        let mut processes = self.processes.borrow_mut();
        while let Some(Reverse((at, number))) = turns.deadlines.peek().copied()
            && at <= now.as_nanos()
        {
            turns.deadlines.pop();
            let process = &mut processes[number as usize];
            if process.deadline == Some(at) {
                process.deadline = None;
                turns.found.push(number);
            }
        }
        for number in turns.found.drain(..).filter(|number| *number != 0) {
            let process = &mut processes[number as usize];
            if !process.queued && process.stage != Stage::Gone {
                process.queued = true;
                turns.line.push_back(number);
            }
        }
    }

    /// A tick for each process in line.
    fn take_turns(self: &Rc<State>, now: Instant) -> Result<()> {
        let mut left = self.turns.borrow().line.len();
        while left > 0 {
            left -= 1;
            let Some(number) = self.turns.borrow_mut().line.pop_front() else { break };
            self.turn(number, now)?;
        }
        Ok(())
    }

    /// One process's turn: a tick, if it has anything.
    fn turn(self: &Rc<State>, number: u32, now: Instant) -> Result<()> {
        let event_loop = {
            let mut processes = self.processes.borrow_mut();
            let process = &mut processes[number as usize];
            process.queued = false;
            if self.is_stopped(process.host) {
                return Ok(()); // it is looked at when its host goes on
            }
            process.event_loop.clone()
        };
        let Some(event_loop) = event_loop else { return Ok(()) };
        let mut ready = std::mem::take(&mut self.turns.borrow_mut().ready);
        ready.clear();
        self.network.with(|network| network.poll(number, &mut ready));
        self.running.set(number);
        let driven = event_loop.drive(now, &ready);
        self.running.set(0);
        let was_told = !ready.is_empty();
        self.turns.borrow_mut().ready = ready;
        let Some(driven) = driven else { return Ok(()) };
        let mut ready = driven.ready || (was_told && !driven.ran);
        if driven.ran && self.after_tick(number, &event_loop, &driven)? {
            ready |= event_loop.is_ready(); // its tasks may have been told to end
        }
        self.put_back(number, now, &driven, ready);
        Ok(())
    }

    /// True if it was looked at whether the process has come to its end.
    fn after_tick(
        self: &Rc<State>,
        number: u32,
        event_loop: &Rc<EventLoop>,
        driven: &Driven,
    ) -> Result<bool> {
        let (more, looked_at) = {
            let mut processes = self.processes.borrow_mut();
            let process = &mut processes[number as usize];
            let looked_at = std::mem::replace(&mut process.ended, driven.ended) == driven.ended;
            (driven.steps - std::mem::replace(&mut process.counted, driven.steps), looked_at)
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
        if !looked_at {
            self.look_at_end(number, event_loop);
        }
        Ok(!looked_at)
    }

    /// A process's turn is over: it stands in line again, or among the deadlines, or nowhere.
    fn put_back(&self, number: u32, now: Instant, driven: &Driven, ready: bool) {
        let mut processes = self.processes.borrow_mut();
        let process = &mut processes[number as usize];
        if process.stage == Stage::Gone {
            return;
        }
        let ready = ready || self.network.with(|network| network.is_stirred(number));
        let next = match (ready, driven.now > now) {
            (true, false) => {
                if !process.queued {
                    process.queued = true;
                    self.turns.borrow_mut().line.push_back(number);
                }
                return;
            }
            (true, true) => Some(driven.now),
            (false, _) => driven.next_deadline.map(|deadline| deadline.max(driven.now)),
        };
        let next = next.map(Instant::as_nanos);
        if process.deadline != next {
            process.deadline = next;
            if let Some(at) = next {
                self.turns.borrow_mut().deadlines.push(Reverse((at, number)));
            }
        }
    }
}
