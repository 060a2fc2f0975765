//! Statements about tasks and futures.

use std::rc::Rc;

use asyncio::{Error, ErrorKind, Result, Task, TaskBuilder};
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::awaitables::{Coroutine, Evaluated, element, elements, gather};
use crate::difftest::expression::Expression;
use crate::difftest::machine::{Activity, LAST, Machine, Named, Registered};
use crate::difftest::program::{Name, Number};
use crate::difftest::statements::body;
use crate::difftest::value::{Value, outcome, python_bool, shown, state, user_error};

use super::{ok, run_sync};

/// More tasks than this are not spawned.
const TASKS_MAX: usize = 200;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum TaskStatement {
    Spawn(Spawn),
    Gspawn {
        g: Name,
        #[serde(flatten)]
        spawn: Spawn,
    },
    Bind {
        r#as: Name,
        a: Expression,
    },
    Ensure {
        r#as: Name,
        a: Expression,
    },
    Cancel {
        t: Name,
        m: Option<String>,
    },
    State {
        t: Name,
    },
    Done {
        t: Name,
    },
    Cancelled {
        t: Name,
    },
    Result {
        t: Name,
    },
    Exception {
        t: Name,
    },
    GetName {
        t: Name,
    },
    SetName {
        t: Name,
        v: TaskName,
    },
    Cancelling,
    Uncancel,
    FutResult {
        o: Name,
        v: Number,
    },
    FutExc {
        o: Name,
        e: String,
    },
    AddCb {
        t: Name,
        k: Name,
        #[serde(skip_serializing_if = "Option::is_none")]
        ctx: Option<Name>,
    },
    RemoveCb {
        t: Name,
        k: Name,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Spawn {
    pub(in crate::difftest) f: Name,
    pub(in crate::difftest) r#as: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::difftest) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::difftest) ctx: Option<Name>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::difftest) eager: bool,
}

/// `set_name` takes any object in Python, and keeps the digits of a number.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum TaskName {
    Number(i64),
    Text(String),
}

pub(super) fn apply(machine: &Rc<Machine>, statement: &TaskStatement, activity: &Activity) -> Result<String> {
    let noref = || Ok("noref".to_owned());
    match statement {
        TaskStatement::Spawn(it) => {
            let builder = builder(machine, it);
            let create = |coroutine| builder.create_task_on(&machine.event_loop, coroutine);
            spawned(spawn(machine, &it.f, &it.r#as, |coroutine| {
                machine.check_open()?;
                Ok(create(coroutine))
            }))
        }
        TaskStatement::Gspawn { g, spawn: it } => {
            let Some(group) = machine.names.borrow().groups.get(g).cloned() else { return noref() };
            let builder = builder(machine, it);
            spawned(spawn(machine, &it.f, &it.r#as, |coroutine| builder.create_task_in(&group, coroutine)))
        }
        TaskStatement::Bind { r#as, a } => bind(machine, r#as, a, activity),
        TaskStatement::Ensure { r#as, a } => ensure(machine, r#as, a, activity),
        TaskStatement::FutResult { o, v } => machine.object(o).future().set_result(Value::from(*v)).map(ok),
        TaskStatement::FutExc { o, e } => machine.object(o).future().set_exception(user_error(e)).map(ok),
        TaskStatement::Cancelling => {
            let current = asyncio::current_task().expect("`cancelling` stands in a task");
            Ok(format!("cancelling {}", current.cancelling()))
        }
        TaskStatement::Uncancel => {
            let current = asyncio::current_task().expect("`uncancel` stands in a task");
            Ok(format!("uncancel -> {}", current.uncancel()))
        }
        TaskStatement::Cancel { t, .. }
        | TaskStatement::State { t }
        | TaskStatement::Done { t }
        | TaskStatement::Cancelled { t }
        | TaskStatement::Result { t }
        | TaskStatement::Exception { t }
        | TaskStatement::GetName { t }
        | TaskStatement::SetName { t, .. }
        | TaskStatement::AddCb { t, .. }
        | TaskStatement::RemoveCb { t, .. } => match machine.lookup(t) {
            Some(named) => Ok(on_named(machine, statement, &named)),
            None => noref(),
        },
    }
}

/// The statements about one task or future that has a name.
fn on_named(machine: &Rc<Machine>, statement: &TaskStatement, named: &Named) -> String {
    let future = &named.future;
    let flag = |flag| format!("-> {}", python_bool(flag));
    match statement {
        TaskStatement::Cancel { m: None, .. } => flag(named.cancel()),
        TaskStatement::Cancel { m: Some(message), .. } => flag(named.cancel_with(message)),
        TaskStatement::State { t } => {
            let look = machine.last_look.borrow();
            look.as_ref().and_then(|look| look.bound.get(t).cloned()).unwrap_or_else(|| state(future))
        }
        TaskStatement::Done { .. } => flag(future.done()),
        TaskStatement::Cancelled { .. } => flag(future.cancelled()),
        TaskStatement::Result { .. } => outcome(future.result()),
        TaskStatement::Exception { .. } => match future.exception() {
            Ok(Some(error)) => format!("-> {}", shown(&error)),
            Ok(None) => "-> None".to_owned(),
            Err(error) => format!("! {}", shown(&error)),
        },
        TaskStatement::GetName { .. } => match &named.task {
            Some(task) => format!("-> {}", chosen_name(&task.name())),
            None => "noref".to_owned(),
        },
        TaskStatement::SetName { v, .. } => match &named.task {
            Some(task) => {
                match v {
                    TaskName::Number(number) => task.set_name(number.to_string()),
                    TaskName::Text(text) => task.set_name(text),
                }
                "ok".to_owned()
            }
            None => "noref".to_owned(),
        },
        TaskStatement::AddCb { k, ctx, .. } => add_callback(machine, future, k, ctx.as_ref()),
        TaskStatement::RemoveCb { k, .. } => format!("{k} -> {}", remove_callback(machine, future, k)),
        _ => unreachable!("`apply` passes only statements with a name on"),
    }
}

/// A name that nobody chose counts all tasks, of which Python and we make different ones: it is not compared.
fn chosen_name(name: &str) -> &str {
    let counted = name.strip_prefix("Task-").is_some_and(|n| n.bytes().all(|digit| digit.is_ascii_digit()));
    if counted { "default" } else { name }
}

fn builder(machine: &Machine, spawn: &Spawn) -> TaskBuilder {
    let mut builder = TaskBuilder::new();
    if let Some(name) = &spawn.name {
        builder = builder.name(name);
    }
    if let Some(context) = machine.context(spawn.ctx.as_ref()) {
        builder = builder.context(&context);
    }
    if spawn.eager {
        builder = builder.eager_start(true);
    }
    builder
}

/// Spawns a function as a task of that name, made by `create`; the instance's name, or `None` at the
/// limit. A task that could not be made has used its instance name and its index up.
pub(in crate::difftest) fn spawn(
    machine: &Rc<Machine>,
    function: &str,
    name: &str,
    create: impl FnOnce(Coroutine) -> Result<Task<Value>>,
) -> Result<Option<Rc<str>>> {
    if machine.names.borrow().spawned.len() >= TASKS_MAX {
        return Ok(None);
    }
    let (instance, index) = (machine.instance(name), machine.next_index());
    let activity = Activity::new(instance.clone(), index);
    let task = create(Box::pin(body(machine.clone(), function.to_owned(), activity)))?;
    machine.bind_spawned(name, task, index, instance.clone());
    Ok(Some(instance))
}

fn spawned(instance: Result<Option<Rc<str>>>) -> Result<String> {
    Ok(instance?.map_or_else(|| "limit".to_owned(), |instance| format!("as {instance}")))
}

/// Binds what `ensure_future` gives: a future itself, or a new task of a coroutine.
fn ensure(machine: &Rc<Machine>, name: &str, expression: &Expression, activity: &Activity) -> Result<String> {
    let (awaitable, index) = element(machine, expression, activity)?;
    match awaitable {
        Evaluated::Future(future) => {
            let same = asyncio::ensure_future(&future) == future;
            machine.bind(name, future, index);
            Ok(if same { "same" } else { "new" }.to_owned())
        }
        // The same as `ensure_future`, but known as a task: it can be asked for its name.
        Evaluated::Coroutine(coroutine) => {
            machine.bind_task(name, asyncio::create_task(coroutine), index);
            Ok("new".to_owned())
        }
    }
}

/// Binds a gather or shield: its index is the smallest of its elements'.
fn bind(machine: &Rc<Machine>, name: &str, expression: &Expression, activity: &Activity) -> Result<String> {
    let (future, index) = match expression {
        Expression::Shield { of } => {
            let (inner, index) = element(machine, of, activity)?;
            (asyncio::shield(inner), index)
        }
        Expression::Gather { of, rx } => {
            let (children, indices): (Vec<_>, Vec<_>) = elements(machine, of, activity)?.into_iter().unzip();
            let future = gather(children, *rx);
            // The reference interpreter takes the `min()` of the indices, which Python refuses for none.
            let index = indices.into_iter().min().ok_or(Error::new(ErrorKind::Value, "no elements"))?;
            (future, index)
        }
        _ => panic!("`bind` takes a gather or a shield"),
    };
    machine.bind(name, future, index);
    Ok("bound".to_owned())
}

fn add_callback(
    machine: &Rc<Machine>,
    future: &asyncio::Future<Value>,
    number: &Name,
    context: Option<&Name>,
) -> String {
    let (inside, activity, k) =
        (machine.clone(), Activity::new(format!("cb:{number}"), LAST), number.clone());
    let mut registration = future.add_done_callback(move |future| {
        inside.print(&activity.label, &format!("done {}", state(&future)));
        run_sync(&inside, &inside.program.cbs[&k], &activity)
    });
    if let Some(context) = machine.context(context) {
        registration = registration.context(&context);
    }
    let registered = Registered { future: future.clone(), number: number.clone(), registration };
    machine.names.borrow_mut().registered.push(registered);
    format!("{number} ok")
}

/// Takes every entry of that callback out of the future's line; how many there were.
fn remove_callback(machine: &Machine, future: &asyncio::Future<Value>, number: &str) -> usize {
    let removed: Vec<Registered> = {
        let registered = &mut machine.names.borrow_mut().registered;
        registered.extract_if(.., |entry| entry.number == number && entry.future == *future).collect()
    };
    removed.iter().filter(|entry| future.remove_done_callback(&entry.registration)).count()
}
