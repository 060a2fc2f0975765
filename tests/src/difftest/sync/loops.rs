//! Statements about the loop itself.

use std::rc::Rc;

use asyncio::{ErrorContext, Result, TaskFactory};
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::handlers;
use crate::difftest::machine::Machine;
use crate::difftest::value::python_bool;

use super::ok;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum LoopStatement {
    Stop,
    Factory {
        eager: bool,
    },
    /// Whether the program's exception handler is set.
    Handler {
        own: bool,
    },
    Report {
        m: String,
    },
}

pub(super) fn apply(machine: &Rc<Machine>, statement: &LoopStatement) -> Result<String> {
    let event_loop = &machine.event_loop;
    match statement {
        LoopStatement::Stop => {
            event_loop.stop();
            Ok(ok(()))
        }
        LoopStatement::Factory { eager } => {
            event_loop.set_task_factory(if *eager { TaskFactory::Eager } else { TaskFactory::Lazy });
            Ok(format!("eager={}", python_bool(*eager)))
        }
        LoopStatement::Handler { own } => {
            if *own {
                handlers::set_own(machine);
            } else {
                event_loop.clear_exception_handler();
            }
            Ok(format!("own={}", python_bool(*own)))
        }
        LoopStatement::Report { m } => {
            event_loop.call_exception_handler(&ErrorContext::new(format!("report:{m}")));
            Ok(ok(()))
        }
    }
}
