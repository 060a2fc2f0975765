//! A process: an event loop on a host, from the start of its program to its end.
//!
//! It ends as `asyncio.run` does: when its main task is done, the tasks that are left are cancelled and waited for, the
//! loop is closed, and its kernel closes what it had open. A power cut ends it without any of this.

use super::State;
use crate::recording::RecordedProcess;
use counterpoint_net::Network;
use counterpoint_runtime::choices::recording::Replay;
use counterpoint_runtime::kernel::{Kernel, Process};
use counterpoint_runtime::{Error, ErrorContext, EventLoop, Result, Task, TaskBuilder};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// Makes the main coroutine of a host's program, each time that it starts.
pub(super) type Program = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>>>>>;

/// A process of the world.
#[derive(Default)]
pub(super) struct ProcessEntry {
    pub(super) host: u32,
    /// The number of its loop in the run.
    pub(super) loop_number: u32,
    /// None once it has ended.
    pub(super) event_loop: Option<Rc<EventLoop>>,
    pub(super) main: Option<Task<()>>,
    pub(super) stage: Stage,
    /// It stands in the line of those whose turn it is.
    pub(super) queued: bool,
    /// The moment for which it stands among the deadlines.
    pub(super) deadline: Option<u64>,
    /// Steps that were counted already, and ends of tasks that were looked at.
    pub(super) counted: u64,
    pub(super) ended: u64,
}

/// How far a process has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its main task runs.
    #[default]
    Running,
    /// Its main task is done; the others were cancelled and are waited for.
    Ending,
    Gone,
}

impl ProcessEntry {
    /// The test's own, which nobody here drives.
    pub(super) fn of_the_test() -> ProcessEntry {
        ProcessEntry { stage: Stage::Gone, ..ProcessEntry::default() }
    }
}

impl State {
    /// Starts the program of a host, whose power is on, in a new process.
    pub(super) fn start_process(self: &Rc<State>, host: u32) -> Result<()> {
        let (name, program, stack, incarnation) = {
            let mut hosts = self.hosts.borrow_mut();
            let entry = &mut hosts[host as usize];
            entry.incarnation += 1;
            (entry.name.clone(), Rc::clone(&entry.program), entry.stack, entry.incarnation)
        };
        let number = self.network.with(|network| network.begin_process(stack));
        // A restart more or less on one host moves no stream of another.
        let loop_number = (host + 1) << 12 | incarnation & 0xFFF;
        let event_loop = self.make_loop(&name, loop_number, number);
        let process = Process { network: self.network.number(), number };
        event_loop.attach(Rc::clone(self) as Rc<dyn Kernel>, process)?;
        event_loop.set_driven(true)?;
        event_loop.wind_to(self.now.get());
        let main = event_loop.enter(|| TaskBuilder::new().name("main").create_task(program()));
        let entry = ProcessEntry {
            host,
            loop_number,
            event_loop: Some(Rc::new(event_loop.clone())),
            main: Some(main),
            ..ProcessEntry::default()
        };
        self.processes.borrow_mut().push(entry);
        self.turns.borrow_mut().loops.insert(event_loop.number(), number);
        self.hosts.borrow_mut()[host as usize].began(number);
        self.queue(number);
        Ok(())
    }

    fn make_loop(&self, name: &str, loop_number: u32, number: u32) -> EventLoop {
        let settings = &self.settings;
        let mut builder =
            self.watch.builder(settings, loop_number).name(name.to_owned()).lane_prefix(format!("{name}:"));
        if let Some(replay) = &self.watch.replay {
            // A process that the recording does not have diverges at its first step.
            let steps = replay.processes.get(number as usize - 1).map(|process| process.steps.clone());
            builder = builder.replay(Replay::new(steps.unwrap_or_default()));
        }
        if let Some(sink) = &self.sink {
            builder = builder.trace_into(sink.clone());
        }
        let event_loop = builder.build();
        let (errors, name) = (Rc::clone(&self.errors), name.to_owned());
        let handler = move |_: &EventLoop, context: &ErrorContext| {
            let message = format!("{} (on host `{name}`)", context.message);
            errors.borrow_mut().push(ErrorContext { message, ..context.clone() });
            Ok(())
        };
        event_loop.enter(|| event_loop.set_default_exception_handler(handler));
        event_loop
    }

