//! What `gather` does with results, errors and cancellations.

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{Result, Task, create_task, gather, get_running_loop, sleep};

use crate::words::{check, end, fail, forever, secs, settle, word, yield_now};

async fn after(seconds: u64, value: u32) -> Result<u32> {
    sleep(secs(seconds)).await?;
    Ok(value)
}

#[test]
fn results_stand_in_the_order_given() {
    check(
        async |log| {
            log.say(format!("{:?}", gather(vec![after(3, 1), after(1, 2), after(2, 3)]).await?));
            let (one, two) = gather((after(2, 1), async { Ok("two") })).await?;
            log.say(format!("{one} {two}"));
            let [one, two] = gather([after(2, 1), after(1, 2)]).await?;
            log.say(format!("{one} {two}"));
            Ok(())
        },
        &["[1, 2, 3]", "1 two", "1 2"],
    );
}

#[test]
fn results_need_not_be_cloned() {
    struct Once(u32);
    check(
        async |log| {
            let (one, all) = gather((async { Ok(Once(1)) }, gather(vec![async { Ok(Once(2)) }]))).await?;
            log.say(one.0 + all[0].0);
            Ok(())
        },
        &["3"],
    );
}

#[test]
fn children_start_in_the_order_given_before_anything_is_awaited() {
    check(
        async |log| {
            let child = |name: &'static str| {
                let log = log.clone();
                async move {
                    log.say(name);
                    Ok(())
                }
            };
            let gathered = gather((child("one"), child("two")));
            yield_now().await?;
            log.say("main");
            gathered.await?;
            Ok(())
        },
        &["one", "two", "main"],
    );
}

#[test]
fn a_task_given_twice_is_one_child() {
    check(
        async |log| {
            let task = create_task(after(1, 7));
            log.say(format!("{:?}", gather([&task, &task]).await?));
            Ok(())
        },
        &["[7, 7]"],
    );
}

#[test]
fn the_first_error_wins_and_the_others_run_on() {
    check(
        async |log| {
            let theirs = log.clone();
            let other = async move {
                sleep(secs(2)).await?;
                theirs.say("other ran on");
                fail("late").await
            };
            let failing = async {
                sleep(secs(1)).await?;
                fail("first").await
            };
            log.say(end(&gather((failing, other)).await));
            sleep(secs(5)).await
        },
        &["first", "other ran on"],
    );
}

#[test]
fn exceptions_are_results_if_asked_for() {
    check(
        async |log| {
            let cancelled = create_task(forever());
            cancelled.cancel_with("dropped by asyncio");
            let (one, two, three) = gather((after(1, 1), fail("no"), &cancelled)).return_exceptions().await?;
            log.say(format!("{} {} {}", word(&one), end(&two), end(&three)));
            Ok(())
        },
        &["1 no cancelled()"],
    );
}

#[test]
fn a_cancelled_future_keeps_its_message_among_the_exceptions() {
    check(
        async |log| {
            let future = get_running_loop()?.create_future::<()>();
            future.cancel_with("why");
            let all = gather(vec![&future]).return_exceptions().await?;
            log.say(end(&all[0]));
            log.say(end(&future.await));
            Ok(())
        },
        &["cancelled(why)", "cancelled(why)"],
    );
}

#[test]
fn a_failure_before_the_call_can_still_be_a_result() {
    check(
        async |log| {
            let failed = create_task(fail("no"));
            settle().await?;
            let all = gather([&failed]).return_exceptions().await?;
            log.say(end(&all[0]));
            Ok(())
        },
        &["no"],
    );
}

#[test]
fn a_cancelled_child_fails_the_gather_but_not_its_siblings() {
    check(
        async |log| {
            let child = create_task(forever());
            let sibling = create_task(after(1, 1));
            let outer = gather((&child, &sibling)).future();
            child.cancel_with("by hand");
            log.say(end(&(&outer).await));
            log.say(format!("outer cancelled: {}", outer.cancelled()));
            log.say(word(&sibling.await));
            Ok(())
        },
        &["cancelled(by hand)", "outer cancelled: false", "1"],
    );
}

#[test]
fn cancelling_the_outer_cancels_every_child_in_order() {
    check(
        async |log| {
            let child = |name: &'static str| {
                let log = log.clone();
                async move {
                    let outcome = forever().await;
                    log.say(name);
                    outcome
                }
            };
            let outer = gather((child("one"), child("two"))).future();
            yield_now().await?;
            log.say(outer.cancel());
            log.say(outer.done());
            log.say(end(&(&outer).await));
            log.say(outer.cancel());
            Ok(())
        },
        &["true", "false", "one", "two", "cancelled", "false"],
    );
}

#[test]
fn a_cancelled_gather_fails_even_if_its_children_resist() {
    check(
        async |log| {
            let stubborn = async {
                let _ = forever().await;
                Ok(5)
            };
            let gatherer = create_task(async move { gather((stubborn,)).return_exceptions().await });
            yield_now().await?;
            yield_now().await?;
            gatherer.cancel();
            log.say(end(&gatherer.await));
            Ok(())
        },
        &["cancelled"],
    );
}

