//! One run of one program: its loop, its objects, its names, its trace.
//!
//! Everything that a program refers to by name is kept here until the trace is complete, so nothing
//! is dropped (and no task is aborted) that Python would have kept alive.
//!
//! Handles are cloned out of the tables before they are used: using one may run a statement (an eager
//! task, a `crun`), and that statement looks names up too.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use asyncio::{AnyTask, ContextToken, ContextVar, Error, EventLoop, Result, Task, concurrent};
use counterpoint as asyncio;

use super::closing::LastLook;
use super::objects::Object;
use super::program::{Name, Program};
use super::seconds::{self, Seconds};
use super::value::Value;
use crate::difftest_net::Network;

/// Stands for an index that is greater than that of any task.
pub(crate) const LAST: u64 = u64::MAX;

/// Code that runs: what the trace calls it, and its place in the order that keeps awaits free of
/// cycles (LANGUAGE.md, section 3).
#[derive(Clone)]
pub(crate) struct Activity {
    pub(crate) label: Rc<str>,
    pub(crate) index: u64,
    /// The connection that a program of the network calls `@c` here.
    pub(crate) connection: Option<Rc<str>>,
}

impl Activity {
    pub(crate) fn new(label: impl Into<Rc<str>>, index: u64) -> Activity {
        Activity { label: label.into(), index, connection: None }
    }

    /// The same, about the connection of another.
    pub(crate) fn about(self, connection: Option<Rc<str>>) -> Activity {
        Activity { connection, ..self }
    }
}

/// A task or future that has a name.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) future: asyncio::Future<Value>,
    /// The same thing as a task, if it is one. (A stream server's handler is asyncio's own task, of another type: its
    /// future is one that ends with it.)
    pub(crate) task: Option<AnyTask>,
    pub(crate) index: u64,
    pub(crate) name: Rc<str>,
}

impl Named {
    pub(crate) fn cancel(&self) -> bool {
        self.task.as_ref().map_or_else(|| self.future.cancel(), AnyTask::cancel)
    }

    pub(crate) fn cancel_with(&self, message: &str) -> bool {
        self.task.as_ref().map_or_else(|| self.future.cancel_with(message), |task| task.cancel_with(message))
    }
}

/// A callback that was asked for, so that it can be taken back.
#[derive(Clone)]
pub(crate) enum Scheduled {
    Soon(asyncio::Handle),
    Later(asyncio::TimerHandle),
}

impl Scheduled {
    pub(crate) fn cancel(&self) {
        match self {
            Scheduled::Soon(handle) => handle.cancel(),
            Scheduled::Later(handle) => handle.cancel(),
        }
    }
}

/// A timeout, and the deadline last asked for if it lies before the loop's start, where the loop has
/// no time.
#[derive(Clone)]
pub(crate) struct NamedTimeout {
    pub(crate) timeout: asyncio::Timeout,
    pub(crate) before_start: Option<i64>,
}

impl NamedTimeout {
    /// A timeout after a delay, which may be negative, or at a moment.
    pub(crate) fn new(event_loop: &EventLoop, delay: Option<&Seconds>, at: Option<&Seconds>) -> NamedTimeout {
        let when = match (delay, at) {
            (_, Some(at)) => at.as_nanos(),
            (None, None) => return NamedTimeout { timeout: asyncio::timeout(None), before_start: None },
            (Some(delay), None) if delay.as_nanos() >= 0 => {
                return NamedTimeout { timeout: asyncio::timeout(delay.delay()), before_start: None };
            }
            (Some(delay), None) => event_loop.time().as_nanos() as i64 + delay.as_nanos(),
        };
        let timeout = asyncio::timeout_at(seconds::instant(when));
        NamedTimeout { timeout, before_start: Some(when).filter(|when| *when < 0) }
    }
}

/// What setting a variable gave, to set it back with.
#[derive(Clone)]
pub(crate) struct NamedToken {
    pub(crate) variable: Rc<ContextVar<Value>>,
    pub(crate) token: Rc<ContextToken<Value>>,
}

/// A concurrent future by its name. It keeps its place in the list when the name is bound anew.
#[derive(Clone)]
pub(crate) struct NamedConcurrent {
    pub(crate) name: Name,
    pub(crate) future: concurrent::Future<Value>,
    pub(crate) index: u64,
}

