//! Tasks, futures, sleeps and cancellation: the core of the loop.

use asyncio::{Error, EventLoop, Lock, Profile, Result, Strategy, create_task, sleep};
use counterpoint_runtime as asyncio;
use futures::future::FutureExt;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn say(&self, text: impl Into<String>) {
        self.0.borrow_mut().push(text.into());
    }
    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn equal_sleeps_end_in_the_order_of_cpythons_heap() {
    let log = Log::default();
    let event_loop = EventLoop::new();
    let sleepers: Vec<_> = (0..5)
        .map(|number| {
            let log = log.clone();
            event_loop.create_task(async move {
                sleep(SECOND).await?;
                log.say(number.to_string());
                Ok(())
            })
        })
        .collect();
    for sleeper in sleepers {
        event_loop.run_until_complete(sleeper).expect("it ends");
    }
    assert_eq!(log.take(), ["0", "2", "4", "1", "3"]);
}

#[test]
fn a_task_cancelled_before_its_first_step_never_runs() {
    let event_loop = EventLoop::new();
    let log = Log::default();
    let inner = log.clone();
    let out = event_loop.run_until_complete(async move {
        let task = create_task(async move {
            inner.say("ran");
            Ok(())
        });
        assert!(task.cancel_with("no"));
        let error = task.await.expect_err("it was cancelled");
        assert_eq!(error.message(), Some("no"));
        Ok(())
    });
    assert!(out.is_ok(), "{out:?}");
    assert_eq!(log.take(), Vec::<String>::new());
}

#[test]
fn a_deadlock_names_who_waits_for_whom() {
    let event_loop = EventLoop::new();
    let error = event_loop
        .run_until_complete(async {
            let (a, b) = (Lock::new().named("a"), Lock::new().named("b"));
            let (a2, b2) = (a.clone(), b.clone());
            let one = create_task(async move {
                let _a = a.acquire().await?;
                sleep(SECOND).await?;
                let _b = b.acquire().await?;
                Ok(())
            });
            let two = create_task(async move {
                let _b = b2.acquire().await?;
                sleep(SECOND).await?;
                let _a = a2.acquire().await?;
                Ok(())
            });
            one.await?;
            two.await
        })
        .expect_err("a deadlock");
    assert_eq!(error.kind(), asyncio::ErrorKind::Deadlock);
    let report = error.downcast_ref::<asyncio::Deadlock>().expect("the report");
    assert_eq!(report.tasks.iter().filter(|task| task.in_cycle).count(), 2, "{report}");
    assert!(report.to_string().contains("waits for Lock `a`, held by"), "{report}");
}

#[test]
fn a_lock_whose_holder_has_ended_is_not_held_by_who_came_after() {
    let event_loop = EventLoop::new();
    let error = event_loop
        .run_until_complete(async {
            let lock = Lock::new().named("ledger");
            let held = lock.clone();
            let holder = create_task(async move {
                held.acquire().await?.leak();
                Ok(())
            });
            holder.await?;
            // It takes the slot of the task that has ended.
            let never = asyncio::Event::new();
            let _bystander = create_task(async move { never.wait().await });
            drop(lock.acquire().await?);
            Ok(())
        })
        .expect_err("a deadlock");
    let report = error.downcast_ref::<asyncio::Deadlock>().expect("the report");
    assert_eq!(report.tasks[0].holder, None, "{report}");
    assert!(report.to_string().contains("waits for Lock `ledger`, held since "), "{report}");
    assert!(report.to_string().contains("by a task that has ended"), "{report}");
}

#[test]
fn two_waits_in_one_task_and_the_loser_is_dropped() {
    let event_loop = EventLoop::new();
    let ticks = event_loop.run_until_complete(async {
        let lock = Lock::new();
        let guard = lock.acquire().await?;
        futures::select_biased! {
            _ = lock.acquire().fuse() => return Err(Error::msg("the lock was held")),
            slept = sleep(SECOND).fuse() => slept?,
        }
        drop(guard);
        let (one, two) = futures::join!(sleep(SECOND), sleep(SECOND * 2));
        one?;
        two?;
        drop(lock.acquire().await?);
        Ok(asyncio::get_running_loop()?.time())
    });
    assert_eq!(ticks.expect("it ends"), asyncio::Instant::ZERO + SECOND * 3);
}

