//! How many ticks lie between cause and effect: one test for each row of CPython's measured table.
//!
//! `start` stands at the cause; the number after each word counts from there.

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{create_task, get_running_loop, sleep};

use crate::words::{check, end, fail, forever, secs, yield_now};

#[test]
fn a_callback_a_first_step_and_a_bare_yield_take_one() {
    check(
        async |log| {
            log.start();
            let theirs = log.clone();
            get_running_loop()?.call_soon(move || theirs.tick("callback"));
            let theirs = log.clone();
            let task = create_task(async move {
                theirs.tick("step");
                Ok(())
            });
            yield_now().await?;
            log.tick("yield");
            task.await
        },
        &["callback 1", "step 1", "yield 1"],
    );
}

#[test]
fn a_timer_that_pops_resumes_the_sleeper_in_the_next() {
    check(
        async |log| {
            let theirs = log.clone();
            get_running_loop()?.call_later(secs(1), move || theirs.start());
            sleep(secs(1)).await?;
            log.tick("slept");
            Ok(())
        },
        &["slept 1"],
    );
}

#[test]
fn a_result_resumes_its_waiter_and_runs_callbacks_in_the_next() {
    check(
        async |log| {
            let future = get_running_loop()?.create_future::<u32>();
            let (theirs, awaited) = (log.clone(), future.clone());
            let waiter = create_task(async move {
                awaited.await?;
                theirs.tick("waiter");
                Ok(())
            });
            yield_now().await?;
            let theirs = log.clone();
            future.add_done_callback(move |_| theirs.tick("callback"));
            log.start();
            future.set_result(1)?;
            waiter.await
        },
        &["waiter 1", "callback 1"],
    );
}

#[test]
fn a_callback_added_to_a_done_future_runs_in_the_next() {
    check(
        async |log| {
            let future = get_running_loop()?.create_future::<u32>();
            future.set_result(1)?;
            log.start();
            let theirs = log.clone();
            future.add_done_callback(move |_| theirs.tick("callback"));
            (&future).await?;
            log.tick("awaited");
            yield_now().await?;
            Ok(())
        },
        &["awaited 0", "callback 1"],
    );
}

#[test]
fn a_coroutine_that_does_not_wait_takes_none() {
    check(
        async |log| {
            log.start();
            async { asyncio::Result::<()>::Ok(()) }.await?;
            log.tick("awaited");
            Ok(())
        },
        &["awaited 0"],
    );
}

#[test]
fn a_task_that_does_not_wait_takes_two() {
    check(
        async |log| {
            log.start();
            create_task(async { Ok(()) }).await?;
            log.tick("awaited");
            Ok(())
        },
        &["awaited 2"],
    );
}

#[test]
fn a_task_that_ends_resumes_its_awaiter_in_the_next() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = create_task(async move {
                yield_now().await?;
                theirs.start();
                Ok(())
            });
            task.await?;
            log.tick("awaited");
            Ok(())
        },
        &["awaited 1"],
    );
}

#[test]
fn a_cancel_arrives_after_one_and_at_the_awaiter_after_two() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = create_task(async move {
                let outcome = forever().await;
                theirs.tick(end(&outcome));
                outcome
            });
            yield_now().await?;
            log.start();
            task.cancel();
            log.tick(end(&task.await));
            Ok(())
        },
        &["cancelled 1", "cancelled 2"],
    );
}

#[test]
fn a_cancel_before_the_first_step_is_done_after_two() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = create_task(async move {
                theirs.say("never");
                Ok(())
            });
            let theirs = log.clone();
            task.add_done_callback(move |_| theirs.tick("done"));
            log.start();
            task.cancel();
            log.tick(end(&task.await));
            Ok(())
        },
        &["done 2", "cancelled 2"],
    );
}

#[test]
fn a_cancel_of_the_outer_reaches_the_inner_task_first() {
    check(
        async |log| {
            let theirs = log.clone();
            let outer = create_task(async move {
                let mine = theirs.clone();
                let inner = create_task(async move {
                    let outcome = forever().await;
                    mine.tick("inner");
                    outcome
                });
                let outcome = inner.await;
                theirs.tick("outer");
                outcome
            });
            yield_now().await?;
            yield_now().await?;
            log.start();
            outer.cancel();
            log.tick(end(&outer.await));
            Ok(())
        },
        &["inner 1", "outer 2", "cancelled 3"],
    );
}

#[test]
fn a_task_that_cancels_itself_hears_of_it_one_after_its_next_wait() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = create_task(async move {
                asyncio::current_task().expect("a task").cancel();
                theirs.start();
                let outcome = forever().await;
                theirs.tick(end(&outcome));
                outcome
            });
            let _ = task.await;
            Ok(())
        },
        &["cancelled 1"],
    );
}

#[test]
fn a_gather_of_coroutines_that_do_not_wait_takes_three() {
    check(
        async |log| {
            log.start();
            asyncio::gather((async { Ok(1) }, async { Ok(2) })).await?;
            log.tick("gathered");
            Ok(())
        },
        &["gathered 3"],
    );
}

#[test]
fn a_gather_of_nothing_or_of_done_tasks_takes_none() {
    check(
        async |log| {
            let task = create_task(async { Ok(()) });
            (&task).await?;
            log.start();
            asyncio::gather(Vec::<asyncio::Task<()>>::new()).await?;
            log.tick("nothing");
            asyncio::gather((&task, &task)).await?;
            log.tick("done");
            Ok(())
        },
        &["nothing 0", "done 0"],
    );
}

#[test]
fn the_last_or_failing_child_resumes_the_gatherer_after_two() {
    check(
        async |log| {
            for failing in [false, true] {
                let theirs = log.clone();
                let child = async move {
                    yield_now().await?;
                    theirs.start();
                    if failing { fail("no").await } else { Ok(()) }
                };
                let outcome = asyncio::gather((child,)).await;
                log.tick(end(&outcome));
            }
            Ok(())
        },
        &["ok 2", "no 2"],
    );
}

#[test]
fn a_cancelled_gather_reaches_children_after_one_and_the_gatherer_after_three() {
    check(
        async |log| {
            let theirs = log.clone();
            let gatherer = create_task(async move {
                let mine = theirs.clone();
                let child = async move {
                    let outcome = forever().await;
                    mine.tick("child");
                    outcome
                };
                let outcome = asyncio::gather((child,)).await;
                theirs.tick("gatherer");
                outcome.map(|_| ())
            });
            yield_now().await?;
            yield_now().await?;
            log.start();
            gatherer.cancel();
            log.tick(end(&gatherer.await));
            Ok(())
        },
        &["child 1", "gatherer 3", "cancelled 4"],
    );
}

#[test]
fn a_wait_takes_two_from_done_tasks_and_from_the_last_end() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = create_task(async move {
                yield_now().await?;
                theirs.start();
                Ok(())
            });
            asyncio::wait([task.clone()]).await?;
            log.tick("ended");
            log.start();
            asyncio::wait([task]).await?;
            log.tick("done before");
            Ok(())
        },
        &["ended 2", "done before 2"],
    );
}

#[test]
fn a_wait_that_runs_out_of_time_resumes_one_after_the_timer() {
    check(
        async |log| {
            let task = create_task(forever());
            yield_now().await?;
            let theirs = log.clone();
            get_running_loop()?.call_later(secs(1), move || theirs.start());
            asyncio::wait([task.clone()]).timeout(secs(1)).await?;
            log.tick("timer");
            log.start();
            asyncio::wait([task]).timeout(secs(0)).await?;
            log.tick("zero");
            Ok(())
        },
        &["timer 1", "zero 2"],
    );
}