    /// After a tick: has the process come to an end?
    pub(super) fn look_at_end(self: &Rc<State>, number: u32, event_loop: &EventLoop) {
        let (stage, done) = {
            let processes = self.processes.borrow();
            let process = &processes[number as usize];
            (process.stage, process.main.as_ref().is_none_or(|main| event_loop.enter(|| main.done())))
        };
        match stage {
            Stage::Running if done => {
                let left = event_loop.enter(|| event_loop.all_tasks());
                self.processes.borrow_mut()[number as usize].stage = Stage::Ending;
                if left.is_empty() {
                    return self.end_process(number, event_loop);
                }
                event_loop.enter(|| {
                    for task in &left {
                        task.cancel();
                    }
                });
            }
            Stage::Ending if event_loop.enter(|| event_loop.all_tasks().is_empty()) => {
                self.end_process(number, event_loop);
            }
            _ => {}
        }
    }

    /// All its tasks are done.
    fn end_process(self: &Rc<State>, number: u32, event_loop: &EventLoop) {
        let (host, main) = {
            let mut processes = self.processes.borrow_mut();
            let process = &mut processes[number as usize];
            process.stage = Stage::Gone;
            process.event_loop = None;
            (process.host, process.main.take())
        };
        let result = main.map_or(Ok(()), |main| event_loop.enter(|| main.result()));
        self.close_loop(number, event_loop);
        self.network.with(|network| network.end_process(number));
        self.host_ended(host, result);
    }

    /// Ends a process at once: nothing of it runs any more, and its destructors find a dead host.
    pub(super) fn kill_process(&self, number: u32) {
        let (event_loop, main) = {
            let mut processes = self.processes.borrow_mut();
            let process = &mut processes[number as usize];
            process.stage = Stage::Gone;
            (process.event_loop.take(), process.main.take())
        };
        let Some(event_loop) = event_loop else { return };
        // What it leaves behind is nobody's mistake.
        event_loop.enter(|| {
            event_loop.clear_exception_handler();
            event_loop.set_default_exception_handler(|_, _: &ErrorContext| Ok(()));
        });
        drop(main);
        self.close_loop(number, &event_loop);
    }

    fn close_loop(&self, number: u32, event_loop: &EventLoop) {
        if let Some(steps) = event_loop.take_recording() {
            let host = self.processes.borrow()[number as usize].host;
            let host = self.hosts.borrow()[host as usize].name.clone();
            self.recorded.borrow_mut().insert(number, RecordedProcess { host, steps });
        }
        let loop_number = self.processes.borrow()[number as usize].loop_number;
        self.observed.borrow_mut().take_from(loop_number, event_loop);
        self.count(event_loop.fingerprint());
        self.turns.borrow_mut().loops.remove(&event_loop.number());
        let closed = event_loop.set_driven(false).and_then(|()| event_loop.close());
        if let Err(error) = closed {
            // A destructor of the program holds it open: the run says so.
            let context = ErrorContext::new("a process could not be closed").with_exception(error);
            self.errors.borrow_mut().push(context);
        }
    }

    fn count(&self, fingerprint: u64) {
        let mixed = self.fingerprint.get().rotate_left(5) ^ fingerprint;
        self.fingerprint.set(mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }

    /// Ends all that still runs, and reports hosts that failed without anybody looking.
    pub(super) fn end_all(&self) {
        let live: Vec<u32> = {
            let processes = self.processes.borrow();
            (1..processes.len() as u32)
                .filter(|number| processes[*number as usize].stage != Stage::Gone)
                .collect()
        };
        self.network.with(Network::cut_all_power);
        for number in live {
            self.kill_process(number);
        }
        for host in self.hosts.borrow().iter() {
            if let Some(error) = host.unseen_failure() {
                let message = format!("host `{}` failed, and nobody awaited its end", host.name);
                self.errors.borrow_mut().push(ErrorContext::new(message).with_exception(Error::clone(error)));
            }
        }
    }
}
