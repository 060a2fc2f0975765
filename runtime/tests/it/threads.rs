//! Executors, `to_thread`, concurrent futures and their bridges.

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{
    ContextVar, ErrorKind, Executor, Job, Result, concurrent, create_task, get_running_loop,
    run_coroutine_threadsafe, sleep, to_thread, wrap_future,
};

use crate::words::{Log, check, end, fail, forever, secs, settle, word, yield_now};

/// A job of so many seconds that writes when its closure runs.
fn job(log: &Log, name: &'static str, seconds: u64) -> Job<impl FnOnce() -> Result<u32> + 'static + use<>> {
    let log = log.clone();
    let work = move || {
        let now = get_running_loop()?.time();
        log.say(format!("{name} at {now}"));
        Ok(7)
    };
    Job::new(work).takes(secs(seconds))
}

#[test]
fn jobs_run_in_order_as_workers_become_free() {
    check(
        async |log| {
            let pool = Executor::new(2);
            let jobs =
                [("one", 3), ("two", 1), ("three", 1)].map(|(name, time)| pool.submit(job(&log, name, time)));
            log.say(format!("busy {} queued {}", pool.busy(), pool.queued()));
            for job in jobs {
                wrap_future(&job?).await?;
            }
            log.say(format!("busy {} queued {}", pool.busy(), pool.queued()));
            Ok(())
        },
        &[
            "busy 2 queued 1",
            "two at 00:00:01.000",
            "three at 00:00:02.000",
            "one at 00:00:03.000",
            "busy 0 queued 0",
        ],
    );
}

#[test]
fn a_cancelled_waiter_drops_a_queued_job_but_not_a_running_one() {
    check(
        async |log| {
            let event_loop = get_running_loop()?;
            let pool = Executor::new(1);
            let running = event_loop.run_in_executor(Some(&pool), job(&log, "running", 1));
            let queued = event_loop.run_in_executor(Some(&pool), job(&log, "queued", 1));
            running.cancel();
            queued.cancel();
            log.say(end(&running.await));
            log.say(end(&queued.await));
            sleep(secs(5)).await
        },
        &["cancelled", "cancelled", "running at 00:00:01.000"],
    );
}

#[test]
fn a_job_that_fails_gives_its_error() {
    check(
        async |log| {
            let failing = || Err::<(), _>(asyncio::Error::msg("no"));
            log.say(end(&get_running_loop()?.run_in_executor(None, failing).await));
            Ok(())
        },
        &["no"],
    );
}

#[test]
fn an_executor_that_is_shut_down_takes_no_jobs_and_ends_what_it_has() {
    check(
        async |log| {
            let pool = Executor::new(1);
            let running = pool.submit(job(&log, "running", 1))?;
            let queued = pool.submit(job(&log, "queued", 1))?;
            pool.shutdown(false);
            let refused = pool.submit(|| Ok(())).expect_err("it is shut down");
            log.say(format!("{:?} {}", refused.kind(), pool.is_shut_down()));
            let refused = get_running_loop()?.run_in_executor(Some(&pool), || Ok(())).await;
            log.say(format!("{:?}", refused.expect_err("it is shut down").kind()));
            asyncio::gather((wrap_future(&running), wrap_future(&queued))).await?;
            Ok(())
        },
        &["Runtime true", "Runtime", "running at 00:00:01.000", "queued at 00:00:02.000"],
    );
}

#[test]
fn a_shutdown_may_cancel_the_queued_jobs() {
    check(
        async |log| {
            let pool = Executor::new(1);
            let running = pool.submit(job(&log, "running", 1))?;
            let queued = pool.submit(job(&log, "queued", 1))?;
            pool.shutdown(true);
            log.say(format!("{} {}", running.cancelled(), queued.cancelled()));
            log.say(word(&wrap_future(&running).await));
            Ok(())
        },
        &["false true", "running at 00:00:01.000", "7"],
    );
}

#[test]
fn to_thread_carries_the_context_and_run_in_executor_does_not() {
    static USER: ContextVar<&str> = ContextVar::new("user");
    check(
        async |log| {
            USER.set("ada");
            let seen = || Ok(format!("{:?}", USER.get()));
            log.say(to_thread(seen).await?);
            log.say(get_running_loop()?.run_in_executor(None, seen).await?);
            Ok(())
        },
        &["Some(\"ada\")", "None"],
    );
}

#[test]
fn to_thread_does_nothing_before_it_is_awaited() {
    check(
        async |log| {
            let waiting = to_thread(job(&log, "job", 0));
            settle().await?;
            log.say("still nothing");
            waiting.await?;
            Ok(())
        },
        &["still nothing", "job at 00:00:00.000"],
    );
}

#[test]
fn the_default_executor_has_two_workers() {
    check(
        async |log| {
            let jobs = ["one", "two", "three"].map(|name| to_thread(job(&log, name, 1)));
            asyncio::gather(jobs).await?;
            Ok(())
        },
        &["one at 00:00:01.000", "two at 00:00:01.000", "three at 00:00:02.000"],
    );
}

#[test]
fn the_default_executor_ends_its_jobs_and_is_then_closed() {
    check(
        async |log| {
            let event_loop = get_running_loop()?;
            let waiting = create_task(to_thread(job(&log, "job", 1)));
            yield_now().await?;
            event_loop.shutdown_default_executor().await?;
            log.say(event_loop.time());
            log.say(word(&waiting.await));
            let refused = to_thread(|| Ok(())).await;
            log.say(end(&refused));
            Ok(())
        },
        &["job at 00:00:01.000", "00:00:01.000", "7", "executor shutdown has been called"],
    );
}

#[test]
fn a_shutdown_that_runs_out_of_time_is_no_error() {
    check(
        async |log| {
            let event_loop = get_running_loop()?;
            let waiting = create_task(to_thread(job(&log, "job", 10)));
            yield_now().await?;
            event_loop.shutdown_default_executor().timeout(secs(1)).await?;
            log.say(event_loop.time());
            waiting.await?;
            Ok(())
        },
        &["00:00:01.000", "job at 00:00:10.000"],
    );
}

#[test]
fn a_concurrent_future_runs_its_callbacks_at_once() {
    check(
        async |log| {
            let future = concurrent::Future::new();
            let (first, second) = (future.clone(), concurrent::Future::new());
            let chained = second.clone();
            future.add_done_callback(move |future| {
                let _ = chained.set_result(future.result().unwrap_or(0));
            });
            first.set_result(7)?;
            log.say(word(&second.result()));
            log.say(format!("{:?}", future.set_result(8).expect_err("it is done").kind()));
            Ok(())
        },
        &["7", "InvalidState"],
    );
}

#[test]
fn a_concurrent_future_that_runs_cannot_be_cancelled() {
    let running = concurrent::Future::<()>::new();
    assert!(running.set_running_or_notify_cancel().expect("it was pending"));
    assert!(!running.cancel());
    let cancelled = concurrent::Future::<()>::new();
    assert!(cancelled.cancel() && cancelled.cancel());
    assert!(!cancelled.set_running_or_notify_cancel().expect("it was cancelled"));
    let again = cancelled.set_running_or_notify_cancel().expect_err("it has been told");
    assert_eq!(again.kind(), ErrorKind::Runtime);
    assert!(cancelled.result().expect_err("no result").is_cancelled());
}

#[test]
fn cancelling_passes_between_a_concurrent_future_and_its_wrapper() {
    check(
        async |log| {
            let promised = concurrent::Future::<()>::new();
            let wrapped = wrap_future(&promised);
            wrapped.cancel();
            log.say(promised.cancelled());
            yield_now().await?;
            log.say(promised.cancelled());

            let promised = concurrent::Future::<()>::new();
            let wrapped = wrap_future(&promised);
            promised.cancel();
            log.say(end(&wrapped.await));
            Ok(())
        },
        &["false", "true", "cancelled"],
    );
}

#[test]
fn cancelling_the_promise_of_a_coroutine_cancels_its_task() {
    check(
        async |log| {
            let theirs = log.clone();
            let coroutine = async move {
                let outcome = forever().await;
                theirs.say(end(&outcome));
                outcome
            };
            let promised = run_coroutine_threadsafe(coroutine, &get_running_loop()?);
            settle().await?;
            log.say(promised.cancel());
            settle().await?;
            log.say(promised.cancelled());
            Ok(())
        },
        &["true", "cancelled", "true"],
    );
}

#[test]
fn a_coroutine_whose_promise_was_cancelled_early_still_takes_its_first_step() {
    check(
        async |log| {
            let theirs = log.clone();
            let coroutine = async move {
                theirs.say("step");
                let outcome = forever().await;
                theirs.say(end(&outcome));
                outcome
            };
            let promised = run_coroutine_threadsafe(coroutine, &get_running_loop()?);
            promised.cancel();
            settle().await
        },
        &["step", "cancelled"],
    );
}

#[test]
fn a_coroutine_that_fails_gives_its_error_to_the_promise() {
    check(
        async |log| {
            let promised = run_coroutine_threadsafe(fail("no"), &get_running_loop()?);
            log.say(end(&wrap_future(&promised).await));
            Ok(())
        },
        &["no"],
    );
}

#[test]
fn a_coroutine_runs_in_another_loop_of_the_program() {
    check(
        async |log| {
            let other = asyncio::EventLoop::builder().name("other").build();
            other.run_in_thread()?;
            let there = log.clone();
            let coroutine = async move {
                sleep(secs(1)).await?;
                there.say(format!("{:?}", get_running_loop()?));
                Ok(7)
            };
            let promised = run_coroutine_threadsafe(coroutine, &other);
            log.say(word(&wrap_future(&promised).await));
            log.say(format!("{:?}", get_running_loop()?));
            let cancelled = run_coroutine_threadsafe(forever(), &other);
            settle().await?;
            cancelled.cancel();
            settle().await?;
            log.say(cancelled.cancelled());
            other.stop();
            settle().await
        },
        &["EventLoop(other)", "7", "EventLoop(main)", "true"],
    );
}
