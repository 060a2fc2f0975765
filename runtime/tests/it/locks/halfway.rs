//! Futures that are dropped halfway, and tasks that are aborted: nothing that was handed over may be lost.

use crate::support::{check_order, give_way, poll_once, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Barrier, Condition, Event, Lock, Result, Semaphore, create_task, run};
use futures::future::{Either, FutureExt};
use std::future::Future;

/// Begins a wait and leaves it pending.
async fn begin<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).await.is_none(), "it has to wait");
    future
}

#[test]
fn a_lock_that_was_handed_to_a_dropped_wait_goes_to_the_next() {
    check_order(
        |log| async move {
            let lock = Lock::new();
            let guard = lock.acquire().await?;
            let halfway = begin(lock.acquire()).await;
            let _next = create_task({
                let (lock, log) = (lock.clone(), log.clone());
                async move {
                    let _guard = lock.acquire().await?;
                    log.say("next");
                    Ok(())
                }
            });
            give_way().await?;
            drop(guard);
            drop(halfway);
            settle().await?;
            log.say(format!("locked {}", lock.locked()));
            Ok(())
        },
        &["next", "locked false"],
    );
}

#[test]
fn a_permit_that_was_given_to_a_dropped_wait_goes_to_the_next() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let halfway = begin(semaphore.acquire()).await;
            let _next = create_task({
                let (semaphore, log) = (semaphore.clone(), log.clone());
                async move {
                    let _permit = semaphore.acquire().await?;
                    log.say("next");
                    Ok(())
                }
            });
            give_way().await?;
            semaphore.release();
            drop(halfway);
            settle().await?;
            log.say(format!("value {}", semaphore.value()));
            Ok(())
        },
        &["next", "value 1"],
    );
}

#[test]
fn a_permit_that_was_given_to_a_dropped_wait_is_free_if_nobody_waits() -> Result<()> {
    run(async {
        let semaphore = Semaphore::new(0);
        let (first, second) = (begin(semaphore.acquire()).await, begin(semaphore.acquire()).await);
        semaphore.release();
        drop(second); // was not given any
        assert_eq!(semaphore.value(), 0);
        drop(first);
        assert_eq!(semaphore.value(), 1);
        assert!(!semaphore.locked());
        Ok(())
    })
}

#[test]
fn an_aborted_task_gives_its_permit_back() -> Result<()> {
    run(async {
        let semaphore = Semaphore::new(1);
        let holder = create_task({
            let semaphore = semaphore.clone();
            async move {
                let _permit = semaphore.acquire().await?;
                Event::new().wait().await
            }
        });
        give_way().await?;
        assert!(semaphore.locked());
        holder.abort();
        assert_eq!(semaphore.value(), 1);
        Ok(())
    })
}

#[test]
fn a_dropped_wait_for_an_event_leaves_the_others() {
    check_order(
        |log| async move {
            let event = Event::new();
            let first = begin(event.wait()).await;
            let second = begin(event.wait()).await;
            let _third = create_task({
                let (event, log) = (event.clone(), log.clone());
                async move {
                    event.wait().await?;
                    log.say("third");
                    Ok(())
                }
            });
            give_way().await?;
            drop(first);
            event.set();
            drop(second);
            settle().await
        },
        &["third"],
    );
}

#[test]
fn two_waits_of_one_task_both_end() -> Result<()> {
    run(async {
        let (event, semaphore) = (Event::new(), Semaphore::new(0));
        let setter = create_task({
            let (event, semaphore) = (event.clone(), semaphore.clone());
            async move {
                event.set();
                give_way().await?;
                semaphore.release();
                Ok(())
            }
        });
        let (permit, set) = futures::future::join(semaphore.acquire(), event.wait()).await;
        set?;
        drop(permit?);
        assert_eq!(semaphore.value(), 1);
        setter.await
    })
}

/// Has a second task wait for a notification, and says what became of `halfway` and of that task.
fn check_notification(drop_after: fn(&Condition) -> Result<()>, expected: &[&str]) {
    check_order(
        |log| async move {
            let condition = Condition::new();
            condition.acquire().await?.leak();
            let halfway = begin(condition.wait()).await;
            let _next = create_task({
                let (condition, log) = (condition.clone(), log.clone());
                async move {
                    let _guard = condition.acquire().await?;
                    condition.wait().await?;
                    log.say("next");
                    Ok(())
                }
            });
            give_way().await?;
            drop_after(&condition)?;
            drop(halfway);
            settle().await?;
            log.say(format!("locked {}", condition.locked()));
            Ok(())
        },
        expected,
    );
}

