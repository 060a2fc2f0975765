//! The rows of the table of ticks for `TaskGroup`, threads and futures between loops.

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{
    Executor, Job, TaskGroup, concurrent, create_task, get_running_loop, wrap_future,
};

use crate::words::{Log, check, end, fail, forever, secs, yield_now};

/// A child that writes when it hears of its cancellation.
async fn sleeper(log: Log, word: &'static str) -> asyncio::Result<()> {
    let outcome = forever().await;
    log.tick(word);
    outcome
}

#[test]
fn a_group_without_children_takes_none() {
    check(
        async |log| {
            log.start();
            TaskGroup::new().run(async { Ok(()) }).await?;
            log.tick("left");
            Ok(())
        },
        &["left 0"],
    );
}

#[test]
fn a_child_steps_after_one_and_its_group_is_left_after_three() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                let theirs = log.clone();
                log.start();
                group.create_task(async move {
                    theirs.tick("child");
                    Ok(())
                })?;
                Ok(())
            };
            group.run(body).await?;
            log.tick("left");
            Ok(())
        },
        &["child 1", "left 3"],
    );
}

#[test]
fn a_group_is_left_two_after_its_last_child() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                let theirs = log.clone();
                group.create_task(async move {
                    yield_now().await?;
                    theirs.start();
                    Ok(())
                })?;
                Ok(())
            };
            group.run(body).await?;
            log.tick("left");
            Ok(())
        },
        &["left 2"],
    );
}

#[test]
fn a_failing_child_reaches_sibling_and_body_after_two() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                group.create_task(sleeper(log.clone(), "sibling"))?;
                let theirs = log.clone();
                group.create_task(async move {
                    yield_now().await?;
                    theirs.start();
                    fail("no").await
                })?;
                sleeper(log.clone(), "body").await
            };
            let outcome = group.run(body).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["sibling 2", "body 2", "[no] 4"],
    );
}

#[test]
fn a_child_that_fails_alone_ends_its_group_after_two() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                let theirs = log.clone();
                group.create_task(async move {
                    yield_now().await?;
                    theirs.start();
                    fail("no").await
                })?;
                Ok(())
            };
            let outcome = group.run(body).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["[no] 2"],
    );
}

#[test]
fn a_child_that_fails_beside_a_sleeper_ends_its_group_after_four() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                group.create_task(forever())?;
                let theirs = log.clone();
                group.create_task(async move {
                    yield_now().await?;
                    theirs.start();
                    fail("no").await
                })?;
                Ok(())
            };
            let outcome = group.run(body).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["[no] 4"],
    );
}

#[test]
fn a_failing_body_with_a_sleeping_child_leaves_after_three() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                group.create_task(forever())?;
                yield_now().await?;
                log.start();
                fail("body").await
            };
            let outcome = group.run(body).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["[body] 3"],
    );
}

#[test]
fn an_owner_cancelled_in_the_exit_leaves_after_four() {
    check(
        async |log| {
            let theirs = log.clone();
            let owner = create_task(async move {
                let group = TaskGroup::new();
                let body = async {
                    group.create_task(sleeper(theirs.clone(), "child"))?;
                    Ok(())
                };
                let outcome = group.run(body).await;
                theirs.tick("owner");
                outcome
            });
            yield_now().await?;
            yield_now().await?;
            log.start();
            owner.cancel();
            log.tick(end(&owner.await));
            Ok(())
        },
        &["child 2", "owner 4", "cancelled 5"],
    );
}

#[test]
fn a_coroutine_from_outside_steps_after_two() {
    check(
        async |log| {
            log.start();
            let theirs = log.clone();
            let coroutine = async move {
                theirs.tick("step");
                Ok(())
            };
            let promised = asyncio::run_coroutine_threadsafe(coroutine, &get_running_loop()?);
            wrap_future(&promised).await?;
            log.tick("awaited");
            Ok(())
        },
        // Its end completes the concurrent future 1 later; a copy and a resume follow.
        &["step 2", "awaited 5"],
    );
}

#[test]
fn a_wrapped_future_resumes_its_awaiter_after_two() {
    check(
        async |log| {
            let promised = concurrent::Future::new();
            let (theirs, completed) = (log.clone(), promised.clone());
            get_running_loop()?.call_soon(move || {
                theirs.start();
                completed.set_result(1)
            });
            wrap_future(&promised).await?;
            log.tick("awaited");
            Ok(())
        },
        &["awaited 2"],
    );
}

#[test]
fn a_job_that_ends_resumes_its_awaiter_after_two() {
    check(
        async |log| {
            let pool = Executor::new(1);
            let theirs = log.clone();
            let job = Job::new(move || {
                theirs.start();
                Ok(())
            });
            get_running_loop()?.run_in_executor(Some(&pool), job.takes(secs(1))).await?;
            log.tick("awaited");
            Ok(())
        },
        &["awaited 2"],
    );
}
