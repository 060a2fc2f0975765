//! From the first coroutine to the closed loop.

use std::cell::Cell;
use std::rc::Rc;

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{
    ContextVar, ErrorKind, EventLoop, Runner, create_task, get_running_loop, run, sleep, to_thread,
};

use crate::words::{Log, check, end, fail, forever, secs, yield_now};

#[test]
fn a_program_gives_its_value_which_need_not_be_cloned() {
    struct Once(u32);
    assert_eq!(run(async { Ok(Once(7)) }).expect("a value").0, 7);
}

#[test]
fn a_run_inside_a_run_is_refused() {
    check(
        async |log| {
            log.say(end(&run(async { Ok(()) })));
            log.say(end(&Runner::new().run(async { Ok(()) })));
            Ok(())
        },
        &[
            "run() cannot be called from a running event loop",
            "Runner.run() cannot be called from a running event loop",
        ],
    );
}

#[test]
fn tasks_that_are_left_are_cancelled_in_order_and_waited_for() {
    check_left(&["one cancelled", "two cancelled", "two has cleaned up"], |log| {
        run(async move {
            let (one, two) = (log.clone(), log.clone());
            create_task(async move {
                let outcome = forever().await;
                one.say(format!("one {}", end(&outcome)));
                outcome
            });
            create_task(async move {
                let outcome = forever().await;
                two.say(format!("two {}", end(&outcome)));
                sleep(secs(60)).await?;
                two.say("two has cleaned up");
                outcome
            });
            yield_now().await
        })
        .expect("the program succeeds");
    });
}

#[test]
fn a_task_that_fails_while_it_is_closed_reaches_the_exception_handler() {
    check_left(&["unhandled exception during asyncio.run() shutdown: no"], |log| {
        let event_loop = EventLoop::new();
        event_loop.set_exception_handler(move |_, context| {
            let error = context.exception.as_ref().and_then(|error| error.message()).unwrap_or("?");
            log.say(format!("{}: {error}", context.message));
            Ok(())
        });
        let mut runner = Runner::with_loop(event_loop);
        let outcome = runner.run(async {
            create_task(async {
                let _ = forever().await;
                fail("no").await
            });
            yield_now().await
        });
        outcome.expect("the program succeeds");
        runner.close().expect("the loop is closed");
    });
}

#[test]
fn a_jobs_end_is_waited_for() {
    check_left(&["job"], |log| {
        run(async move {
            create_task(to_thread(
                asyncio::Job::new(move || {
                    log.say("job");
                    Ok(())
                })
                .takes(secs(5)),
            ));
            yield_now().await
        })
        .expect("the program succeeds");
    });
}

#[test]
fn runs_share_a_context_and_background_tasks_live_on() {
    static COUNT: ContextVar<u32> = ContextVar::new("count");
    check_left(&["background", "Some(1)"], |log| {
        let mut runner = Runner::new();
        let theirs = log.clone();
        let first = runner.run(async move {
            COUNT.set(1);
            create_task(async move {
                sleep(secs(1)).await?;
                theirs.say("background");
                Ok(())
            });
            Ok(())
        });
        first.expect("the first run");
        let second = runner.run(async {
            sleep(secs(2)).await?;
            Ok(COUNT.get())
        });
        log.say(format!("{:?}", second.expect("the second run")));
        runner.close().expect("the loop is closed");
    });
}

#[test]
fn a_run_that_was_stopped_shares_its_context_with_the_next() {
    static COUNT: ContextVar<u32> = ContextVar::new("count");
    let mut runner = Runner::new();
    let event_loop = runner.event_loop().expect("a loop");
    let stopped = runner.run(async move {
        event_loop.stop();
        yield_now().await?;
        COUNT.set(1);
        Ok(())
    });
    stopped.expect_err("it was stopped");
    let next = runner.run(async {
        yield_now().await?;
        Ok(COUNT.get())
    });
    assert_eq!(next.expect("the next run"), Some(1));
}

#[test]
fn what_is_set_outside_between_two_runs_is_not_seen_in_them() {
    static COUNT: ContextVar<u32> = ContextVar::new("count");
    let mut runner = Runner::new();
    runner.run(async { Ok(()) }).expect("the first run");
    COUNT.set(1);
    assert_eq!(runner.run(async { Ok(COUNT.get()) }).expect("the second run"), None);
}

#[test]
fn closing_twice_is_fine_and_a_closed_runner_runs_nothing() {
    let mut runner = Runner::new();
    let event_loop = runner.event_loop().expect("a loop");
    runner.close().expect("closed");
    runner.close().expect("closed");
    assert!(event_loop.is_closed());
    assert_eq!(runner.run(async { Ok(()) }).expect_err("closed").kind(), ErrorKind::Runtime);
}

/// Counts ticks, as a callback that asks for the next one.
fn count(event_loop: &EventLoop, ticks: Rc<Cell<u32>>) {
    event_loop.call_soon(move || {
        ticks.set(ticks.get() + 1);
        count(&get_running_loop()?, ticks);
        Ok(())
    });
}

#[test]
fn closing_adds_the_ticks_that_asyncio_takes() {
    let event_loop = EventLoop::new();
    let mut runner = Runner::with_loop(event_loop.clone());
    runner.run(async { Ok(()) }).expect("a run");
    let ticks = Rc::new(Cell::new(0));
    count(&event_loop, Rc::clone(&ticks));
    runner.close().expect("closed");
    assert_eq!(ticks.get(), 4);
}

#[test]
fn a_task_that_swallows_its_cancellation_for_ever_is_a_deadlock_and_the_loop_is_closed() {
    let event_loop = EventLoop::new();
    let mut runner = Runner::with_loop(event_loop.clone());
    let outcome = runner.run(async {
        create_task(async {
            loop {
                let _ = get_running_loop()?.create_future::<()>().await;
            }
            #[allow(unreachable_code)]
            Ok(())
        });
        yield_now().await
    });
    outcome.expect("the program succeeds");
    assert_eq!(runner.close().expect_err("it waits for ever").kind(), ErrorKind::Deadlock);
    assert!(event_loop.is_closed());
}

/// Words that are written outside a running program, too.
#[track_caller]
fn check_left(words: &[&str], program: impl FnOnce(Log)) {
    let log = Log::default();
    program(log.clone());
    log.check(words);
}

#[test]
fn an_eager_task_is_cancelled_after_those_that_its_first_step_made() {
    check_left(&["inner", "outer"], |log| {
        let outcome = run(async move {
            get_running_loop()?.set_task_factory(asyncio::TaskFactory::Eager);
            create_task(async move {
                let theirs = log.clone();
                create_task(async move {
                    let outcome = forever().await;
                    theirs.say("inner");
                    outcome
                });
                let outcome = forever().await;
                log.say("outer");
                outcome
            });
            Ok(())
        });
        outcome.expect("the program succeeds");
    });
}