/// A numbered callback that stands in a future's line.
pub(crate) struct Registered {
    pub(crate) future: asyncio::Future<Value>,
    pub(crate) number: Name,
    pub(crate) registration: asyncio::DoneCallback,
}

/// The name spaces of a program.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) bound: BTreeMap<Name, Named>,
    /// Every task that was spawned, in the order in which the spawns returned.
    pub(crate) spawned: Vec<Named>,
    pub(crate) scheduled: BTreeMap<Name, Scheduled>,
    pub(crate) timeouts: BTreeMap<Name, NamedTimeout>,
    pub(crate) groups: BTreeMap<Name, asyncio::TaskGroup>,
    pub(crate) tokens: BTreeMap<Name, NamedToken>,
    pub(crate) variables: BTreeMap<Name, Rc<ContextVar<Value>>>,
    pub(crate) contexts: BTreeMap<Name, asyncio::Context>,
    pub(crate) concurrent: Vec<NamedConcurrent>,
    pub(crate) counters: BTreeMap<Name, i64>,
    pub(crate) registered: Vec<Registered>,
    /// How many instances each name has had.
    instances: BTreeMap<Name, u32>,
    index_last: u64,
}

pub(crate) struct Machine {
    pub(crate) program: Rc<Program>,
    pub(crate) event_loop: EventLoop,
    pub(crate) objects: BTreeMap<Name, Object>,
    pub(crate) names: RefCell<Names>,
    lines: RefCell<Vec<String>>,
    /// Where the tick column began to count: anew after the limit was met.
    ticks_before: Cell<u64>,
    pub(crate) default_executor_made: Cell<bool>,
    /// Set once the loop is closed.
    pub(crate) last_look: RefCell<Option<LastLook>>,
    /// What a program of the network has besides.
    pub(crate) network: Network,
}

impl Machine {
    /// Makes the objects of the program, in the order in which it lists them.
    pub(crate) fn new(program: Rc<Program>, event_loop: EventLoop) -> Machine {
        let mut objects = BTreeMap::new();
        let mut names = Names::default();
        for (name, spec) in &program.objects.0 {
            let object = Object::new(spec, &event_loop, &objects);
            if let Object::Concurrent(future) = &object {
                let future = future.clone();
                names.concurrent.push(NamedConcurrent { name: name.clone(), future, index: LAST });
            }
            objects.insert(name.clone(), object);
        }
        Machine {
            program,
            event_loop,
            objects,
            names: RefCell::new(names),
            lines: RefCell::default(),
            ticks_before: Cell::new(0),
            default_executor_made: Cell::new(false),
            last_look: RefCell::default(),
            network: Network::default(),
        }
    }

    // ---- trace

    pub(crate) fn print(&self, label: &str, text: &str) {
        let (ticks, nanos) = match &*self.last_look.borrow() {
            Some(look) => (look.ticks, look.nanos),
            None => (self.event_loop.ticks(), self.event_loop.time().as_nanos() as i64),
        };
        let (ticks, time) = (ticks - self.ticks_before.get(), seconds::shown(nanos));
        self.lines.borrow_mut().push(format!("{ticks} {time} {label} {text}"));
    }

    /// As [`print`](Machine::print), in the tick that the limit let not begin.
    pub(crate) fn print_limit(&self) {
        let ticks = self.event_loop.ticks() + 1 - self.ticks_before.get();
        let time = seconds::shown(self.event_loop.time().as_nanos() as i64);
        self.lines.borrow_mut().push(format!("{ticks} {time} * limit"));
    }

    pub(crate) fn restart_ticks(&self) {
        self.ticks_before.set(self.event_loop.ticks());
    }

    pub(crate) fn take_lines(&self) -> Vec<String> {
        self.lines.take()
    }

    // ---- names

    pub(crate) fn next_index(&self) -> u64 {
        let names = &mut *self.names.borrow_mut();
        names.index_last += 1;
        names.index_last
    }

    /// The next instance of a name: `t0`, then `t0#2`, ...
    pub(crate) fn instance(&self, name: &str) -> Rc<str> {
        let names = &mut *self.names.borrow_mut();
        let count = names.instances.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 { name.into() } else { format!("{name}#{count}").into() }
    }

