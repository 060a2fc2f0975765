//! Statements about timeouts and plain callbacks.

use std::rc::Rc;

use asyncio::Result;
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::machine::{Activity, LAST, Machine, Scheduled};
use crate::difftest::program::{Name, SyncBlock};
use crate::difftest::seconds::{self, Seconds};
use crate::difftest::value::python_bool;

use super::{ok, run_sync};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum TimeStatement {
    Reschedule {
        tm: Name,
        t: Option<Seconds>,
    },
    Expired {
        tm: Name,
    },
    When {
        tm: Name,
    },
    Soon(Callback),
    Tsoon(Callback),
    Later {
        t: Seconds,
        #[serde(flatten)]
        callback: Callback,
    },
    Hcancel {
        h: Name,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Callback {
    r#as: Name,
    r#do: SyncBlock,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ctx: Option<Name>,
}

pub(super) fn apply(machine: &Rc<Machine>, statement: &TimeStatement, activity: &Activity) -> Result<String> {
    let noref = || Ok("noref".to_owned());
    let timeout = |name: &Name| machine.names.borrow().timeouts.get(name).cloned();
    match statement {
        TimeStatement::Reschedule { tm, t } => reschedule(machine, tm, t.as_ref()),
        TimeStatement::Expired { tm } => {
            let Some(named) = timeout(tm) else { return noref() };
            Ok(python_bool(named.timeout.expired()).to_owned())
        }
        TimeStatement::When { tm } => {
            let Some(named) = timeout(tm) else { return noref() };
            let Some(when) = named.timeout.when() else { return Ok("None".to_owned()) };
            Ok(seconds::shown(named.before_start.unwrap_or(when.as_nanos() as i64)))
        }
        TimeStatement::Soon(callback) => {
            let (instance, run) = prepare(machine, callback, activity)?;
            let mut handle = machine.event_loop.call_soon(run);
            if let Some(context) = machine.context(callback.ctx.as_ref()) {
                handle = handle.context(&context);
            }
            Ok(scheduled(machine, callback, &instance, Scheduled::Soon(handle)))
        }
        TimeStatement::Tsoon(callback) => {
            let (instance, run) = prepare(machine, callback, activity)?;
            let mut handle = machine.event_loop.call_soon_threadsafe(run);
            if let Some(context) = machine.context(callback.ctx.as_ref()) {
                handle = handle.context(&context);
            }
            Ok(scheduled(machine, callback, &instance, Scheduled::Soon(handle)))
        }
        TimeStatement::Later { t, callback } => {
            let (instance, run) = prepare(machine, callback, activity)?;
            let mut handle = machine.event_loop.call_later(t.delay(), run);
            if let Some(context) = machine.context(callback.ctx.as_ref()) {
                handle = handle.context(&context);
            }
            Ok(scheduled(machine, callback, &instance, Scheduled::Later(handle)))
        }
        TimeStatement::Hcancel { h } => {
            let Some(scheduled) = machine.names.borrow().scheduled.get(h).cloned() else { return noref() };
            scheduled.cancel();
            Ok(ok(()))
        }
    }
}

/// The deadline becomes that much after now; `null` takes it away.
fn reschedule(machine: &Machine, name: &Name, delay: Option<&Seconds>) -> Result<String> {
    let Some(named) = machine.names.borrow().timeouts.get(name).cloned() else {
        return Ok("noref".to_owned());
    };
    let when = delay.map(|delay| machine.event_loop.time().as_nanos() as i64 + delay.as_nanos());
    named.timeout.reschedule(when.map(seconds::instant))?;
    if let Some(named) = machine.names.borrow_mut().timeouts.get_mut(name) {
        named.before_start = when.filter(|when| *when < 0);
    }
    Ok(ok(()))
}

/// Takes an instance name for a callback, and makes what the loop shall run.
fn prepare(
    machine: &Rc<Machine>,
    callback: &Callback,
    from: &Activity,
) -> Result<(Rc<str>, impl FnOnce() -> Result<()> + 'static)> {
    let instance = machine.instance(&callback.r#as);
    machine.check_open()?;
    let activity = Activity::new(format!("cb:{instance}"), LAST).about(from.connection.clone());
    let (machine, statements) = (machine.clone(), callback.r#do.clone());
    let run = move || {
        machine.print(&activity.label, "run");
        run_sync(&machine, &statements, &activity)
    };
    Ok((instance, run))
}

fn scheduled(machine: &Machine, callback: &Callback, instance: &str, scheduled: Scheduled) -> String {
    machine.names.borrow_mut().scheduled.insert(callback.r#as.clone(), scheduled);
    format!("as {instance}")
}