#[test]
fn a_random_walk_is_the_same_for_the_same_seed_and_differs_between_seeds() {
    let order = |seed| {
        let log = Log::default();
        let event_loop =
            EventLoop::builder().seed(seed).profile(Profile::AnyReady).strategy(Strategy::RandomWalk).build();
        let inner = log.clone();
        let ran: Result<()> = event_loop.run_until_complete(async move {
            let tasks: Vec<_> = (0..8)
                .map(|number| {
                    let log = inner.clone();
                    create_task(async move {
                        sleep(Duration::ZERO).await?;
                        log.say(number.to_string());
                        Ok(())
                    })
                })
                .collect();
            for task in tasks {
                task.await?;
            }
            Ok(())
        });
        ran.expect("it ends");
        (log.take(), event_loop.fingerprint())
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn aborting_drops_the_coroutine_at_once() {
    struct Bell(Log);
    impl Drop for Bell {
        fn drop(&mut self) {
            self.0.say("dropped");
        }
    }
    let (log, event_loop) = (Log::default(), EventLoop::new());
    let (bell, inner) = (Bell(log.clone()), log.clone());
    let ran: Result<()> = event_loop.run_until_complete(async move {
        let task = create_task(async move {
            let _bell = bell;
            sleep(SECOND).await
        });
        sleep(Duration::ZERO).await?;
        assert!(task.abort());
        inner.say("aborted");
        assert!(task.await.expect_err("it was aborted").is_cancelled());
        Ok(())
    });
    ran.expect("it ends");
    assert_eq!(log.take(), ["dropped", "aborted"]);
}

/// Two tasks that a random walk orders; what they logged, and the loop.
fn racing(builder: asyncio::EventLoopBuilder) -> (Vec<String>, EventLoop, Result<()>) {
    let (log, event_loop) = (Log::default(), builder.profile(Profile::AnyReady).build());
    let inner = log.clone();
    let ran = event_loop.run_until_complete(async move {
        let tasks: Vec<_> = (0..4)
            .map(|number| {
                let log = inner.clone();
                create_task(async move {
                    for _ in 0..3 {
                        sleep(Duration::ZERO).await?;
                        log.say(number.to_string());
                    }
                    Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await?;
        }
        Ok(())
    });
    (log.take(), event_loop, ran)
}

#[test]
fn a_recording_replays_the_run_without_its_seed() {
    use asyncio::choices::recording::Replay;
    let random = EventLoop::builder().seed(5).strategy(Strategy::RandomWalk);
    let (plain, unwatched, _) = racing(random.clone());
    let (watched, recorder, _) = racing(random.record(true).trace(true));
    assert_eq!((&plain, unwatched.fingerprint()), (&watched, recorder.fingerprint()));
    let steps = recorder.take_recording().expect("it was asked for");
    assert!(steps.iter().any(|step| step.rank > 0), "a random walk deviates from the ordinary order");

    let (replayed, follower, ran) = racing(EventLoop::builder().seed(999).replay(Replay::new(steps.clone())));
    ran.expect("it follows");
    assert_eq!((&plain, unwatched.fingerprint()), (&replayed, follower.fingerprint()));

    let mut other = steps;
    other[3].check ^= 1;
    let (_, _, ran) = racing(EventLoop::builder().replay(Replay::new(other)));
    let error = ran.expect_err("it diverges");
    assert!(error.to_string().starts_with("replay diverged at step 4"), "{error}");
}

#[test]
fn a_trace_tells_lanes_keys_footprints_and_choices() {
    let (_, event_loop, _) = racing(EventLoop::builder().seed(5).strategy(Strategy::RandomWalk).trace(true));
    let trace = event_loop.take_trace().expect("it was asked for");
    let steps: Vec<_> = trace
        .iter()
        .filter_map(|event| match event {
            asyncio::trace::Event::Step(step) => Some(step),
            _ => None,
        })
        .collect();
    assert_eq!(steps.len() as u64, event_loop.steps());
    assert!(steps.iter().any(|step| step.choice > 0 && !step.others.is_empty()));
    let mut keys: Vec<u64> = steps
        .iter()
        .filter(|step| step.ran == asyncio::trace::Ran::Task)
        .map(|step| step.name.key())
        .collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count, "a key names one step");
    assert!(steps.iter().any(|step| step.lane.ends_with("racing#2")), "{:?}", steps[2]);
}

#[test]
fn a_loop_is_not_closed_while_a_result_of_it_is_looked_at() {
    let event_loop = EventLoop::new();
    let word = event_loop.create_future::<String>();
    word.set_result("counterpoint".to_owned()).expect("it is pending");
    let mut handle = Some(event_loop);
    let seen = word.peek(|word| {
        let event_loop = handle.take().expect("it is the first look");
        assert_eq!(event_loop.close().map_err(|error| error.kind()), Err(asyncio::ErrorKind::Runtime));
        drop(event_loop); // the last handle: the loop is closed when the look is over
        word.clone()
    });
    assert_eq!(seen.as_deref(), Some("counterpoint"));
    assert!(!word.done(), "a handle that outlives its loop is inert");
}

#[test]
fn a_callback_that_is_cancelled_under_itself_runs_to_its_end() {
    let (log, event_loop) = (Log::default(), EventLoop::new());
    let handle = Rc::new(RefCell::new(None::<asyncio::Handle>));
    let (own, inner, inside) = (Rc::clone(&handle), log.clone(), event_loop.clone());
    let made = event_loop.call_soon(move || {
        // The eager task's first step runs inside this callback, and cancels it.
        let _task = asyncio::TaskBuilder::new().eager_start(true).create_task(async move {
            own.borrow().as_ref().expect("it was set").cancel();
            Ok(())
        });
        inner.say("ran on");
        inside.stop();
        Err(Error::msg("and failed"))
    });
    *handle.borrow_mut() = Some(made);
    event_loop.run_forever().expect("it is stopped");
    assert_eq!(log.take(), ["ran on"]);
    assert!(!handle.borrow().as_ref().expect("it was set").cancelled());
}

#[test]
fn the_last_cancel_message_wins_over_a_bare_yield() {
    let event_loop = EventLoop::new();
    let out = event_loop.run_until_complete(async {
        let task = asyncio::current_task().expect("a task runs");
        task.cancel_with("first");
        asyncio::get_running_loop()?.call_soon(move || {
            task.cancel();
        });
        let error = sleep(Duration::ZERO).await.expect_err("it was cancelled");
        assert_eq!(error.message(), None);
        Ok(())
    });
    assert!(out.is_ok(), "{out:?}");
}

#[test]
fn a_cancel_message_goes_with_its_future() {
    let event_loop = EventLoop::new();
    let cancelled = |message: Option<&str>| {
        let future: asyncio::Future<()> = event_loop.create_future();
        message.map_or_else(|| future.cancel(), |message| future.cancel_with(message));
        future.result().expect_err("it was cancelled").message().map(str::to_owned)
    };
    assert_eq!(cancelled(Some("old")), Some("old".to_owned()));
    assert_eq!(cancelled(None), None, "the next future, perhaps in the same place, has none");
}

/// The keys of the steps of two tellers that share a lock; `edited` adds a task and a lock that have nothing to do with
/// them, before all else.
fn keys_of_tellers(edited: bool) -> Vec<(String, u64)> {
    async fn teller(lock: Lock) -> Result<()> {
        let _held = lock.acquire().await?;
        sleep(SECOND).await
    }
    let event_loop = EventLoop::builder().trace(true).build();
    let ran: Result<()> = event_loop.run_until_complete(async move {
        let _other = edited.then(|| {
            let own = Lock::new();
            create_task(async move { own.acquire().await.map(drop) })
        });
        let ledger = Lock::new().named("ledger");
        let tellers = [create_task(teller(ledger.clone())), create_task(teller(ledger))];
        for teller in tellers {
            teller.await?;
        }
        Ok(())
    });
    ran.expect("it ends");
    let trace = event_loop.take_trace().expect("it was asked for");
    let steps = trace.into_iter().filter_map(|event| match event {
        asyncio::trace::Event::Step(step) if step.lane.contains("::teller") => {
            Some((step.lane, step.name.key()))
        }
        _ => None,
    });
    steps.filter(|(lane, _)| !lane.starts_with("timer")).collect()
}

#[test]
fn step_keys_survive_an_edit_elsewhere() {
    let keys = keys_of_tellers(false);
    assert_eq!(keys.len(), 5, "two starts, one wait for the lock, two sleeps: {keys:?}");
    assert_eq!(keys, keys_of_tellers(true));
}

/// Polls a future once, in the task that runs, and gives it back.
async fn poll_once<F: Future + Unpin>(mut future: F) -> F {
    std::future::poll_fn(|cx| {
        assert!(future.poll_unpin(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    future
}

#[test]
fn a_wait_that_began_in_one_task_ends_in_the_one_that_awaits_it() {
    let event_loop = EventLoop::new();
    let ended = event_loop.run_until_complete(async {
        let begun = poll_once(sleep(SECOND)).await;
        let sleeper = create_task(begun);
        // The first task is free for waits of its own meanwhile.
        sleep(SECOND * 2).await?;
        assert!(sleeper.done(), "the sleep that moved has ended on its own time");

        let event = asyncio::Event::new();
        let (one, two) = (event.clone(), event.clone());
        let first = create_task(async move {
            let begun = poll_once(one.wait()).await;
            sleep(Duration::ZERO).await?;
            begun.await
        });
        let second = create_task(async move { two.wait().await });
        sleep(SECOND).await?;
        event.set();
        first.await?;
        second.await?;

        let answer = asyncio::Future::<u32>::new();
        let begun = poll_once(answer.clone().into_future()).await;
        let reader = create_task(begun);
        sleep(Duration::ZERO).await?;
        answer.set_result(42)?;
        reader.await
    });
    assert_eq!(ended.expect("nobody waits for ever"), 42);
}
