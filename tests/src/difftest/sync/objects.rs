//! Statements about locks, queues and their like.

use std::rc::Rc;

use asyncio::Result;
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::machine::Machine;
use crate::difftest::program::{Name, Number};
use crate::difftest::value::Value;

use super::ok;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum ObjectStatement {
    Set {
        o: Name,
    },
    Clear {
        o: Name,
    },
    Release {
        o: Name,
    },
    Notify {
        o: Name,
        n: usize,
    },
    NotifyAll {
        o: Name,
    },
    PutNowait {
        o: Name,
        v: Number,
    },
    GetNowait {
        o: Name,
    },
    TaskDone {
        o: Name,
    },
    Qshutdown {
        o: Name,
        now: bool,
    },
    Info {
        o: Name,
    },
    /// Adds to a counter, which predicates of conditions look at.
    Count {
        c: Name,
        by: i64,
    },
}

pub(super) fn apply(machine: &Rc<Machine>, statement: &ObjectStatement) -> Result<String> {
    match statement {
        ObjectStatement::Set { o } => {
            machine.object(o).event().set();
            Ok(ok(()))
        }
        ObjectStatement::Clear { o } => {
            machine.object(o).event().clear();
            Ok(ok(()))
        }
        ObjectStatement::Release { o } => machine.object(o).release().map(ok),
        ObjectStatement::Notify { o, n } => machine.object(o).condition().notify(*n).map(ok),
        ObjectStatement::NotifyAll { o } => machine.object(o).condition().notify_all().map(ok),
        ObjectStatement::PutNowait { o, v } => machine.object(o).queue().put_nowait(*v).map(ok),
        ObjectStatement::GetNowait { o } => {
            let item = machine.object(o).queue().get_nowait()?;
            Ok(format!("-> {}", Value::from(item)))
        }
        ObjectStatement::TaskDone { o } => machine.object(o).queue().task_done().map(ok),
        ObjectStatement::Qshutdown { o, now } => {
            machine.object(o).queue().shutdown(*now);
            Ok(ok(()))
        }
        ObjectStatement::Info { o } => Ok(machine.object(o).info()),
        ObjectStatement::Count { c, by } => {
            let names = &mut *machine.names.borrow_mut();
            let counter = names.counters.entry(c.clone()).or_default();
            *counter += by;
            Ok(format!("-> {counter}"))
        }
    }
}
