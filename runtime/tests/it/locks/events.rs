use crate::support::{Log, check_order, give_way, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Event, Result, Task, create_task, run};

/// A task that waits and says so.
fn waiter(event: &Event, log: &Log, name: &'static str) -> Task<()> {
    let (event, log) = (event.clone(), log.clone());
    create_task(async move {
        let result = event.wait().await;
        log.say_end(name, &result);
        result
    })
}

#[test]
fn a_set_wakes_all_in_the_order_of_waiting() {
    check_order(
        |log| async move {
            let event = Event::new();
            let _waiters = ["first", "second", "third"].map(|name| waiter(&event, &log, name));
            give_way().await?;
            event.set();
            log.say("set");
            settle().await
        },
        &["set", "first: ok", "second: ok", "third: ok"],
    );
}

#[test]
fn a_flag_that_is_cleared_at_once_still_woke_its_waiters() {
    check_order(
        |log| async move {
            let event = Event::new();
            let _early = waiter(&event, &log, "early");
            give_way().await?;
            event.set();
            event.clear();
            let _late = waiter(&event, &log, "late");
            settle().await?;
            log.say(format!("set: {}", event.is_set()));
            Ok(())
        },
        &["early: ok", "set: false", "late: CancelledError"],
    );
}

#[test]
fn a_second_set_wakes_nobody_twice() {
    check_order(
        |log| async move {
            let event = Event::new();
            let _waiter = waiter(&event, &log, "waiter");
            give_way().await?;
            event.set();
            event.set();
            event.clear();
            event.set();
            settle().await
        },
        &["waiter: ok"],
    );
}

#[test]
fn a_set_event_does_not_suspend() {
    check_order(
        |log| async move {
            let event = Event::new();
            event.set();
            let _other = waiter(&event, &log, "other");
            event.wait().await?;
            log.say("main");
            settle().await
        },
        &["main", "other: ok"],
    );
}

#[test]
fn a_cancelled_waiter_leaves_the_others_in_order() {
    check_order(
        |log| async move {
            let event = Event::new();
            let _first = waiter(&event, &log, "first");
            let second = waiter(&event, &log, "second");
            let _third = waiter(&event, &log, "third");
            give_way().await?;
            second.cancel();
            event.set(); // the cancelled one is still in the line, and is stepped over
            settle().await
        },
        // `second` was made ready first: by the cancel.
        &["second: CancelledError", "first: ok", "third: ok"],
    );
}

#[test]
fn a_waiter_that_is_cancelled_after_the_set_sees_the_cancel() {
    check_order(
        |log| async move {
            let event = Event::new();
            let waiter = waiter(&event, &log, "waiter");
            give_way().await?;
            event.set();
            waiter.cancel();
            settle().await
        },
        &["waiter: CancelledError"],
    );
}

#[test]
fn an_event_of_a_closed_loop_is_inert() -> Result<()> {
    let event = run(async {
        let event = Event::new();
        event.set();
        Ok(event)
    })?;
    event.set();
    event.clear();
    assert!(!event.is_set());
    assert_eq!(event.clone().is_set(), event.is_set());
    Ok(())
}
