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

use asyncio::{ContextToken, ContextVar, Error, EventLoop, Result, Task, concurrent};
use counterpoint as asyncio;

use super::closing::LastLook;
use super::objects::Object;
use super::program::{Name, Program};
use super::seconds::{self, Seconds};
use super::value::Value;

/// Stands for an index that is greater than that of any task.
pub(super) const LAST: u64 = u64::MAX;

/// Code that runs: what the trace calls it, and its place in the order that keeps awaits free of
/// cycles (LANGUAGE.md, section 3).
#[derive(Clone)]
pub(super) struct Activity {
    pub(super) label: Rc<str>,
    pub(super) index: u64,
}

impl Activity {
    pub(super) fn new(label: impl Into<Rc<str>>, index: u64) -> Activity {
        Activity { label: label.into(), index }
    }
}

/// A task or future that has a name.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) future: asyncio::Future<Value>,
    /// The same thing as a task, if it is one.
    pub(super) task: Option<Task<Value>>,
    pub(super) index: u64,
    pub(super) name: Rc<str>,
}

/// A callback that was asked for, so that it can be taken back.
#[derive(Clone)]
pub(super) enum Scheduled {
    Soon(asyncio::Handle),
    Later(asyncio::TimerHandle),
}

impl Scheduled {
    pub(super) fn cancel(&self) {
        match self {
            Scheduled::Soon(handle) => handle.cancel(),
            Scheduled::Later(handle) => handle.cancel(),
        }
    }
}

/// A timeout, and the deadline last asked for if it lies before the loop's start, where the loop has
/// no time.
#[derive(Clone)]
pub(super) struct NamedTimeout {
    pub(super) timeout: asyncio::Timeout,
    pub(super) before_start: Option<i64>,
}

