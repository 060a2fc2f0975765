//! What a `TaskGroup` does with failures, cancellations and late children.

use counterpoint_runtime::{
    Context, ContextVar, Error, ErrorKind, Result, TaskBuilder, TaskGroup, create_task, current_task,
    get_running_loop, sleep,
};

use crate::words::{Log, check, end, fail, forever, secs, settle, word, yield_now};

fn cancelling() -> u32 {
    current_task().expect("a task").cancelling()
}

async fn noisy(log: Log, name: &'static str) -> Result<()> {
    let outcome = forever().await;
    log.say(format!("{name} {}", end(&outcome)));
    outcome
}

async fn fail_after(seconds: u64, word: &'static str) -> Result<()> {
    sleep(secs(seconds)).await?;
    fail(word).await
}

#[test]
fn the_body_gives_the_value_when_all_children_have_ended() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                let task = group.create_task(async {
                    sleep(secs(3)).await?;
                    Ok(7)
                })?;
                Ok(task)
            };
            let task = group.run(body).await?;
            log.say(word(&task.result()));
            log.say(get_running_loop()?.time());
            Ok(())
        },
        &["7", "00:00:03.000"],
    );
}

#[test]
fn siblings_are_cancelled_in_the_order_in_which_they_were_made() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                group.create_task(noisy(log.clone(), "one"))?;
                group.create_task(fail_after(1, "no"))?;
                group.create_task(noisy(log.clone(), "two"))?;
                noisy(log.clone(), "body").await
            };
            log.say(end(&group.run(body).await));
            log.say(cancelling());
            Ok(())
        },
        &["one cancelled", "two cancelled", "body cancelled", "[no]", "0"],
    );
}

#[test]
fn errors_come_in_the_order_of_failing_and_the_bodys_last() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                group.create_task(async {
                    let _ = forever().await;
                    fail("second").await
                })?;
                group.create_task(fail_after(1, "first"))?;
                let _ = forever().await;
                fail("body").await
            };
            let error = group.run(body).await.expect_err("three errors");
            log.say(format!("{:?} {}", error.kind(), error.message().expect("a message")));
            log.say(end(&Err::<(), _>(error)));
            Ok(())
        },
        &["Group unhandled errors in a TaskGroup", "[first second body]"],
    );
}

#[test]
fn a_cancelled_child_is_no_error() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                let child = group.create_task(forever())?;
                yield_now().await?;
                child.cancel();
                sleep(secs(1)).await
            };
            log.say(end(&group.run(body).await));
            Ok(())
        },
        &["ok"],
    );
}

#[test]
fn an_owner_cancelled_from_outside_waits_for_its_children() {
    check(
        async |log| {
            let theirs = log.clone();
            let owner = create_task(async move {
                let group = TaskGroup::new();
                let body = async {
                    let mine = theirs.clone();
                    group.create_task(async move {
                        let outcome = forever().await;
                        sleep(secs(2)).await?;
                        mine.say("child has cleaned up");
                        outcome
                    })?;
                    forever().await
                };
                let outcome = group.run(body).await;
                theirs.say(format!("{} {}", end(&outcome), cancelling()));
                outcome
            });
            yield_now().await?;
            yield_now().await?;
            owner.cancel_with("stop");
            let _ = owner.await;
            Ok(())
        },
        &["child has cleaned up", "cancelled(stop) 1"],
    );
}

#[test]
fn errors_beat_a_cancellation_which_is_delivered_again() {
    check(
        async |log| {
            let theirs = log.clone();
            let owner = create_task(async move {
                let group = TaskGroup::new();
                let body = async {
                    group.create_task(async {
                        let _ = forever().await;
                        fail("no").await
                    })?;
                    forever().await
                };
                let outcome = group.run(body).await;
                theirs.say(format!("{} {}", end(&outcome), cancelling()));
                theirs.say(end(&forever().await));
                Ok(())
            });
            yield_now().await?;
            yield_now().await?;
            owner.cancel();
            let _ = owner.await;
            Ok(())
        },
        &["[no] 1", "cancelled"],
    );
}

#[test]
fn nested_groups_that_both_fail_leave_no_request_behind() {
    check(
        async |log| {
            let (outer, inner) = (TaskGroup::new(), TaskGroup::new());
            let body = async {
                outer.create_task(fail_after(1, "outer"))?;
                let body = async {
                    inner.create_task(fail_after(1, "inner"))?;
                    forever().await
                };
                inner.run(body).await
            };
            log.say(end(&outer.run(body).await));
            log.say(cancelling());
            Ok(())
        },
        &["[outer [inner]]", "0"],
    );
}

