//! Runs statements that may suspend: the body of a task, of a call, and the blocks within.
//!
//! Each function is Python's construct of that name on our API: what `except` catches is matched on an
//! `Err`, and leaving a `with` is a release after the body, whatever the body ended with.

use std::pin::Pin;
use std::rc::Rc;

use asyncio::{Error, ErrorKind, Result};
use counterpoint as asyncio;

use super::awaitables::{elements, evaluate};
use super::expression::Expression;
use super::machine::{Activity, Machine, NamedTimeout};
use super::program::{Block, Caught, Each, Name, Statement};
use super::sync::run_one;
use super::value::{Value, catches, python_bool, shown, state};

/// How a block went, if it did not raise.
enum Flow {
    /// Statement after statement, to the end.
    On,
    /// A `return` leaves the body with this value.
    Return(Value),
}

/// Where a block runs.
#[derive(Clone, Copy)]
struct Frame<'a> {
    machine: &'a Rc<Machine>,
    activity: &'a Activity,
    /// The error that the nearest `except` around is handling.
    handled: Option<&'a Error>,
}

impl Frame<'_> {
    fn print(&self, text: &str) {
        self.machine.print(&self.activity.label, text);
    }
}

/// The coroutine of a function: prints its start and its end.
pub(crate) async fn body(machine: Rc<Machine>, function: Name, activity: Activity) -> Result<Value> {
    let program = machine.program.clone();
    let frame = Frame { machine: &machine, activity: &activity, handled: None };
    frame.print("start");
    let result = run(frame, program.function(&function)).await.map(|flow| match flow {
        Flow::On => Value::None,
        Flow::Return(value) => value,
    });
    match &result {
        Ok(value) => frame.print(&format!("end -> {value}")),
        Err(error) => frame.print(&format!("end ! {}", shown(error))),
    }
    result
}

