//! A program of the difftest language, as parsed from its JSON.
//!
//! The types follow LANGUAGE.md (beside the golden programs, in `conformance/`): what it calls a
//! statement that suspends is a [`Statement`], what callbacks may run too is a
//! [`SyncStatement`](super::sync::SyncStatement), and what can be awaited an
//! [`Expression`](super::expression::Expression). Field names are the keys of the JSON, because the
//! trace speaks of them.
//!
//! Every type writes itself back as the JSON that it was read from: the shrinker hands smaller
//! programs to CPython, and the words at the start of a trace line are read off the statement's keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::expression::Expression;
use super::ordered::Ordered;
use super::seconds::Seconds;
use super::sync::SyncStatement;
use crate::difftest_net::{KernelSpec, Script};

/// The name of a task, object, function, ...: each kind has its own name space.
pub(crate) type Name = String;
/// What a program computes with: an integer or null.
pub(crate) type Number = Option<i64>;
pub(crate) type Block = Vec<Statement>;
pub(crate) type SyncBlock = Vec<SyncStatement>;

/// A program of the difftest language.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Program {
    #[serde(default)]
    pub(crate) objects: Ordered<ObjectSpec>,
    #[serde(default)]
    pub(crate) funcs: BTreeMap<Name, Block>,
    #[serde(default)]
    pub(crate) main: Block,
    /// The task factory is the eager one from the start.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) eager: bool,
    /// What the driver does in place of running `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drive: Option<Vec<Step>>,
    /// The steps of `drive` run on a `Runner`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) runner: bool,
    /// The numbered done callbacks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cbs: BTreeMap<Name, SyncBlock>,
    /// What the exception handler runs after it has printed its line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) handler: SyncBlock,
    /// How many workers the loop's default executor has.
    #[serde(default = "two", skip_serializing_if = "is_two")]
    pub(crate) workers: usize,
    /// What stands below the loop: there is something in programs of the network only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) net: Option<KernelSpec>,
    /// The scripts of protocols.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) protos: BTreeMap<Name, Script>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn two() -> usize {
    2
}

fn is_two(workers: &usize) -> bool {
    *workers == two()
}

impl Program {
    /// Reads a program from its JSON.
    ///
    /// # Errors
    /// The text is not JSON, or not a program of the language; the message names the place.
    pub fn from_json(text: &str) -> Result<Program, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Is it one of the language of the network, which differs here and there?
    pub(crate) fn is_of_network(&self) -> bool {
        self.net.is_some()
    }

    /// The statements of a function; `main` is one too.
    pub(crate) fn function(&self, name: &str) -> &Block {
        if name == "main" {
            return &self.main;
        }
        self.funcs.get(name).unwrap_or_else(|| panic!("the program has no function `{name}`"))
    }
}

/// A statement that may suspend, so that it cannot stand in a callback.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Statement {
    Do {
        i: u32,
        a: Expression,
    },
    Return {
        v: Number,
    },
    Reraise,
    Repeat {
        n: u32,
        body: Block,
    },
    Try {
        body: Block,
        #[serde(default)]
        except: Vec<(Caught, Block)>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finally: Option<Block>,
    },
    With {
        o: Name,
        body: Block,
    },
    Timeout {
        r#as: Name,
        #[serde(default)]
        t: Option<Seconds>,
        /// A deadline in place of the delay `t`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Seconds>,
        body: Block,
    },
    Group {
        r#as: Name,
        body: Block,
    },
    Each(Each),
    Aeach(Each),
    /// `async for` over the lines of a stream.
    Lines {
        i: u32,
        s: Name,
    },
    #[serde(untagged)]
    Sync(SyncStatement),
}

/// A loop over `as_completed`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Each {
    pub(crate) i: u32,
    pub(crate) of: Vec<Expression>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Seconds>,
}

/// Which errors an `except` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Caught {
    Cancelled,
    Timeout,
    E,
    #[serde(rename = "EG")]
    Group,
    Shut,
    /// An error of the system; a timeout is one.
    OSError,
    Incomplete,
    Overrun,
    /// Everything but a cancellation.
    Exception,
    Base,
}

/// What an object of the program is made as: its kind, then its argument if it has one.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Vec<serde_json::Value>", into = "Vec<serde_json::Value>")]
pub(crate) enum ObjectSpec {
    Lock,
    Event,
    /// Perhaps on the lock of that name.
    Condition(Option<Name>),
    Semaphore(u32),
    BoundedSemaphore(u32),
    Queue(usize),
    PriorityQueue(usize),
    LifoQueue(usize),
    Barrier(usize),
    Future,
    Executor(usize),
    Concurrent,
}

