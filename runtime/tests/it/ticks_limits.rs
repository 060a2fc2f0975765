//! The rows of the table of ticks for `wait_for`, `timeout` and `shield`.

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{create_task, get_running_loop, shield, timeout, wait_for};

use crate::words::{check, end, forever, secs, yield_now};

#[test]
fn a_wait_for_adds_nothing_to_what_it_waits_for() {
    check(
        async |log| {
            let done = create_task(async { Ok(()) });
            (&done).await?;
            log.start();
            wait_for(&done, secs(1)).await?;
            log.tick("done task");
            wait_for(async { Ok(()) }, secs(1)).await?;
            log.tick("coroutine");
            wait_for(async { Ok(()) }, None).await?;
            log.tick("no limit");
            let theirs = log.clone();
            let inner = async move {
                yield_now().await?;
                theirs.start();
                Ok(())
            };
            wait_for(inner, secs(1)).await?;
            log.tick("resumed");
            Ok(())
        },
        &["done task 0", "coroutine 0", "no limit 0", "resumed 0"],
    );
}

#[test]
fn a_wait_for_without_time_takes_three() {
    check(
        async |log| {
            let theirs = log.clone();
            log.start();
            let never = async move {
                theirs.say("never");
                Ok(())
            };
            let outcome = wait_for(never, secs(0)).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["timeout 3"],
    );
}

#[test]
fn the_timer_of_a_wait_for_reaches_coroutine_and_caller_after_one() {
    check(
        async |log| {
            let theirs = log.clone();
            get_running_loop()?.call_later(secs(1), move || theirs.start());
            let theirs = log.clone();
            let inner = async move {
                let outcome = forever().await;
                theirs.tick("inner");
                outcome
            };
            let outcome = wait_for(inner, secs(1)).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["inner 1", "timeout 1"],
    );
}

#[test]
fn the_timer_of_a_wait_for_reaches_the_caller_of_a_task_after_two() {
    check(
        async |log| {
            let theirs = log.clone();
            get_running_loop()?.call_later(secs(1), move || theirs.start());
            let outcome = wait_for(create_task(forever()), secs(1)).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["timeout 2"],
    );
}

#[test]
fn a_timeout_is_left_one_after_its_timer() {
    check(
        async |log| {
            let theirs = log.clone();
            get_running_loop()?.call_later(secs(1), move || theirs.start());
            let outcome = timeout(secs(1)).run(forever()).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["timeout 1"],
    );
}

#[test]
fn a_timeout_of_zero_is_left_after_two() {
    check(
        async |log| {
            log.start();
            let outcome = timeout(secs(0)).run(forever()).await;
            log.tick(end(&outcome));
            Ok(())
        },
        &["timeout 2"],
    );
}

#[test]
fn a_shielded_end_arrives_after_two_and_a_cancel_after_one() {
    check(
        async |log| {
            let theirs = log.clone();
            let inner = async move {
                yield_now().await?;
                theirs.start();
                Ok(())
            };
            shield(inner).await?;
            log.tick("ended");

            let theirs = log.clone();
            let waiter = create_task(async move {
                let outcome = shield(forever()).await;
                theirs.tick(end(&outcome));
                outcome
            });
            yield_now().await?;
            log.start();
            waiter.cancel();
            let _ = waiter.await;
            Ok(())
        },
        &["ended 2", "cancelled 1"],
    );
}

#[test]
fn a_completed_item_reaches_the_consumer_after_two() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = async move {
                yield_now().await?;
                theirs.start();
                Ok(())
            };
            for next in asyncio::as_completed([task]) {
                next.await?;
                log.tick("next");
            }
            Ok(())
        },
        &["next 2"],
    );
}
