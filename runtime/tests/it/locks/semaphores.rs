use crate::support::{Log, check_order, give_way, panic_of, settle};
use counterpoint_runtime as asyncio;

use asyncio::{BoundedSemaphore, ErrorKind, Result, Semaphore, Task, create_task, run};

/// A task that takes a permit, says so, and keeps it taken.
fn taker(semaphore: &Semaphore, log: &Log, name: &'static str) -> Task<()> {
    let (semaphore, log) = (semaphore.clone(), log.clone());
    create_task(async move {
        let permit = semaphore.acquire().await;
        log.say_end(name, &permit);
        permit?.leak();
        Ok(())
    })
}

#[test]
fn permits_go_out_in_the_order_of_asking() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let _takers = ["first", "second", "third"].map(|name| taker(&semaphore, &log, name));
            give_way().await?;
            semaphore.release();
            semaphore.release();
            log.say(format!("value {}", semaphore.value()));
            settle().await
        },
        &["value 0", "first: ok", "second: ok", "third: CancelledError"],
    );
}

#[test]
fn a_newcomer_waits_behind_who_is_served_even_if_permits_are_free() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let look = |log: &Log| {
                log.say(format!("value {} locked {}", semaphore.value(), semaphore.locked()));
            };
            let _waiter = taker(&semaphore, &log, "waiter");
            give_way().await?;
            semaphore.release();
            look(&log); // the permit is the waiter's already
            let _third = taker(&semaphore, &log, "third");
            semaphore.release();
            look(&log);
            semaphore.acquire().await?.leak();
            log.say("main");
            settle().await?;
            look(&log);
            Ok(())
        },
        &[
            "value 0 locked true",
            "value 1 locked true",
            "waiter: ok",
            "main",
            "value 0 locked true",
            "third: CancelledError",
        ],
    );
}

#[test]
fn a_waiter_that_runs_hands_out_all_that_is_free() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let _first = taker(&semaphore, &log, "first");
            give_way().await?;
            for _ in 0..3 {
                semaphore.release();
            }
            let _others = ["second", "third"].map(|name| taker(&semaphore, &log, name));
            settle().await?;
            log.say(format!("value {}", semaphore.value()));
            Ok(())
        },
        &["first: ok", "second: ok", "third: ok", "value 0"],
    );
}

#[test]
fn a_waiter_that_is_cancelled_after_the_release_passes_the_permit_on() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let first = taker(&semaphore, &log, "first");
            let _second = taker(&semaphore, &log, "second");
            give_way().await?;
            semaphore.release();
            first.cancel();
            settle().await?;
            log.say(format!("value {}", semaphore.value()));
            Ok(())
        },
        &["first: CancelledError", "second: ok", "value 0"],
    );
}

#[test]
fn a_release_steps_over_a_cancelled_waiter() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let first = taker(&semaphore, &log, "first");
            let _second = taker(&semaphore, &log, "second");
            give_way().await?;
            first.cancel();
            semaphore.release();
            log.say(format!("value {}", semaphore.value()));
            settle().await
        },
        &["value 0", "first: CancelledError", "second: ok"],
    );
}

#[test]
fn a_line_of_cancelled_waiters_does_not_lock() {
    check_order(
        |log| async move {
            let semaphore = Semaphore::new(0);
            let first = taker(&semaphore, &log, "first");
            give_way().await?;
            first.cancel();
            semaphore.release();
            log.say(format!("value {} locked {}", semaphore.value(), semaphore.locked()));
            semaphore.acquire().await?.leak();
            log.say("main");
            settle().await
        },
        &["value 1 locked false", "main", "first: CancelledError"],
    );
}

#[test]
fn a_bounded_semaphore_refuses_a_release_too_many() -> Result<()> {
    run(async {
        let semaphore = BoundedSemaphore::new(2);
        let permit = semaphore.acquire().await?;
        assert_eq!(semaphore.value(), 1);
        semaphore.release()?;
        let error = semaphore.release().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert_eq!(error.message(), Some("BoundedSemaphore released too many times"));
        permit.leak();
        Ok(())
    })
}

#[test]
fn a_permit_dropped_after_a_release_for_it_says_so() {
    let message = panic_of(|| {
        let _ = run(async {
            let semaphore = BoundedSemaphore::new(1).named("seats");
            let _permit = semaphore.acquire().await?;
            semaphore.release()
        });
    });
    assert!(message.contains("seats") && message.contains("released too many times"), "{message}");
}

#[test]
fn a_semaphore_of_a_closed_loop_is_inert() -> Result<()> {
    let semaphore = run(async { Ok(Semaphore::new(3)) })?;
    semaphore.release();
    assert_eq!((semaphore.value(), semaphore.locked()), (0, false));
    Ok(())
}
