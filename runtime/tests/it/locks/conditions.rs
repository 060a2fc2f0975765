use crate::support::{Log, check_order, give_way, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Condition, ErrorKind, Lock, Result, Task, create_task, run};
use std::cell::Cell;
use std::rc::Rc;

/// A task that waits once with the lock held, and says how that ended.
fn waiter(condition: &Condition, log: &Log, name: &'static str) -> Task<()> {
    let (condition, log) = (condition.clone(), log.clone());
    create_task(async move {
        let _guard = condition.acquire().await?;
        let result = condition.wait().await;
        assert!(condition.locked(), "however it ends, the lock is held");
        log.say_end(name, &result);
        result
    })
}

#[test]
fn a_notification_of_two_wakes_the_first_two() {
    check_order(
        |log| async move {
            let condition = Condition::new();
            let _waiters = ["first", "second", "third"].map(|name| waiter(&condition, &log, name));
            give_way().await?;
            let guard = condition.acquire().await?;
            condition.notify(2)?;
            log.say("notified");
            drop(guard);
            settle().await
        },
        &["notified", "first: ok", "second: ok", "third: CancelledError"],
    );
}

#[test]
fn a_waiter_that_is_cancelled_after_the_notification_passes_it_on() {
    check_order(
        |log| async move {
            let condition = Condition::new();
            let first = waiter(&condition, &log, "first");
            let _second = waiter(&condition, &log, "second");
            give_way().await?;
            let guard = condition.acquire().await?;
            condition.notify(1)?;
            first.cancel();
            drop(guard);
            settle().await
        },
        &["first: CancelledError", "second: ok"],
    );
}

#[test]
fn a_cancelled_waiter_notifies_another_one_in_any_case() {
    check_order(
        |log| async move {
            let condition = Condition::new();
            let first = waiter(&condition, &log, "first");
            let _second = waiter(&condition, &log, "second");
            give_way().await?;
            first.cancel();
            settle().await
        },
        &["first: CancelledError", "second: ok"],
    );
}

#[test]
fn a_cancel_is_delivered_once_the_lock_is_held_and_the_last_one_counts() {
    check_order(
        |log| async move {
            let condition = Condition::new();
            let waiter = create_task({
                let (condition, log) = (condition.clone(), log.clone());
                async move {
                    let _guard = condition.acquire().await?;
                    let error = condition.wait().await.expect_err("it is cancelled");
                    log.say(error.to_string());
                    Ok(())
                }
            });
            give_way().await?;
            let guard = condition.acquire().await?;
            for message in ["one", "two"] {
                waiter.cancel_with(message);
                give_way().await?;
                give_way().await?;
            }
            log.say("released");
            drop(guard);
            settle().await
        },
        &["released", "cancelled: two"],
    );
}

#[test]
fn a_cancel_at_the_hand_over_of_the_lock_sends_the_waiter_to_the_back() {
    check_order(
        |log| async move {
            let condition = Condition::new();
            let first = waiter(&condition, &log, "first");
            give_way().await?;
            let guard = condition.acquire().await?;
            condition.notify(1)?;
            give_way().await?; // `first` is in the lock's line now
            let _other = create_task({
                let (condition, log) = (condition.clone(), log.clone());
                async move {
                    let _guard = condition.acquire().await?;
                    log.say("other");
                    Ok(())
                }
            });
            give_way().await?;
            drop(guard);
            first.cancel();
            settle().await
        },
        &["other", "first: CancelledError"],
    );
}

#[test]
fn a_predicate_is_looked_at_first_and_after_each_notification() {
    check_order(
        |log| async move {
            let (condition, value) = (Condition::new(), Rc::new(Cell::new(0)));
            let _waiter = create_task({
                let (condition, value, log) = (condition.clone(), value.clone(), log.clone());
                async move {
                    let _guard = condition.acquire().await?;
                    let reached = || {
                        log.say(format!("look {}", value.get()));
                        value.get() >= 2
                    };
                    condition.wait_for(reached).await?;
                    log.say("through");
                    Ok(())
                }
            });
            give_way().await?;
            for next in [1, 2] {
                let guard = condition.acquire().await?;
                value.set(next);
                condition.notify(1)?;
                drop(guard);
                settle().await?;
            }
            Ok(())
        },
        &["look 0", "look 1", "look 2", "through"],
    );
}

#[test]
fn a_predicate_may_use_the_condition() -> Result<()> {
    run(async {
        let condition = Condition::new();
        let _guard = condition.acquire().await?;
        condition.wait_for(|| condition.locked() && condition.notify_all().is_ok()).await
    })
}

#[test]
fn two_conditions_share_a_lock() {
    check_order(
        |log| async move {
            let lock = Lock::new();
            let (filled, emptied) = (Condition::with_lock(&lock), Condition::with_lock(&lock));
            let _filled = waiter(&filled, &log, "filled");
            let _emptied = waiter(&emptied, &log, "emptied");
            give_way().await?;
            let guard = lock.acquire().await?;
            emptied.notify_all()?;
            assert!(filled.locked() && emptied.locked());
            drop(guard);
            settle().await?;
            log.say("end");
            Ok(())
        },
        &["emptied: ok", "end", "filled: CancelledError"],
    );
}

#[test]
fn a_condition_without_its_lock_is_an_error() -> Result<()> {
    run(async {
        let condition = Condition::new();
        let check = |result: Result<()>, message: &str| {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Runtime, Some(message)));
        };
        check(condition.wait().await, "cannot wait on un-acquired lock");
        check(condition.wait_for(|| false).await, "cannot wait on un-acquired lock");
        check(condition.notify(1), "cannot notify on un-acquired lock");
        check(condition.notify_all(), "cannot notify on un-acquired lock");
        check(condition.release(), "Lock is not acquired.");
        assert!(condition.wait_for(|| true).await.is_ok(), "a predicate that holds asks for no lock");
        Ok(())
    })
}
