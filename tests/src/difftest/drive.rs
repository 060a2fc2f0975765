//! Drives the loop through a program: runs `main` or the steps that the program lists, cancels what is
//! left, and prints the final states.

use std::rc::Rc;

use asyncio::{Error, ErrorKind, EventLoopBuilder, Result, Runner, TaskFactory};
use counterpoint as asyncio;

use super::Ran;
use super::awaitables::Coroutine;
use super::closing;
use super::handlers;
use super::machine::{Activity, LAST, Machine, Named};
use super::program::{Program, Step};
use super::statements::body;
use super::sync::{run_sync, spawn};
use super::value::{Value, outcome};

/// A run is stopped after so many ticks; the next run of the same program counts anew.
const TICKS_MAX: u64 = 20_000;

/// Runs a program on a loop of its own.
pub(crate) fn run(program: &Program, builder: EventLoopBuilder) -> Ran {
    let event_loop = builder.name("difftest").build();
    asyncio::set_event_loop(Some(&event_loop));
    let machine = Rc::new(Machine::new(Rc::new(program.clone()), event_loop));
    if let Some(kernel) = &machine.program.net {
        kernel.attach(&machine.event_loop);
    }
    handlers::set_own(&machine);
    handlers::set_default(&machine);
    machine.event_loop.set_tick_limit(Some(TICKS_MAX));
    if program.eager {
        machine.event_loop.set_task_factory(TaskFactory::Eager);
    }
    match &program.drive {
        Some(steps) => run_steps(&machine, steps),
        None => {
            let main = start(&machine, "main", "main").expect("the first task is below the limit");
            drive(&machine, || machine.event_loop.run_until_complete(main));
        }
    }
    drain(&machine);
    print_states(&machine);
    let lines = machine.take_lines();
    let fingerprint = machine.event_loop.fingerprint();
    machine.event_loop.close().expect("no loop runs once the driver is through");
    asyncio::set_event_loop(None);
    Ran { lines, fingerprint }
}

/// Runs the loop; what the run gave, or `None` if it had to be broken off, which has a line of its own.
fn drive<T>(machine: &Machine, run: impl FnOnce() -> Result<T>) -> Option<Result<T>> {
    let result = run();
    match result.as_ref().err().map(Error::kind) {
        Some(ErrorKind::Deadlock) => machine.print("*", "deadlock"),
        Some(ErrorKind::Limit) => {
            machine.print_limit();
            machine.restart_ticks();
            let limit = machine.event_loop.ticks() + TICKS_MAX;
            machine.event_loop.set_tick_limit(Some(limit));
        }
        _ => return Some(result),
    }
    None
}

/// Spawns a function from outside the loop. `None` at the limit of tasks.
fn start(machine: &Rc<Machine>, function: &str, name: &str) -> Option<asyncio::Future<Value>> {
    let create = |coroutine: Coroutine| Ok(machine.event_loop.create_task(coroutine));
    spawn(machine, function, name, create).expect("an open loop takes a task")?;
    machine.lookup(name).map(|named| named.future)
}

/// Cancels what is not done, up to three times: a task may resist.
fn drain(machine: &Rc<Machine>) {
    for round in 1..=3 {
        if machine.event_loop.is_closed() {
            return;
        }
        let spawned = machine.names.borrow().spawned.clone();
        let pending: Vec<Named> = spawned.into_iter().filter(|named| !named.future.done()).collect();
        if pending.is_empty() {
            return;
        }
        let names: Vec<&str> = pending.iter().map(|named| &*named.name).collect();
        machine.print("*", &format!("drain {round} [{}]", names.join(", ")));
        for named in &pending {
            named.cancel();
        }
        let futures: Vec<_> = pending.into_iter().map(|named| named.future).collect();
        let all = async move { asyncio::gather(futures).return_exceptions().await };
        drive(machine, || machine.event_loop.run_until_complete(all));
    }
}

fn print_states(machine: &Machine) {
    let look = machine.last_look.borrow();
    let states = look.as_ref().map_or_else(|| closing::states(machine), |look| look.states.clone());
    for text in states {
        machine.print("=", &text);
    }
}

fn run_steps(machine: &Rc<Machine>, steps: &[Step]) {
    let event_loop = &machine.event_loop;
    let mut runner = machine.program.runner.then(|| Runner::with_loop(event_loop.clone()));
    let _planted = runner.is_some().then(|| closing::plant(machine));
    let close = runner.as_ref().map(|_| Step::Close);
    for (number, step) in steps.iter().chain(&close).enumerate() {
        if matches!(step, Step::Close) && event_loop.is_closed() {
            continue;
        }
        machine.print("*", &format!("step {number} {}", step.words().join(" ")));
        let result = match step {
            Step::Do(block) => {
                run_sync(machine, block, &Activity::new("*", LAST))
                    .expect("no `raise` stands outside the loop");
                continue;
            }
            Step::Until(function, name) => {
                let Some(future) = start(machine, function, name) else {
                    machine.print("*", &format!("step {number} limit"));
                    continue;
                };
                drive(machine, || event_loop.run_until_complete(future))
            }
            Step::Again(name) => {
                let Some(named) = machine.lookup(name) else { continue };
                drive(machine, || event_loop.run_until_complete(named.future))
            }
            Step::Forever => drive(machine, || event_loop.run_forever().map(|()| Value::None)),
            Step::Run(function, name) => {
                let runner = runner.as_mut().expect("a step `run` stands in a program with a runner");
                drive(machine, || run_on(machine, runner, function, name))
            }
            Step::Close => {
                let runner = runner.as_mut().expect("a step `close` stands in a program with a runner");
                drive(machine, || runner.close().map(|()| Value::None))
            }
        };
        if let Some(result) = result {
            machine.print("*", &format!("step {number} {}", outcome(result)));
        }
    }
}

/// `Runner::run` in its two halves, so that the task has its name before anything runs.
fn run_on(machine: &Rc<Machine>, runner: &mut Runner, function: &str, name: &str) -> Result<Value> {
    let (instance, index) = (machine.instance(name), machine.next_index());
    let coroutine = body(machine.clone(), function.to_owned(), Activity::new(instance.clone(), index));
    let task = runner.create_task(coroutine)?;
    machine.bind_spawned(name, task.clone(), index, instance);
    machine.event_loop.run_until_complete(task)
}
