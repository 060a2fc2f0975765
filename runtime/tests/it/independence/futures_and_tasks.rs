//! Futures, tasks and requests to them, callbacks, contexts, concurrent futures.

use super::harness::kind;
use super::{Op, ends_alike_but_conflicts, independent, order_matters};
use crate::op;
use crate::support::settle;
use counterpoint_runtime as asyncio;

use asyncio::schedule::conflict;
use asyncio::{ContextVar, Error, EventLoop, Profile, Result, ReturnWhen, create_task};
use std::rc::Rc;

const NOTHING: Op = op!(bench => ());
const SET_ONE: Op = op!(b => kind(b.future.set_result(1)));
const SET_TWO: Op = op!(b => kind(b.future.set_result(2)));
const CANCEL: Op = op!(b => b.future.cancel());
const IS_DONE: Op = op!(b => b.future.done());
const RESULT: Op = op!(b => kind(b.future.result()));
const AWAIT: Op = op!(b => kind((&b.future).await));

#[test]
fn futures() {
    independent("done, done", NOTHING, IS_DONE, IS_DONE, RESULT);
    independent("await, await", NOTHING, AWAIT, AWAIT, SET_ONE);
    independent("result, result", SET_ONE, RESULT, AWAIT, RESULT);
    order_matters("set, set", NOTHING, SET_ONE, SET_TWO, RESULT);
    order_matters("set, cancel", NOTHING, SET_ONE, CANCEL, RESULT);
    order_matters("set, done", NOTHING, SET_ONE, IS_DONE, RESULT);
    ends_alike_but_conflicts(
        "set, await",
        "the task that waits goes on a step later in one order",
        NOTHING,
        SET_ONE,
        AWAIT,
        RESULT,
    );
    let add = |word: &'static str| -> Op {
        match word {
            "one" => op!(b => called_back(&b, "one")),
            _ => op!(b => called_back(&b, "two")),
        }
    };
    order_matters("add_done_callback twice", NOTHING, add("one"), add("two"), SET_ONE);
}

fn called_back(bench: &Rc<super::Bench>, word: &'static str) {
    let own = Rc::clone(bench);
    bench.future.add_done_callback(move |_| own.say(word));
}

#[test]
fn requests_to_tasks() {
    let cancel_one = op!(b => {
        let one = b.one.borrow().clone();
        one.expect("it was made").cancel()
    });
    order_matters("a task's step, its cancellation", NOTHING, op!(b => b.say("ran")), cancel_one, NOTHING);
    let (first, second) =
        (op!(b => b.sleeper.cancel_with("first")), op!(b => b.sleeper.cancel_with("second")));
    let message = op!(b => {
        settle().await?;
        b.sleeper.exception().unwrap_err().message().map(str::to_owned)
    });
    order_matters("cancel, cancel", NOTHING, first, second, message);
    let requests = op!(b => b.sleeper.cancelling());
    independent("cancelling, cancelling", NOTHING, requests, requests, requests);
    order_matters("cancel, cancelling", NOTHING, first, requests, requests);
    order_matters("cancel, uncancel", NOTHING, first, op!(b => b.sleeper.uncancel()), requests);
    // What a task waits in is touched by its cancellation.
    let waits = op!(b => {
        let own = Rc::clone(&b);
        let waiter = create_task(async move { (&own.future).await });
        b.waiter.replace(Some(waiter.any()));
    });
    let cancel_waiter = op!(b => {
        let waiter = b.waiter.borrow().clone();
        waiter.expect("it was made").cancel()
    });
    order_matters("cancel of one who waits, set", waits, cancel_waiter, SET_ONE, RESULT);
}

#[test]
fn callbacks() {
    let soon = |word: &'static str| -> Op {
        match word {
            "one" => op!(b => call_soon(&b, "one")),
            _ => op!(b => call_soon(&b, "two")),
        }
    };
    order_matters("call_soon, call_soon", NOTHING, soon("one"), soon("two"), NOTHING);
    let later = |word: &'static str| -> Op {
        match word {
            "one" => op!(b => call_later(&b, "one")),
            _ => op!(b => call_later(&b, "two")),
        }
    };
    let a_second_later = op!(bench => asyncio::sleep(std::time::Duration::from_secs(2)).await?);
    order_matters("call_later to one moment", NOTHING, later("one"), later("two"), a_second_later);
    independent("call_soon, call_later", NOTHING, soon("one"), later("two"), a_second_later);
}