impl NamedTimeout {
    /// A timeout after a delay, which may be negative, or at a moment.
    pub(super) fn new(event_loop: &EventLoop, delay: Option<&Seconds>, at: Option<&Seconds>) -> NamedTimeout {
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
pub(super) struct NamedToken {
    pub(super) variable: Rc<ContextVar<Value>>,
    pub(super) token: Rc<ContextToken<Value>>,
}

/// A concurrent future by its name. It keeps its place in the list when the name is bound anew.
#[derive(Clone)]
pub(super) struct NamedConcurrent {
    pub(super) name: Name,
    pub(super) future: concurrent::Future<Value>,
    pub(super) index: u64,
}

/// A numbered callback that stands in a future's line.
pub(super) struct Registered {
    pub(super) future: asyncio::Future<Value>,
    pub(super) number: Name,
    pub(super) registration: asyncio::DoneCallback,
}

/// The name spaces of a program.
#[derive(Default)]
pub(super) struct Names {
    pub(super) bound: BTreeMap<Name, Named>,
    /// Every task that was spawned, in the order in which the spawns returned.
    pub(super) spawned: Vec<Named>,
    pub(super) scheduled: BTreeMap<Name, Scheduled>,
    pub(super) timeouts: BTreeMap<Name, NamedTimeout>,
    pub(super) groups: BTreeMap<Name, asyncio::TaskGroup>,
    pub(super) tokens: BTreeMap<Name, NamedToken>,
    pub(super) variables: BTreeMap<Name, Rc<ContextVar<Value>>>,
    pub(super) contexts: BTreeMap<Name, asyncio::Context>,
    pub(super) concurrent: Vec<NamedConcurrent>,
    pub(super) counters: BTreeMap<Name, i64>,
    pub(super) registered: Vec<Registered>,
    /// How many instances each name has had.
    instances: BTreeMap<Name, u32>,
    index_last: u64,
}

pub(super) struct Machine {
    pub(super) program: Rc<Program>,
    pub(super) event_loop: EventLoop,
    pub(super) objects: BTreeMap<Name, Object>,
    pub(super) names: RefCell<Names>,
    lines: RefCell<Vec<String>>,
    /// Where the tick column began to count: anew after the limit was met.
    ticks_before: Cell<u64>,
    pub(super) default_executor_made: Cell<bool>,
    /// Set once the loop is closed.
    pub(super) last_look: RefCell<Option<LastLook>>,
}

impl Machine {
    /// Makes the objects of the program, in the order in which it lists them.
    pub(super) fn new(program: Rc<Program>, event_loop: EventLoop) -> Machine {
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
        }
    }

    // ---- trace

    pub(super) fn print(&self, label: &str, text: &str) {
        let (ticks, nanos) = match &*self.last_look.borrow() {
            Some(look) => (look.ticks, look.nanos),
            None => (self.event_loop.ticks(), self.event_loop.time().as_nanos() as i64),
        };
        let (ticks, time) = (ticks - self.ticks_before.get(), seconds::shown(nanos));
        self.lines.borrow_mut().push(format!("{ticks} {time} {label} {text}"));
    }

    pub(super) fn restart_ticks(&self) {
        self.ticks_before.set(self.event_loop.ticks());
    }

    pub(super) fn take_lines(&self) -> Vec<String> {
        self.lines.take()
    }

    // ---- names

    pub(super) fn next_index(&self) -> u64 {
        let names = &mut *self.names.borrow_mut();
        names.index_last += 1;
        names.index_last
    }

    /// The next instance of a name: `t0`, then `t0#2`, ...
    pub(super) fn instance(&self, name: &str) -> Rc<str> {
        let names = &mut *self.names.borrow_mut();
        let count = names.instances.entry(name.to_owned()).or_default();
        *count += 1;
        if *count == 1 { name.into() } else { format!("{name}#{count}").into() }
    }

    pub(super) fn bind(&self, name: &str, future: asyncio::Future<Value>, index: u64) {
        let names = &mut *self.names.borrow_mut();
        // A future may be a task that has a name: a shield of what is done is that itself.
        let same = names.bound.values().chain(&names.spawned).find(|named| named.future == future);
        let task = same.and_then(|named| named.task.clone());
        let named = Named { future, task, index, name: name.into() };
        names.bound.insert(name.to_owned(), named);
    }

    /// Binds a name to a task that is none of the spawned ones.
    pub(super) fn bind_task(&self, name: &str, task: Task<Value>, index: u64) {
        let named = Named { future: task.as_future(), task: Some(task), index, name: name.into() };
        self.names.borrow_mut().bound.insert(name.to_owned(), named);
    }

    /// Enters a task, that was spawned just now, under its name.
    pub(super) fn bind_spawned(&self, name: &str, task: Task<Value>, index: u64, instance: Rc<str>) {
        let named = Named { future: task.as_future(), task: Some(task), index, name: instance };
        let names = &mut *self.names.borrow_mut();
        names.spawned.push(named.clone());
        names.bound.insert(name.to_owned(), named);
    }

    /// What a name of a task or future means now.
    pub(super) fn lookup(&self, name: &str) -> Option<Named> {
        if name == "@self" {
            let current = asyncio::current_task()?;
            let names = self.names.borrow();
            let is_current = |named: &&Named| named.task.as_ref().is_some_and(|task| task.any() == current);
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
    pub(super) fn reference(&self, name: &str, activity: &Activity) -> Named {
        if let Some(named) = self.lookup(name).filter(|named| named.index > activity.index) {
            return named;
        }
        let future = self.event_loop.create_future();
        future.set_result(Value::Text("noref".to_owned())).expect("a future just made is pending");
        Named { future, task: None, index: LAST, name: "noref".into() }
    }

    pub(super) fn object(&self, name: &str) -> &Object {
        self.objects.get(name).unwrap_or_else(|| panic!("the program has no object `{name}`"))
    }

    pub(super) fn context(&self, name: Option<&Name>) -> Option<asyncio::Context> {
        self.names.borrow().contexts.get(name?).cloned()
    }

    pub(super) fn variable(&self, name: &str) -> Rc<ContextVar<Value>> {
        let names = &mut *self.names.borrow_mut();
        let new = || Rc::new(ContextVar::new("a variable of the program"));
        names.variables.entry(name.to_owned()).or_insert_with(new).clone()
    }

    pub(super) fn concurrent(&self, name: &str) -> Option<NamedConcurrent> {
        self.names.borrow().concurrent.iter().find(|named| named.name == name).cloned()
    }

    pub(super) fn bind_concurrent(&self, named: NamedConcurrent) {
        let list = &mut self.names.borrow_mut().concurrent;
        match list.iter_mut().find(|other| other.name == named.name) {
            Some(place) => *place = named,
            None => list.push(named),
        }
    }

    /// Python raises where a closed loop is asked to schedule something; ours says so by a panic, which
    /// no program of the language could catch. So the interpreter asks first.
    pub(super) fn check_open(&self) -> Result<()> {
        if self.event_loop.is_closed() {
            return Err(Error::new(asyncio::ErrorKind::Runtime, "Event loop is closed"));
        }
        Ok(())
    }
}