#[test]
fn a_dropped_wait_notifies_nobody_if_it_was_not_notified() {
    check_notification(|_| Ok(()), &["locked false"]);
}

#[test]
fn a_notification_that_went_to_a_dropped_wait_goes_to_the_next() {
    check_notification(
        |condition| {
            // Anybody may take the lock while nobody holds it: here for as long as it takes to notify.
            let taken = condition.acquire().now_or_never().expect("the lock is free")?;
            condition.notify(1)?;
            drop(taken);
            Ok(())
        },
        &["next", "locked false"],
    );
}

#[test]
fn a_wait_that_is_dropped_while_it_relocks_passes_lock_and_notification_on() {
    check_order(
        |log| async move {
            let condition = Condition::new();
            condition.acquire().await?.leak();
            let mut halfway = begin(condition.wait()).await;
            let _next = create_task({
                let (condition, log) = (condition.clone(), log.clone());
                async move {
                    let _guard = condition.acquire().await?;
                    condition.wait().await?;
                    log.say("next");
                    Ok(())
                }
            });
            give_way().await?;
            let guard = condition.acquire().await?;
            condition.notify(1)?;
            assert!(poll_once(halfway.as_mut()).await.is_none(), "it waits for the lock");
            drop(guard); // hands the lock to `halfway`
            drop(halfway);
            settle().await?;
            log.say(format!("locked {}", condition.locked()));
            Ok(())
        },
        &["next", "locked false"],
    );
}

#[test]
fn a_guard_around_a_dropped_wait_gives_nothing_back_that_is_not_its_own() -> Result<()> {
    run(async {
        let condition = Condition::new();
        let guard = condition.acquire().await?;
        let halfway = begin(condition.wait()).await;
        let others = condition.acquire().await?;
        drop(halfway);
        drop(guard);
        assert!(condition.locked(), "the lock is still the other's");
        drop(others);
        assert!(!condition.locked());
        Ok(())
    })
}

#[test]
fn a_guard_around_a_finished_wait_gives_its_lock_back() -> Result<()> {
    run(async {
        let condition = Condition::new();
        let guard = condition.acquire().await?;
        let mut wait = begin(condition.wait()).await;
        let others = condition.acquire().await?;
        condition.notify(1)?;
        drop(others);
        wait.as_mut().await?;
        assert!(condition.locked());
        drop(guard);
        assert!(!condition.locked());
        Ok(())
    })
}

#[test]
fn a_party_that_is_dropped_is_awaited_again() -> Result<()> {
    run(async {
        let barrier = Barrier::new(2);
        let halfway = begin(barrier.wait()).await;
        assert_eq!(barrier.n_waiting(), 1);
        drop(halfway);
        assert_eq!(barrier.n_waiting(), 0);
        let mut first = begin(barrier.wait()).await;
        assert_eq!(barrier.wait().await?, 1);
        assert_eq!(first.as_mut().await?, 0);
        Ok(())
    })
}

#[test]
fn a_party_that_is_dropped_while_the_barrier_drains_lets_the_next_round_in() -> Result<()> {
    run(async {
        let barrier = Barrier::new(2);
        let halfway = begin(barrier.wait()).await;
        barrier.wait().await?;
        let mut newcomer = begin(barrier.wait()).await;
        drop(halfway); // the last one inside
        assert!(poll_once(newcomer.as_mut()).await.is_none());
        assert_eq!(barrier.n_waiting(), 1);
        assert_eq!(barrier.wait().await?, 1);
        assert_eq!(newcomer.as_mut().await?, 0);
        Ok(())
    })
}

#[test]
fn one_cancel_request_of_two_waits_is_delivered_once() -> Result<()> {
    run(async {
        let task = create_task(async {
            let (event, semaphore) = (Event::new(), Semaphore::new(0));
            match futures::future::select(event.wait(), semaphore.acquire()).await {
                Either::Left((result, _)) => assert!(result.is_err_and(|error| error.is_cancelled())),
                Either::Right(_) => unreachable!("it is asked first"),
            }
            give_way().await // the loser of the race is gone, and so is the request
        });
        give_way().await?;
        task.cancel();
        settle().await?;
        task.result()
    })
}