#[test]
fn children_may_add_children_while_the_group_waits() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let (inside, theirs) = (group.clone(), log.clone());
            let body = async {
                group.create_task(async move {
                    sleep(secs(1)).await?;
                    inside.create_task(async move {
                        sleep(secs(1)).await?;
                        theirs.say("grandchild");
                        Ok(())
                    })?;
                    Ok(())
                })?;
                Ok(())
            };
            group.run(body).await?;
            log.say("left");
            Ok(())
        },
        &["grandchild", "left"],
    );
}

#[test]
fn a_group_takes_tasks_only_while_it_is_open() {
    check(
        async |log| {
            let refusal = |group: &TaskGroup| {
                let error = group.create_task(async { Ok(()) }).expect_err("closed");
                assert_eq!(error.kind(), ErrorKind::Runtime);
                error.message().expect("a message").to_owned()
            };
            let group = TaskGroup::new();
            log.say(refusal(&group));
            let body = async {
                group.create_task(fail("no"))?;
                let _ = forever().await;
                log.say(refusal(&group));
                Ok(())
            };
            let _ = group.run(body).await;
            log.say(refusal(&group));
            log.say(end(&group.run(async { Ok(()) }).await));
            Ok(())
        },
        &[
            "this task group has not been entered",
            "this task group is shutting down",
            "this task group is finished",
            "this task group has already been entered",
        ],
    );
}

#[test]
fn an_eager_child_that_fails_cancels_the_running_owner() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                TaskBuilder::new().eager_start(true).create_task_in(&group, fail("no"))?;
                log.say(format!("goes on {}", cancelling()));
                log.say(end(&yield_now().await));
                Ok(())
            };
            log.say(end(&group.run(body).await));
            Ok(())
        },
        &["goes on 1", "cancelled", "[no]"],
    );
}

#[test]
fn a_group_dropped_halfway_cancels_its_children() {
    check(
        async |log| {
            let theirs = log.clone();
            let owner = create_task(async move {
                let group = TaskGroup::new();
                let body = async {
                    group.create_task(noisy(theirs.clone(), "child"))?;
                    forever().await
                };
                group.run(body).await
            });
            settle().await?;
            owner.abort();
            settle().await?;
            log.say("owner gone");
            Ok(())
        },
        &["child cancelled", "owner gone"],
    );
}

#[test]
fn a_failure_after_the_group_was_dropped_reaches_the_exception_handler() {
    check(
        async |log| {
            let theirs = log.clone();
            get_running_loop()?.set_exception_handler(move |_, context| {
                theirs.say(context.exception.as_ref().and_then(Error::message).unwrap_or("?"));
                Ok(())
            });
            let owner = create_task(async move {
                let group = TaskGroup::new();
                let body = async {
                    group.create_task(async {
                        let _ = forever().await;
                        fail("late").await
                    })?;
                    forever().await
                };
                group.run(body).await
            });
            settle().await?;
            owner.abort();
            settle().await
        },
        &["late"],
    );
}

#[test]
fn a_child_has_the_name_and_the_context_that_it_is_given() {
    static PLACE: ContextVar<&str> = ContextVar::new("place");
    check(
        async |log| {
            let context = Context::new();
            context.run(|| drop(PLACE.set("there")))?;
            let group = TaskGroup::new();
            let body = async {
                let child = async { Ok(format!("{:?}", PLACE.get())) };
                TaskBuilder::new().name("teller").context(&context).create_task_in(&group, child)
            };
            let task = group.run(body).await?;
            log.say(format!("{} {}", task.name(), task.result()?));
            Ok(())
        },
        &["teller Some(\"there\")"],
    );
}

#[test]
fn a_deadlock_in_a_group_names_it() {
    let outcome = counterpoint_runtime::run(async {
        let group = TaskGroup::new();
        let body = async {
            group.create_task(async { get_running_loop()?.create_future::<()>().await })?;
            Ok(())
        };
        group.run(body).await
    });
    let report = outcome.expect_err("the child never ends").to_string();
    assert!(report.contains("waits for TaskGroup"), "{report}");
}

#[test]
fn a_group_leaves_the_message_of_a_cancelled_child_to_who_awaits_it() {
    check(
        async |log| {
            let group = TaskGroup::new();
            let body = async {
                let child = group.create_task(forever())?;
                yield_now().await?;
                child.cancel_with("why");
                settle().await?;
                log.say(end(&child.await));
                Ok(())
            };
            group.run(body).await
        },
        &["cancelled(why)"],
    );
}
