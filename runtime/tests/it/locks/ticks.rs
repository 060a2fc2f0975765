//! Ticks between cause and effect, as measured on CPython 3.13.

use crate::support::{check_ticks, give_way, tick_after, ticks};
use counterpoint_runtime as asyncio;

#[test]
fn a_free_lock_takes_no_tick() {
    check_ticks(
        || async {
            let (lock, start) = (asyncio::Lock::new(), ticks());
            let _guard = lock.acquire().await?;
            Ok(ticks() - start)
        },
        0,
    );
}

#[test]
fn a_released_lock_takes_one_tick_to_its_waiter() {
    check_ticks(
        || async {
            let lock = asyncio::Lock::new();
            let guard = lock.acquire().await?;
            let waiter = tick_after({
                let lock = lock.clone();
                async move { lock.acquire().await.map(drop) }
            });
            give_way().await?;
            let cause = ticks();
            drop(guard);
            Ok(waiter.await? - cause)
        },
        1,
    );
}

#[test]
fn a_set_event_takes_one_tick_to_its_waiter() {
    check_ticks(
        || async {
            let event = asyncio::Event::new();
            let waiter = tick_after({
                let event = event.clone();
                async move { event.wait().await }
            });
            give_way().await?;
            let cause = ticks();
            event.set();
            Ok(waiter.await? - cause)
        },
        1,
    );
}

#[test]
fn a_released_semaphore_takes_one_tick_to_its_waiter() {
    check_ticks(
        || async {
            let semaphore = asyncio::Semaphore::new(0);
            let waiter = tick_after({
                let semaphore = semaphore.clone();
                async move { semaphore.acquire().await.map(drop) }
            });
            give_way().await?;
            let cause = ticks();
            semaphore.release();
            Ok(waiter.await? - cause)
        },
        1,
    );
}

#[test]
fn a_notified_condition_takes_one_tick_for_all_its_waiters() {
    check_ticks(
        || async {
            let condition = asyncio::Condition::new();
            let wait = |condition: asyncio::Condition| async move {
                let _guard = condition.acquire().await?;
                condition.wait().await
            };
            let waiters = [(); 3].map(|()| tick_after(wait(condition.clone())));
            give_way().await?;
            let guard = condition.acquire().await?;
            let cause = ticks();
            condition.notify_all()?;
            drop(guard);
            let mut last = 0;
            for waiter in waiters {
                last = last.max(waiter.await?);
            }
            Ok(last - cause)
        },
        1,
    );
}

#[test]
fn the_last_party_of_a_barrier_takes_no_tick() {
    check_ticks(
        || async {
            let barrier = asyncio::Barrier::new(2);
            let _first = tick_after({
                let barrier = barrier.clone();
                async move { barrier.wait().await }
            });
            give_way().await?;
            let cause = ticks();
            barrier.wait().await?;
            Ok(ticks() - cause)
        },
        0,
    );
}

#[test]
fn a_full_barrier_takes_one_tick_to_the_others() {
    check_ticks(
        || async {
            let barrier = asyncio::Barrier::new(2);
            let first = tick_after({
                let barrier = barrier.clone();
                async move { barrier.wait().await }
            });
            give_way().await?;
            let cause = ticks();
            barrier.wait().await?;
            Ok(first.await? - cause)
        },
        1,
    );
}

#[test]
fn a_cancelled_waiter_takes_one_tick_to_see_it() {
    check_ticks(
        || async {
            let event = asyncio::Event::new();
            let waiter = asyncio::create_task({
                let event = event.clone();
                async move {
                    let ended = event.wait().await;
                    assert!(ended.is_err_and(|error| error.is_cancelled()));
                    Ok(ticks())
                }
            });
            give_way().await?;
            let cause = ticks();
            waiter.cancel();
            Ok(waiter.await? - cause)
        },
        1,
    );
}