fn call_soon(bench: &Rc<super::Bench>, word: &'static str) {
    let own = Rc::clone(bench);
    asyncio::get_running_loop().expect("it runs").call_soon(move || own.say(word));
}

fn call_later(bench: &Rc<super::Bench>, word: &'static str) {
    let own = Rc::clone(bench);
    let second = std::time::Duration::from_secs(1);
    asyncio::get_running_loop().expect("it runs").call_later(second, move || own.say(word));
}

static VARIABLE: ContextVar<u32> = ContextVar::new("variable");

#[test]
fn contexts() {
    let (one, two) = (
        op!(b => drop(b.context.run(|| VARIABLE.set(1))?)),
        op!(b => drop(b.context.run(|| VARIABLE.set(2))?)),
    );
    let look = op!(b => b.context.run(|| VARIABLE.get())?);
    order_matters("set, set in a shared one", NOTHING, one, two, look);
    order_matters("set, get in a shared one", NOTHING, one, look, look);
    independent("get, get in a shared one", one, look, look, look);
    let own = op!(bench => drop(VARIABLE.set(1)));
    independent("set, set in two", NOTHING, own, own, look);
}

#[test]
fn concurrent_futures() {
    let (set, cancel) = (op!(b => kind(b.promised.set_result(1))), op!(b => b.promised.cancel()));
    let (is_done, result) = (op!(b => b.promised.done()), op!(b => kind(b.promised.result())));
    order_matters("set, cancel", NOTHING, set, cancel, result);
    order_matters("set, done", NOTHING, set, is_done, result);
    independent("done, done", NOTHING, is_done, is_done, result);
}

type End = fn() -> Result<()>;

/// Do the ends of two tasks conflict that are awaited together?
fn ends_conflict(ends: [End; 2], together: fn([asyncio::Task<()>; 2]) -> super::Boxed<()>) -> bool {
    let event_loop = EventLoop::builder().profile(Profile::AnyReady).seen(true).build();
    let ended = event_loop.run_until_complete(async move {
        let lanes = Rc::new(std::cell::RefCell::new(Vec::new()));
        let tasks = ends.map(|end| {
            let lanes = Rc::clone(&lanes);
            create_task(async move {
                lanes.borrow_mut().push(asyncio::running_step().expect("a step runs").lane_hash);
                end()
            })
        });
        let _ = together(tasks).await;
        settle().await?;
        Ok(lanes.take())
    });
    let lanes = ended.expect("the program itself ends well");
    let seen = event_loop.take_seen().expect("it was asked for");
    let step = |lane| seen.steps().iter().find(|step| step.name.lane == lane).expect("it ran");
    conflict(seen.touched(step(lanes[0])), seen.touched(step(lanes[1])))
}

#[test]
fn children_that_end_well_commute_where_all_are_waited_for() {
    let (well, badly): (End, End) = (|| Ok(()), || Err(Error::msg("no")));
    let gather = |tasks: [asyncio::Task<()>; 2]| -> super::Boxed<()> {
        Box::pin(async move { asyncio::gather(tasks).await.map(drop) })
    };
    assert!(!ends_conflict([well, well], gather));
    assert!(ends_conflict([badly, badly], gather), "the first error is the result");
    let all = |tasks: [asyncio::Task<()>; 2]| -> super::Boxed<()> {
        Box::pin(async move { asyncio::wait(tasks).await.map(drop) })
    };
    assert!(!ends_conflict([well, well], all));
    let first = |tasks: [asyncio::Task<()>; 2]| -> super::Boxed<()> {
        Box::pin(async move { asyncio::wait(tasks).return_when(ReturnWhen::FirstCompleted).await.map(drop) })
    };
    assert!(ends_conflict([well, well], first), "the first to end is told");
    let by_and_by = |tasks: [asyncio::Task<()>; 2]| -> super::Boxed<()> {
        Box::pin(async move {
            for next in asyncio::as_completed(tasks) {
                next.await?;
            }
            Ok(())
        })
    };
    assert!(ends_conflict([well, well], by_and_by), "they come in the order in which they end");
}