    pub(crate) fn bind(&self, name: &str, future: asyncio::Future<Value>, index: u64) {
        let names = &mut *self.names.borrow_mut();
        // A future may be a task that has a name: a shield of what is done is that itself.
        let same = names.bound.values().chain(&names.spawned).find(|named| named.future == future);
        let task = same.and_then(|named| named.task.clone());
        let named = Named { future, task, index, name: name.into() };
        names.bound.insert(name.to_owned(), named);
    }

    /// Binds a name to a task that is none of the spawned ones.
    pub(crate) fn bind_task(&self, name: &str, task: Task<Value>, index: u64) {
        let named = Named { future: task.as_future(), task: Some(task.any()), index, name: name.into() };
        self.names.borrow_mut().bound.insert(name.to_owned(), named);
    }

    /// Enters a task, that was spawned just now, under its name.
    pub(crate) fn bind_spawned(&self, name: &str, task: Task<Value>, index: u64, instance: Rc<str>) {
        self.enter(name, Named { future: task.as_future(), task: Some(task.any()), index, name: instance });
    }

    /// Enters a task at the end of the list, under a name and, in a program of the network, its instance's too.
    pub(crate) fn enter(&self, name: &str, named: Named) {
        let names = &mut *self.names.borrow_mut();
        names.spawned.push(named.clone());
        if self.program.is_of_network() {
            names.bound.insert((*named.name).to_owned(), named.clone());
        }
        names.bound.insert(name.to_owned(), named);
    }

    /// What a name of a task or future means now.
    pub(crate) fn lookup(&self, name: &str) -> Option<Named> {
        if name == "@self" {
            let current = asyncio::current_task()?;
            let names = self.names.borrow();
            let is_current = |named: &&Named| named.task.as_ref().is_some_and(|task| *task == current);
            return names.spawned.iter().find(is_current).cloned();
        }
        if let Some(named) = self.names.borrow().bound.get(name) {
            return Some(named.clone());
        }
        match self.objects.get(name) {
            Some(Object::Future(future)) => {
                Some(Named { future: future.clone(), task: None, index: LAST, name: name.into() })
            }
            _ => None,
        }
    }

    /// What a name means to an await: only a task of a higher index, so that no two ever wait for
    /// each other.
    pub(crate) fn reference(&self, name: &str, activity: &Activity) -> Named {
        if let Some(named) = self.lookup(name).filter(|named| named.index > activity.index) {
            return named;
        }
        Named { future: self.noref(), task: None, index: LAST, name: "noref".into() }
    }

    /// A future that is done with the word for a name that means nothing.
    pub(crate) fn noref(&self) -> asyncio::Future<Value> {
        let future = self.event_loop.create_future();
        future.set_result(Value::Text("noref".to_owned())).expect("a future just made is pending");
        future
    }

    pub(crate) fn object(&self, name: &str) -> &Object {
        self.objects.get(name).unwrap_or_else(|| panic!("the program has no object `{name}`"))
    }

    pub(crate) fn context(&self, name: Option<&Name>) -> Option<asyncio::Context> {
        self.names.borrow().contexts.get(name?).cloned()
    }

    pub(crate) fn variable(&self, name: &str) -> Rc<ContextVar<Value>> {
        let names = &mut *self.names.borrow_mut();
        let new = || Rc::new(ContextVar::new("a variable of the program"));
        names.variables.entry(name.to_owned()).or_insert_with(new).clone()
    }

    pub(crate) fn concurrent(&self, name: &str) -> Option<NamedConcurrent> {
        self.names.borrow().concurrent.iter().find(|named| named.name == name).cloned()
    }

    pub(crate) fn bind_concurrent(&self, named: NamedConcurrent) {
        let list = &mut self.names.borrow_mut().concurrent;
        match list.iter_mut().find(|other| other.name == named.name) {
            Some(place) => *place = named,
            None => list.push(named),
        }
    }

    /// Python raises where a closed loop is asked to schedule something; ours says so by a panic, which
    /// no program of the language could catch. So the interpreter asks first.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.event_loop.is_closed() {
            return Err(Error::new(asyncio::ErrorKind::Runtime, "Event loop is closed"));
        }
        Ok(())
    }
}
