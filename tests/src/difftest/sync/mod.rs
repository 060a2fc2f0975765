//! The statements that never suspend, and so may stand in callbacks too.
//!
//! A library error is the statement's *result* here, printed behind it; only an error of the program
//! itself (`raise`) goes on. One file for each family, with its statements and what they do.

mod awaited;
mod contexts;
mod loops;
mod objects;
mod threads;
mod time;

use std::rc::Rc;

use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use super::machine::{Activity, Machine};
use super::value::{is_result, shown, user_error};
use crate::difftest_net::NetworkStatement;

pub(super) use awaited::spawn;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum SyncStatement {
    Log {
        m: String,
    },
    Raise {
        e: String,
    },
    #[serde(untagged)]
    Task(awaited::TaskStatement),
    #[serde(untagged)]
    Object(objects::ObjectStatement),
    #[serde(untagged)]
    Time(time::TimeStatement),
    #[serde(untagged)]
    Context(contexts::ContextStatement),
    #[serde(untagged)]
    Thread(threads::ThreadStatement),
    #[serde(untagged)]
    Loop(loops::LoopStatement),
    #[serde(untagged)]
    Network(NetworkStatement),
}

impl SyncStatement {
    /// What the trace line of this statement begins with: its name, then its subject if it has one.
    ///
    /// The subject is the first of a fixed list of keys that is there and neither null nor 0.
    fn words(&self) -> String {
        let json = serde_json::to_value(self).expect("a statement is plain data");
        let op = json["op"].as_str().expect("a statement has a name");
        let subject = ["as", "t", "o", "h", "tm", "var", "tok", "c", "ctx"].iter().find_map(|key| match json
            .get(
            key,
        )? {
            serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
            serde_json::Value::Number(number) if number.as_f64() != Some(0.0) => Some(number.to_string()),
            _ => None,
        });
        subject.map_or_else(|| op.to_owned(), |subject| format!("{op} {subject}"))
    }
}

/// Runs statements in order until one raises.
pub(crate) fn run_sync(
    machine: &Rc<Machine>,
    statements: &[SyncStatement],
    activity: &Activity,
) -> asyncio::Result<()> {
    statements.iter().try_for_each(|statement| run_one(machine, statement, activity))
}

pub(crate) fn run_one(
    machine: &Rc<Machine>,
    statement: &SyncStatement,
    activity: &Activity,
) -> asyncio::Result<()> {
    let result = match statement {
        SyncStatement::Log { m } => {
            machine.print(&activity.label, &format!("log {m}"));
            return Ok(());
        }
        SyncStatement::Raise { e } => return Err(user_error(e)),
        SyncStatement::Task(task) => awaited::apply(machine, task, activity),
        SyncStatement::Object(object) => objects::apply(machine, object),
        SyncStatement::Time(time) => time::apply(machine, time, activity),
        SyncStatement::Context(context) => contexts::apply(machine, context, activity),
        SyncStatement::Thread(thread) => threads::apply(machine, thread),
        SyncStatement::Loop(control) => loops::apply(machine, control),
        SyncStatement::Network(statement) => crate::difftest_net::apply(machine, statement, activity),
    };
    let result = match result {
        Err(error) if is_result(&error) => format!("! {}", shown(&error)),
        other => other?,
    };
    let line = match statement {
        // Their results are sentences of their own.
        SyncStatement::Task(awaited::TaskStatement::Cancelling | awaited::TaskStatement::Uncancel) => result,
        SyncStatement::Network(network) => format!("{} {result}", network.words()),
        _ => format!("{} {result}", statement.words()),
    };
    machine.print(&activity.label, &line);
    Ok(())
}

pub(crate) fn ok(_: ()) -> String {
    "ok".to_owned()
}
