//! Statements about concurrent futures and executors.

use std::rc::Rc;

use asyncio::Result;
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::machine::{Activity, Machine, NamedConcurrent};
use crate::difftest::program::{Name, Number};
use crate::difftest::statements::body;
use crate::difftest::value::{Value, concurrent_state, python_bool, user_error};

use super::ok;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum ThreadStatement {
    CfRun { o: Name },
    CfResult { o: Name, v: Number },
    CfExc { o: Name, e: String },
    CfCancel { o: Name },
    CfState { o: Name },
    Wrap { r#as: Name, o: Name },
    Trun { r#as: Name, f: Name },
    Xshutdown { o: Name, cancel: bool },
}

pub(super) fn apply(machine: &Rc<Machine>, statement: &ThreadStatement) -> Result<String> {
    let noref = || Ok("noref".to_owned());
    match statement {
        ThreadStatement::CfRun { o } => {
            let running = machine.object(o).concurrent().set_running_or_notify_cancel()?;
            Ok(format!("-> {}", python_bool(running)))
        }
        ThreadStatement::CfResult { o, v } => {
            machine.object(o).concurrent().set_result(Value::from(*v)).map(ok)
        }
        ThreadStatement::CfExc { o, e } => {
            machine.object(o).concurrent().set_exception(user_error(e)).map(ok)
        }
        ThreadStatement::CfCancel { o } => {
            let Some(named) = machine.concurrent(o) else { return noref() };
            Ok(format!("-> {}", python_bool(named.future.cancel())))
        }
        ThreadStatement::CfState { o } => {
            let Some(named) = machine.concurrent(o) else { return noref() };
            Ok(concurrent_state(&named.future))
        }
        ThreadStatement::Wrap { r#as, o } => {
            let Some(named) = machine.concurrent(o) else { return noref() };
            machine.bind(r#as, asyncio::wrap_future(&named.future), named.index);
            Ok("bound".to_owned())
        }
        ThreadStatement::Trun { r#as, f } => {
            let (instance, index) = (machine.instance(r#as), machine.next_index());
            machine.check_open()?;
            let coroutine = body(machine.clone(), f.clone(), Activity::new(instance.clone(), index));
            let future = asyncio::run_coroutine_threadsafe(coroutine, &machine.event_loop);
            machine.bind_concurrent(NamedConcurrent { name: r#as.clone(), future, index });
            Ok(format!("as {instance}"))
        }
        ThreadStatement::Xshutdown { o, cancel } => {
            machine.object(o).executor().shutdown(*cancel);
            Ok(ok(()))
        }
    }
}
