//! What `timeout`, `wait_for` and `shield` do when time or patience runs out.

use std::rc::Rc;

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{
    Error, ErrorKind, Instant, create_task, current_task, get_running_loop, shield, sleep, timeout,
    timeout_at, wait_for,
};

use crate::words::{check, end, fail, forever, secs, settle, word, yield_now};

fn cancelling() -> u32 {
    current_task().expect("a task").cancelling()
}

#[test]
fn a_part_in_time_gives_its_value() {
    check(
        async |log| {
            let deadline = timeout(secs(2));
            let mut seen = 0;
            let part = async {
                seen += 1;
                sleep(secs(1)).await?;
                Ok(7)
            };
            log.say(word(&deadline.run(part).await));
            log.say(format!("{seen} {} {}", deadline.expired(), deadline.when().expect("a deadline")));
            sleep(secs(5)).await
        },
        &["7", "1 false 00:00:02.000"],
    );
}

#[test]
fn an_overdue_part_is_a_timeout_caused_by_a_cancellation() {
    check(
        async |log| {
            let deadline = timeout(secs(1));
            let error = deadline.run(forever()).await.expect_err("too late");
            log.say(error.is_timeout());
            log.say(error.source().is_some_and(Error::is_cancelled));
            log.say(format!("{} {}", deadline.expired(), cancelling()));
            sleep(secs(1)).await
        },
        &["true", "true", "true 0"],
    );
}

#[test]
fn a_part_that_swallows_the_cancellation_is_not_failed() {
    check(
        async |log| {
            let deadline = timeout(secs(1));
            let part = async {
                let _ = forever().await;
                Ok(7)
            };
            log.say(word(&deadline.run(part).await));
            log.say(format!("{} {}", deadline.expired(), cancelling()));
            Ok(())
        },
        &["7", "true 0"],
    );
}

#[test]
fn a_part_that_fails_of_itself_keeps_its_error() {
    check(
        async |log| {
            let part = async {
                let _ = forever().await;
                fail("mine").await
            };
            log.say(end(&timeout(secs(1)).run(part).await));
            Ok(())
        },
        &["mine"],
    );
}

#[test]
fn of_two_timeouts_that_expire_together_the_outer_one_speaks() {
    check(
        async |log| {
            let (outer, inner) = (timeout(secs(1)), timeout(secs(1)));
            let part = async {
                let outcome = inner.run(forever()).await;
                log.say(end(&outcome));
                outcome
            };
            log.say(end(&outer.run(part).await));
            log.say(cancelling());
            Ok(())
        },
        &["cancelled", "timeout", "0"],
    );
}

#[test]
fn a_cancellation_in_the_tick_of_the_deadline_wins() {
    check(
        async |log| {
            let theirs = log.clone();
            let task = create_task(async move {
                let outcome = timeout(secs(1)).run(forever()).await;
                theirs.say(format!("{} {}", end(&outcome), cancelling()));
                outcome
            });
            yield_now().await?;
            let cancelled = task.clone();
            get_running_loop()?.call_later(secs(1), move || {
                cancelled.cancel();
            });
            log.say(end(&task.await));
            Ok(())
        },
        &["cancelled 1", "cancelled"],
    );
}

#[test]
fn a_deadline_of_zero_needs_an_await_to_expire() {
    check(
        async |log| {
            let deadline = timeout(secs(0));
            log.say(end(&deadline.run(async { Ok(()) }).await));
            log.say(deadline.expired());
            settle().await
        },
        &["ok", "false"],
    );
}

#[test]
fn a_deadline_can_be_moved_and_taken_away() {
    check(
        async |log| {
            let deadline = timeout(secs(1));
            let part = async {
                deadline.reschedule(deadline.when().map(|when| when + secs(1)))?;
                sleep(secs(1)).await?;
                log.say("still here");
                deadline.reschedule(None)?;
                sleep(secs(9)).await?;
                log.say("no deadline");
                deadline.reschedule(Instant::ZERO)?;
                forever().await
            };
            log.say(end(&deadline.run(part).await));
            log.say(get_running_loop()?.time());
            Ok(())
        },
        &["still here", "no deadline", "timeout", "00:00:10.000"],
    );
}