/// Boxed, because blocks hold blocks.
fn run<'a>(frame: Frame<'a>, block: &'a Block) -> Pin<Box<dyn Future<Output = Result<Flow>> + 'a>> {
    Box::pin(async move {
        for statement in block {
            if let Flow::Return(value) = run_statement(frame, statement).await? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(Flow::On)
    })
}

async fn run_statement(frame: Frame<'_>, statement: &Statement) -> Result<Flow> {
    match statement {
        Statement::Sync(statement) => {
            run_one(frame.machine, statement, frame.activity)?;
            Ok(Flow::On)
        }
        Statement::Do { i, a } => run_do(frame, *i, a).await,
        Statement::Return { v } => Ok(Flow::Return(Value::from(*v))),
        Statement::Reraise => Err(frame.handled.expect("`reraise` stands in an except handler").clone()),
        Statement::Repeat { n, body } => {
            for _ in 0..*n {
                if let Flow::Return(value) = run(frame, body).await? {
                    return Ok(Flow::Return(value));
                }
            }
            Ok(Flow::On)
        }
        Statement::Try { body, except, finally } => run_try(frame, body, except, finally.as_ref()).await,
        Statement::With { o, body } => run_with(frame, o, body).await,
        Statement::Timeout { r#as, t, at, body } => {
            let timeout = NamedTimeout::new(&frame.machine.event_loop, t.as_ref(), at.as_ref());
            run_timeout(frame, r#as, timeout, body).await
        }
        Statement::Group { r#as, body } => run_group(frame, r#as, body).await,
        Statement::Lines { i, s } => {
            crate::difftest_net::lines(frame.machine, frame.activity, *i, s).await.map(|()| Flow::On)
        }
        Statement::Each(each) => run_each(frame, each).await,
        Statement::Aeach(each) => run_aeach(frame, each).await,
    }
}

async fn run_do(frame: Frame<'_>, number: u32, expression: &Expression) -> Result<Flow> {
    let result = match evaluate(frame.machine, expression, frame.activity) {
        Ok(awaitable) => awaitable.await,
        Err(error) => Err(error),
    };
    match result {
        Ok(value) => {
            frame.print(&format!("s{number} = {value}"));
            Ok(Flow::On)
        }
        Err(error) => {
            frame.print(&format!("s{number} ! {}", shown(&error)));
            Err(error)
        }
    }
}

async fn run_try(
    frame: Frame<'_>,
    body: &Block,
    except: &[(Caught, Block)],
    finally: Option<&Block>,
) -> Result<Flow> {
    let result = match run(frame, body).await {
        Err(error) => match except.iter().find(|(kind, _)| catches(*kind, &error)) {
            Some((_, handler)) => {
                frame.print(&format!("caught {}", shown(&error)));
                run(Frame { handled: Some(&error), ..frame }, handler).await
            }
            None => Err(error),
        },
        flow => flow,
    };
    if let Some(block) = finally {
        frame.print("finally");
        run(frame, block).await?; // an error of its own takes the place of the result
    }
    result
}

async fn run_with(frame: Frame<'_>, name: &Name, body: &Block) -> Result<Flow> {
    let object = frame.machine.object(name).clone();
    if let Err(error) = object.enter().await {
        frame.print(&format!("enter {name} ! {}", shown(&error)));
        return Err(error);
    }
    frame.print(&format!("enter {name}"));
    let result = run(frame, body).await;
    if let Err(error) = object.exit() {
        if error.kind() == ErrorKind::Runtime {
            frame.print(&format!("exit {name} ! {}", shown(&error)));
        }
        return Err(error);
    }
    frame.print(&format!("exit {name}"));
    result
}

async fn run_timeout(frame: Frame<'_>, name: &Name, named: NamedTimeout, body: &Block) -> Result<Flow> {
    frame.machine.names.borrow_mut().timeouts.insert(name.clone(), named.clone());
    let timeout = named.timeout;
    let result = timeout.run(run(frame, body)).await;
    let ending = match &result {
        Ok(_) => "exit".to_owned(),
        Err(error) => format!("! {}", shown(error)),
    };
    frame.print(&format!("timeout {name} {ending} expired={}", python_bool(timeout.expired())));
    result
}

async fn run_group(frame: Frame<'_>, name: &Name, body: &Block) -> Result<Flow> {
    let group = asyncio::TaskGroup::new();
    frame.machine.names.borrow_mut().groups.insert(name.clone(), group.clone());
    let result = group.run(run(frame, body)).await;
    let ending = match &result {
        Ok(_) => "exit".to_owned(),
        Err(error) => format!("! {}", shown(error)),
    };
    frame.print(&format!("group {name} {ending}"));
    result
}

/// `for` over `as_completed`: each item is awaited, and its error is the item's own.
async fn run_each(frame: Frame<'_>, each: &Each) -> Result<Flow> {
    let children = elements(frame.machine, &each.of, frame.activity)?;
    let mut completed = asyncio::as_completed(children.into_iter().map(|(child, _)| child));
    if let Some(timeout) = &each.timeout {
        completed = completed.timeout(timeout.delay());
    }
    for (number, item) in completed.enumerate() {
        match item.await {
            Ok(value) => frame.print(&format!("s{}.{number} = {value}", each.i)),
            Err(error) => {
                frame.print(&format!("s{}.{number} ! {}", each.i, shown(&error)));
                if error.is_cancelled() {
                    return Err(error);
                }
            }
        }
    }
    Ok(Flow::On)
}

/// `async for` over `as_completed`: it yields the futures that were given.
async fn run_aeach(frame: Frame<'_>, each: &Each) -> Result<Flow> {
    let children = elements(frame.machine, &each.of, frame.activity)?;
    let mut references = Vec::new();
    for (expression, (child, _)) in each.of.iter().zip(&children) {
        let name = match expression {
            Expression::Ref { t } => t.as_str(),
            _ => "new",
        };
        references.extend(child.existing().map(|future| (name, future)));
    }
    let mut completed = asyncio::as_completed(children.into_iter().map(|(child, _)| child));
    if let Some(timeout) = &each.timeout {
        completed = completed.timeout(timeout.delay());
    }
    let mut number = 0;
    loop {
        let future = match completed.next_done().await {
            Ok(Some(future)) => future,
            Ok(None) => break,
            Err(error) => {
                frame.print(&format!("s{}.{number} ! {}", each.i, shown(&error)));
                return Err(error);
            }
        };
        let named = references.iter().find(|(_, given)| *given == future);
        let name = named.map_or("new", |(name, _)| *name);
        frame.print(&format!("s{}.{number} is {name} {}", each.i, state(&future)));
        number += 1;
    }
    frame.print(&format!("s{} end", each.i));
    Ok(Flow::On)
}