#[test]
fn a_gather_dropped_halfway_lets_its_children_run() {
    check(
        async |log| {
            let theirs = log.clone();
            let child: Task<()> = create_task(async move {
                sleep(secs(1)).await?;
                theirs.say("ran on");
                Ok(())
            });
            let gatherer = create_task({
                let child = child.clone();
                async move { gather((child,)).await }
            });
            yield_now().await?;
            gatherer.abort();
            child.await
        },
        &["ran on"],
    );
}

#[test]
fn a_gather_outside_a_loop_says_so() {
    let outcome = std::panic::catch_unwind(|| drop(gather(Vec::<asyncio::Future<()>>::new()).future()));
    let message = outcome.expect_err("there is no loop");
    let message = message.downcast_ref::<String>().expect("a panic with a text");
    assert!(message.contains("event loop"), "{message}");
}

#[test]
fn an_eager_child_comes_behind_the_gather_in_the_line_of_the_one_before_it() {
    check(
        async |log| {
            get_running_loop()?.set_task_factory(asyncio::TaskFactory::Eager);
            let future = get_running_loop()?.create_future::<()>();
            let (awaited, cancelled) = (future.clone(), future.clone());
            let child = async move {
                // The gather has its callback on the future already: it hears of the end in the next tick.
                cancelled.cancel_with("by the child");
                Ok(())
            };
            let outer = gather((awaited, child)).future();
            log.say(outer.done());
            yield_now().await?;
            log.say(outer.done());
            log.say(end(&outer.await));
            Ok(())
        },
        &["false", "true", "cancelled(by the child)"],
    );
}

#[test]
fn a_deadlock_through_a_gather_names_the_children() {
    let outcome = asyncio::run(async {
        let future = get_running_loop()?.create_future::<()>();
        let child = asyncio::TaskBuilder::new().name("child").create_task(async move { future.await });
        gather((child,)).await
    });
    let report = outcome.expect_err("nobody sets the future").to_string();
    assert!(report.contains("waits for gather of Task `") && report.contains("child"), "{report}");
}

#[test]
fn tasks_that_gather_each_other_are_a_cycle() {
    let outcome = asyncio::run(async {
        let first = get_running_loop()?.create_future::<Task<()>>();
        let awaited = first.clone();
        let one = create_task(async move { gather((awaited.await?,)).await.map(|_| ()) });
        let two = create_task({
            let one = one.clone();
            async move { gather(vec![one]).await.map(|_| ()) }
        });
        first.set_result(two.clone())?;
        two.await
    });
    let error = outcome.expect_err("they wait for each other");
    let report = error.downcast_ref::<asyncio::Deadlock>().expect("a deadlock");
    assert_eq!(report.tasks.iter().filter(|task| task.in_cycle).count(), 2, "{report}");
}

#[test]
fn a_second_request_does_not_hide_the_message_of_the_first() {
    check(
        async |log| {
            let gatherer = create_task(async { gather((forever(),)).return_exceptions().await });
            yield_now().await?;
            yield_now().await?;
            gatherer.cancel_with("first");
            yield_now().await?; // the child has ended, the gather has not heard of it
            gatherer.cancel();
            log.say(end(&gatherer.await));
            Ok(())
        },
        &["cancelled(first)"],
    );
}

#[test]
fn a_message_that_was_never_raised_stays_with_the_task() {
    check(
        async |log| {
            let task = create_task(async {
                let me = asyncio::current_task().expect("a task");
                me.cancel_with("why");
                Ok(()) // the value is lost
            });
            let [item] = gather([&task]).return_exceptions().await?;
            log.say(end(&item));
            log.say(end(&(&task).await));
            log.say(end(&(&task).await));
            Ok(())
        },
        &["cancelled(why)", "cancelled(why)", "cancelled(why)"],
    );
}

#[test]
fn a_child_whose_result_was_taken_has_not_failed() {
    check(
        async |log| {
            let child = std::rc::Rc::new(std::cell::RefCell::new(None));
            let theirs = std::rc::Rc::clone(&child);
            gather((async move {
                *theirs.borrow_mut() = asyncio::current_task();
                Ok(7)
            },))
            .await?;
            let child = child.take().expect("it ran");
            log.say(format!("{:?} {:?}", child.state(), child.exception()?));
            Ok(())
        },
        &["Finished None"],
    );
}

#[test]
fn a_deadlock_beside_a_finished_gather_is_told() {
    let outcome = asyncio::run(async {
        let finished = gather((async { Ok(()) },)).future();
        (&finished).await?;
        // The slots of its children are free, and the next futures take them.
        let future = get_running_loop()?.create_future::<()>();
        gather(vec![gather((&finished, &future)).future()]).await.map(|_| ())
    });
    assert_eq!(outcome.expect_err("nobody sets it").kind(), asyncio::ErrorKind::Deadlock);
}