#[test]
fn only_an_active_timeout_can_be_rescheduled_and_it_runs_once() {
    check(
        async |log| {
            let deadline = timeout_at(None);
            let refused =
                |outcome: asyncio::Result<()>| outcome.expect_err("refused").kind() == ErrorKind::Runtime;
            log.say(refused(deadline.reschedule(None)));
            deadline.run(async { Ok(()) }).await?;
            log.say(refused(deadline.reschedule(None)));
            log.say(refused(deadline.run(async { Ok(()) }).await));
            Ok(())
        },
        &["true", "true", "true"],
    );
}

#[test]
fn a_part_dropped_halfway_takes_its_timer_along() {
    check(
        async |log| {
            let part = Box::pin(timeout(secs(1)).run(forever()));
            let _ = futures::future::select(part, Box::pin(yield_now())).await;
            sleep(secs(5)).await?;
            log.say(format!("{} {}", get_running_loop()?.time(), cancelling()));
            Ok(())
        },
        &["00:00:05.000 0"],
    );
}

#[test]
fn a_part_dropped_after_its_deadline_takes_the_request_back() {
    check(
        async |log| {
            let deadline = timeout(secs(1));
            let mut part = Box::pin(deadline.run(forever()));
            // The part is not polled between the deadline and its end.
            let _ = futures::poll!(&mut part);
            let _ = create_task(async move { sleep(secs(2)).await }).await;
            log.say(deadline.expired());
            drop(part);
            log.say(cancelling());
            log.say(end(&sleep(secs(1)).await));
            Ok(())
        },
        &["true", "0", "ok"],
    );
}

#[test]
fn a_wait_for_gives_the_value_of_what_swallows_its_cancellation() {
    check(
        async |log| {
            for limit in [0, 1] {
                let task = create_task(async {
                    let _ = forever().await;
                    Ok(7)
                });
                yield_now().await?;
                log.say(word(&wait_for(&task, secs(limit)).await));
            }
            Ok(())
        },
        &["7", "7"],
    );
}

#[test]
fn a_wait_for_without_time_gives_what_is_done() {
    check(
        async |log| {
            let task = create_task(async { Ok(7) });
            settle().await?;
            log.say(word(&wait_for(&task, secs(0)).await));
            Ok(())
        },
        &["7"],
    );
}

#[test]
fn a_wait_for_that_is_cancelled_cancels_what_it_waits_for() {
    check(
        async |log| {
            let task = create_task(forever());
            let waited = task.clone();
            let waiter = create_task(wait_for(waited, secs(60)));
            yield_now().await?;
            waiter.cancel_with("enough");
            log.say(end(&waiter.await));
            log.say(task.cancelled());
            Ok(())
        },
        &["cancelled(enough)", "true"],
    );
}

#[test]
fn a_wait_for_dropped_halfway_lets_a_task_run() {
    check(
        async |log| {
            let task = create_task(async {
                sleep(secs(2)).await?;
                Ok(7)
            });
            let waiter = create_task(wait_for(task.clone(), secs(1)));
            yield_now().await?;
            waiter.abort();
            log.say(word(&task.await));
            Ok(())
        },
        &["7"],
    );
}

#[test]
fn wait_for_results_need_not_be_cloned() {
    struct Once(u32);
    check(
        async |log| {
            log.say(wait_for(async { Ok(Once(1)) }, secs(1)).await?.0);
            Ok(())
        },
        &["1"],
    );
}

#[test]
fn a_shielded_task_outlives_the_cancellation_of_its_waiter() {
    check(
        async |log| {
            let inner = create_task(async {
                sleep(secs(1)).await?;
                Ok(7)
            });
            let shielded = inner.clone();
            let waiter = create_task(async move { shield(shielded).await });
            yield_now().await?;
            waiter.cancel();
            log.say(end(&waiter.await));
            log.say(word(&inner.await));
            Ok(())
        },
        &["cancelled", "7"],
    );
}

#[test]
fn a_shield_of_a_done_task_is_the_task() {
    check(
        async |log| {
            let inner = create_task(async { Ok(Rc::new(7)) });
            (&inner).await?;
            log.say(shield(&inner) == inner.as_future());
            Ok(())
        },
        &["true"],
    );
}

#[test]
fn a_cancelled_inner_task_cancels_its_shield_without_a_message() {
    check(
        async |log| {
            let inner = create_task(forever());
            let shielded = shield(&inner);
            inner.cancel_with("why");
            settle().await?;
            log.say(shielded.cancelled());
            log.say(end(&shielded.await));
            Ok(())
        },
        &["true", "cancelled"],
    );
}