impl TryFrom<Vec<serde_json::Value>> for ObjectSpec {
    type Error = String;

    fn try_from(spec: Vec<serde_json::Value>) -> Result<ObjectSpec, String> {
        let kind = spec.first().and_then(|kind| kind.as_str()).ok_or("an object begins with its kind")?;
        let name = || spec.get(1).and_then(|name| name.as_str()).map(str::to_owned);
        let number =
            || spec.get(1).and_then(serde_json::Value::as_u64).ok_or(format!("{kind} takes a number"));
        let count = || number().map(|n| n as u32);
        let size = || number().map(|n| n as usize);
        Ok(match kind {
            "lock" => ObjectSpec::Lock,
            "event" => ObjectSpec::Event,
            "cond" => ObjectSpec::Condition(name()),
            "sem" => ObjectSpec::Semaphore(count()?),
            "bsem" => ObjectSpec::BoundedSemaphore(count()?),
            "queue" => ObjectSpec::Queue(size()?),
            "pqueue" => ObjectSpec::PriorityQueue(size()?),
            "lifo" => ObjectSpec::LifoQueue(size()?),
            "barrier" => ObjectSpec::Barrier(size()?),
            "future" => ObjectSpec::Future,
            "exec" => ObjectSpec::Executor(size()?),
            "cfuture" => ObjectSpec::Concurrent,
            other => return Err(format!("no object is a `{other}`")),
        })
    }
}

impl From<ObjectSpec> for Vec<serde_json::Value> {
    fn from(spec: ObjectSpec) -> Vec<serde_json::Value> {
        match spec {
            ObjectSpec::Lock => vec!["lock".into()],
            ObjectSpec::Event => vec!["event".into()],
            ObjectSpec::Condition(None) => vec!["cond".into()],
            ObjectSpec::Condition(Some(lock)) => vec!["cond".into(), lock.into()],
            ObjectSpec::Semaphore(n) => vec!["sem".into(), n.into()],
            ObjectSpec::BoundedSemaphore(n) => vec!["bsem".into(), n.into()],
            ObjectSpec::Queue(n) => vec!["queue".into(), n.into()],
            ObjectSpec::PriorityQueue(n) => vec!["pqueue".into(), n.into()],
            ObjectSpec::LifoQueue(n) => vec!["lifo".into(), n.into()],
            ObjectSpec::Barrier(n) => vec!["barrier".into(), n.into()],
            ObjectSpec::Future => vec!["future".into()],
            ObjectSpec::Executor(n) => vec!["exec".into(), n.into()],
            ObjectSpec::Concurrent => vec!["cfuture".into()],
        }
    }
}

/// One step of the driver's list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "Vec<serde_json::Value>", into = "Vec<serde_json::Value>")]
pub(crate) enum Step {
    /// Statements while no loop runs.
    Do(SyncBlock),
    /// Spawns the function under a name and runs the loop until it is done.
    Until(Name, Name),
    /// Runs the loop until something that exists is done.
    Again(Name),
    Forever,
    /// `Runner::run` of the function; the task gets the name.
    Run(Name, Name),
    Close,
}

impl TryFrom<Vec<serde_json::Value>> for Step {
    type Error = String;

    fn try_from(step: Vec<serde_json::Value>) -> Result<Step, String> {
        let words: Vec<&str> = step.iter().filter_map(|word| word.as_str()).collect();
        Ok(match words[..] {
            ["do"] => {
                let block = step.get(1).cloned().ok_or("a step `do` has statements")?;
                Step::Do(serde_json::from_value(block).map_err(|error| error.to_string())?)
            }
            ["until", function, name] => Step::Until(function.into(), name.into()),
            ["again", name] => Step::Again(name.into()),
            ["forever"] => Step::Forever,
            ["run", function, name] => Step::Run(function.into(), name.into()),
            ["close"] => Step::Close,
            _ => return Err(format!("not a step of the driver: {words:?}")),
        })
    }
}

impl From<Step> for Vec<serde_json::Value> {
    fn from(step: Step) -> Vec<serde_json::Value> {
        if let Step::Do(block) = &step {
            return vec!["do".into(), serde_json::to_value(block).expect("statements are plain data")];
        }
        step.words().into_iter().map(serde_json::Value::from).collect()
    }
}

impl Step {
    /// The kind of the step and its strings, as its trace line has them.
    pub(crate) fn words(&self) -> Vec<&str> {
        match self {
            Step::Do(_) => vec!["do"],
            Step::Until(function, name) => vec!["until", function, name],
            Step::Again(name) => vec!["again", name],
            Step::Forever => vec!["forever"],
            Step::Run(function, name) => vec!["run", function, name],
            Step::Close => vec!["close"],
        }
    }
}
