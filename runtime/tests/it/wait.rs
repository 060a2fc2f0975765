//! What `wait` and `as_completed` return, and when.

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{ReturnWhen, Task, as_completed, create_task, get_running_loop, sleep, wait};

use crate::words::{Log, check, end, fail, forever, secs, word, yield_now};

async fn after(seconds: u64, value: u32) -> asyncio::Result<u32> {
    sleep(secs(seconds)).await?;
    Ok(value)
}

fn named<T: 'static>(tasks: &[(&str, &Task<T>)], list: &[Task<T>]) -> String {
    let name = |task: &Task<T>| tasks.iter().find(|(_, known)| *known == task).map_or("?", |(name, _)| name);
    list.iter().map(name).collect::<Vec<_>>().join(" ")
}

fn say_both<T: 'static>(log: &Log, tasks: &[(&str, &Task<T>)], lists: &(Vec<Task<T>>, Vec<Task<T>>)) {
    log.say(format!("done [{}] pending [{}]", named(tasks, &lists.0), named(tasks, &lists.1)));
}

#[test]
fn all_are_waited_for_and_listed_once_in_the_order_given() {
    check(
        async |log| {
            let (one, two) = (create_task(after(2, 1)), create_task(after(1, 2)));
            let lists = wait([one.clone(), two.clone(), one.clone()]).await?;
            say_both(&log, &[("one", &one), ("two", &two)], &lists);
            Ok(())
        },
        &["done [one two] pending []"],
    );
}

#[test]
fn the_first_to_complete_may_be_followed_by_others_before_the_waiter_runs() {
    check(
        async |log| {
            let [one, two, three] = [1, 1, 2].map(|seconds| create_task(after(seconds, 0)));
            let items = [one.clone(), two.clone(), three.clone()];
            let lists = wait(items).return_when(ReturnWhen::FirstCompleted).await?;
            say_both(&log, &[("one", &one), ("two", &two), ("three", &three)], &lists);
            Ok(())
        },
        &["done [one two] pending [three]"],
    );
}

#[test]
fn a_cancelled_task_is_no_first_exception() {
    check(
        async |log| {
            let cancelled = create_task(forever());
            let failing = create_task(async {
                sleep(secs(1)).await?;
                fail("no").await
            });
            let slow = create_task(forever());
            cancelled.cancel();
            let items = [cancelled.clone(), failing.clone(), slow.clone()];
            let lists = wait(items).return_when(ReturnWhen::FirstException).await?;
            say_both(&log, &[("cancelled", &cancelled), ("failing", &failing), ("slow", &slow)], &lists);
            Ok(())
        },
        &["done [cancelled failing] pending [slow]"],
    );
}

#[test]
fn running_out_of_time_is_no_error() {
    check(
        async |log| {
            let slow = create_task(forever());
            let lists = wait([slow.clone()]).timeout(secs(1)).await?;
            say_both(&log, &[("slow", &slow)], &lists);
            log.say(slow.done());
            Ok(())
        },
        &["done [] pending [slow]", "false"],
    );
}

#[test]
fn waiting_for_nothing_is_refused() {
    check(
        async |log| {
            let outcome = wait(Vec::<Task<()>>::new()).await;
            log.say(format!("{:?}", outcome.expect_err("nothing").kind()));
            Ok(())
        },
        &["Value"],
    );
}

#[test]
fn a_cancelled_or_dropped_wait_leaves_items_alone_and_no_timer_behind() {
    check(
        async |log| {
            let future = get_running_loop()?.create_future::<u32>();
            let waiting = || {
                let future = future.clone();
                create_task(async move { wait([future]).timeout(secs(60)).await })
            };
            let (cancelled, dropped) = (waiting(), waiting());
            yield_now().await?;
            cancelled.cancel();
            dropped.abort();
            log.say(end(&cancelled.await));
            log.say(future.done());
            future.set_result(1)?;
            yield_now().await?;
            sleep(secs(1)).await?;
            log.say(get_running_loop()?.time());
            Ok(())
        },
        &["cancelled", "false", "00:00:01.000"],
    );
}

#[test]
fn completed_items_come_in_the_order_of_completion() {
    check(
        async |log| {
            for next in as_completed([after(3, 3), after(1, 1), after(2, 2)]) {
                log.say(word(&next.await));
            }
            Ok(())
        },
        &["1", "2", "3"],
    );
}

#[test]
fn next_done_gives_the_futures_that_were_given() {
    check(
        async |log| {
            let (slow, quick) = (create_task(after(2, 2)), create_task(after(1, 1)));
            let mut completed = as_completed([&slow, &quick]);
            while let Some(done) = completed.next_done().await? {
                log.say(if done == quick.as_future() { "quick" } else { "slow" });
            }
            Ok(())
        },
        &["quick", "slow"],
    );
}

#[test]
fn a_task_given_twice_completes_once() {
    check(
        async |log| {
            let task = create_task(after(1, 1));
            log.say(as_completed([&task, &task]).count());
            task.await.map(|_| ())
        },
        &["1"],
    );
}

#[test]
fn out_of_time_every_item_left_is_a_timeout_in_a_plain_loop() {
    check(
        async |log| {
            for next in as_completed([after(1, 1), after(60, 2), after(60, 3)]).timeout(secs(2)) {
                log.say(word(&next.await));
            }
            log.say(get_running_loop()?.time());
            Ok(())
        },
        &["1", "timeout", "timeout", "00:00:02.000"],
    );
}

#[test]
fn out_of_time_next_done_fails_and_the_items_run_on() {
    check(
        async |log| {
            let task = create_task(after(5, 5));
            let mut completed = as_completed([&task]).timeout(secs(2));
            log.say(end(&completed.next_done().await));
            log.say(end(&completed.next_done().await.map(|none| assert!(none.is_none()))));
            log.say(word(&task.await));
            Ok(())
        },
        &["timeout", "ok", "5"],
    );
}

#[test]
fn the_next_ones_can_be_awaited_by_several_tasks() {
    check(
        async |log| {
            let waiting: Vec<_> = as_completed([after(2, 2), after(1, 1)]).map(create_task).collect();
            log.say(format!("{:?}", asyncio::gather(waiting).await?));
            Ok(())
        },
        &["[1, 2]"],
    );
}

#[test]
fn a_cancelled_consumer_loses_no_item() {
    check(
        async |log| {
            let mut completed = as_completed([after(1, 1), after(2, 2)]);
            let (first, second) = (completed.next().expect("two"), completed.next().expect("two"));
            let cancelled = create_task(first);
            yield_now().await?;
            cancelled.cancel();
            log.say(word(&second.await));
            Ok(())
        },
        &["1"],
    );
}
