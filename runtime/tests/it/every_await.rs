//! The profile `every-await`: what could go on at once gives way first, once; and nothing is lost on the way.

use crate::support::{Log, give_way, poll_once, settle};
use counterpoint_runtime as asyncio;

use asyncio::{
    Barrier, BoundedSemaphore, Condition, Error, ErrorKind, Event, EventLoop, Future, LifoQueue, Lock,
    PriorityQueue, Profile, Queue, Result, Semaphore, Strategy, TaskGroup, create_task,
};
use std::pin::Pin;

type Boxed<T> = Pin<Box<dyn std::future::Future<Output = Result<T>>>>;

/// A program that says how often it suspends in one await, and its name.
type Named = (&'static str, fn() -> Boxed<u64>);

/// How often the task suspends in an await.
async fn suspensions<T>(awaited: impl std::future::Future<Output = Result<T>>) -> Result<u64> {
    let number = || asyncio::running_step().expect("a step runs").number;
    let before = number();
    awaited.await?;
    Ok(number() - before)
}

fn run_under<T: 'static>(
    profile: Profile,
    program: impl std::future::Future<Output = Result<T>> + 'static,
) -> T {
    let event_loop = EventLoop::builder().profile(profile).strategy(Strategy::Fifo).build();
    let result = event_loop.run_until_complete(program);
    result.expect("the program itself ends well")
}

/// A task that has ended.
async fn done() -> Result<asyncio::Task<u32>> {
    let task = create_task(async { Ok(7) });
    settle().await?;
    assert!(task.done());
    Ok(task)
}

/// Awaits of locks that need not wait.
fn locks() -> [Named; 9] {
    [
        ("a free lock", || Box::pin(async { suspensions(Lock::new().acquire()).await })),
        ("a semaphore", || Box::pin(async { suspensions(Semaphore::new(1).acquire()).await })),
        ("a bounded semaphore", || Box::pin(async { suspensions(BoundedSemaphore::new(3).acquire()).await })),
        ("an event", || {
            Box::pin(async {
                let event = Event::new();
                event.set();
                suspensions(event.wait()).await
            })
        }),
        ("the lock of a condition", || Box::pin(async { suspensions(Condition::new().acquire()).await })),
        ("a condition that holds", || {
            Box::pin(async {
                let condition = Condition::new();
                let _guard = condition.acquire().await?;
                suspensions(condition.wait_for(|| true)).await
            })
        }),
        ("the last party", || Box::pin(async { suspensions(Barrier::new(1).wait()).await })),
        ("reset", || Box::pin(async { suspensions(Barrier::new(1).reset()).await })),
        ("abort", || Box::pin(async { suspensions(Barrier::new(1).abort()).await })),
    ]
}

/// Awaits of queues that need not wait.
fn queues() -> [Named; 6] {
    [
        ("put", || Box::pin(async { suspensions(Queue::new(1).put(1)).await })),
        ("get", || {
            Box::pin(async {
                let queue = Queue::new(1);
                queue.put_nowait(1)?;
                suspensions(queue.get()).await
            })
        }),
        ("get of a stack", || {
            Box::pin(async {
                let queue = LifoQueue::new(0);
                queue.put_nowait(1)?;
                suspensions(queue.get()).await
            })
        }),
        ("put of priorities", || Box::pin(async { suspensions(PriorityQueue::new(0).put(1)).await })),
        ("get of priorities", || {
            Box::pin(async {
                let queue = PriorityQueue::new(0);
                queue.put_nowait(1)?;
                suspensions(queue.get()).await
            })
        }),
        ("join", || Box::pin(async { suspensions(Queue::<u32>::new(1).join()).await })),
    ]
}

/// Awaits of what is done.
fn futures() -> [Named; 6] {
    [
        ("a done task", || {
            Box::pin(async {
                let task = done().await?;
                suspensions(async { task.await }).await
            })
        }),
        ("a done future", || {
            Box::pin(async {
                let future = Future::new();
                future.set_result(1)?;
                suspensions(async { future.await }).await
            })
        }),
        ("a gather of done tasks", || {
            Box::pin(async {
                let tasks = [done().await?, done().await?];
                suspensions(async { asyncio::gather(tasks).await }).await
            })
        }),
        ("shield", || {
            Box::pin(async {
                let task = done().await?;
                suspensions(async { asyncio::shield(task).await }).await
            })
        }),
        ("a group without children", || {
            Box::pin(async {
                let group = TaskGroup::new();
                suspensions(group.run(async { Ok(()) })).await
            })
        }),
        ("the next that is completed", || {
            Box::pin(async {
                let mut completed = asyncio::as_completed([done().await?]);
                settle().await?;
                suspensions(completed.next_done()).await
            })
        }),
    ]
}

#[test]
fn what_need_not_wait_gives_way_once_under_every_await_and_never_elsewhere() {
    for (name, program) in locks().into_iter().chain(queues()).chain(futures()) {
        for profile in Profile::ALL {
            let expected = u64::from(profile == Profile::EveryAwait);
            assert_eq!(run_under(profile, program()), expected, "{name} under {profile}");
        }
    }
}

#[test]
fn what_has_to_wait_suspends_as_often_as_ever() {
    let waits: [Named; 5] = [
        ("sleep(0)", || Box::pin(suspensions(give_way()))),
        ("sleep", || Box::pin(suspensions(asyncio::sleep(std::time::Duration::from_secs(1))))),
        ("a held lock", || {
            Box::pin(async {
                let lock = Lock::new();
                let guard = lock.acquire().await?;
                let waiting = create_task({
                    let lock = lock.clone();
                    async move { lock.acquire().await.map(drop) }
                });
                settle().await?;
                drop(guard);
                let before = asyncio::get_running_loop()?.steps();
                waiting.await?; // the waiter's step, and this one
                Ok(asyncio::get_running_loop()?.steps() - before - 1)
            })
        }),
        ("an empty queue", || {
            Box::pin(async {
                let queue = Queue::new(0);
                let own = queue.clone();
                asyncio::get_running_loop()?.call_soon(move || own.put_nowait(1).expect("there is room"));
                let before = asyncio::running_step().expect("a step runs").number;
                queue.get().await?; // the callback is a step as well
                Ok(asyncio::running_step().expect("a step runs").number - before - 1)
            })
        }),
        ("a condition that is notified", || {
            Box::pin(async {
                let condition = Condition::new();
                let own = condition.clone();
                let waiter = create_task(async move {
                    let _guard = own.acquire().await?;
                    suspensions(own.wait()).await
                });
                settle().await?;
                let guard = condition.acquire().await?;
                condition.notify_all()?;
                drop(guard);
                // Its own, that of this task in between, and none for the free lock.
                waiter.await
            })
        }),
    ];
    for (name, program) in waits {
        // Under fifo a timer is a step of its own.
        let [_, any, every] = Profile::ALL.map(|profile| run_under(profile, program()));
        assert_eq!(any, every, "{name}");
    }
}

#[test]
fn who_gives_way_first_may_find_that_it_has_to_wait() {
    let log = Log::default();
    let say = log.clone();
    run_under(Profile::EveryAwait, async move {
        let lock = Lock::new();
        let tasks = ["first", "second"].map(|name| {
            let (lock, log) = (lock.clone(), say.clone());
            create_task(async move {
                let _guard = lock.acquire().await?;
                log.say(format!("{name} has it"));
                give_way().await?;
                log.say(format!("{name} gives it back"));
                Ok(())
            })
        });
        for task in tasks {
            task.await?;
        }
        Ok(())
    });
    let expected = ["first has it", "first gives it back", "second has it", "second gives it back"];
    assert_eq!(log.words(), expected);
}

/// What is left of a primitive after an await that gave way was dropped, or its task cancelled.
fn left_over(cancels: bool, program: fn(Log, bool) -> Boxed<()>) -> Vec<String> {
    let log = Log::default();
    run_under(Profile::EveryAwait, program(log.clone(), cancels));
    log.words()
}

/// Begins an await that gives way, and drops it or cancels the task in which it is.
async fn interrupt<F, T>(awaited: F, cancels: bool) -> Result<()>
where
    F: std::future::Future<Output = Result<T>> + 'static,
    T: 'static,
{
    if cancels {
        let task = create_task(async move { awaited.await.map(drop) });
        give_way().await?; // it has begun
        assert!(!task.done());
        assert!(task.cancel());
        assert_eq!(task.await.map_err(|error| error.kind()), Err(ErrorKind::Cancelled));
    } else {
        let mut awaited = Box::pin(awaited);
        assert!(poll_once(awaited.as_mut()).await.is_none(), "it gives way");
        drop(awaited);
        settle().await?;
    }
    Ok(())
}

#[test]
fn nothing_is_lost_if_an_await_ends_while_it_gives_way() {
    for cancels in [false, true] {
        let words = left_over(cancels, |log, cancels| {
            Box::pin(async move {
                let lock = Lock::new();
                let own = lock.clone();
                interrupt(async move { own.acquire().await }, cancels).await?;
                log.say(format!("locked {}", lock.locked()));
                let semaphore = Semaphore::new(1);
                let own = semaphore.clone();
                interrupt(async move { own.acquire().await }, cancels).await?;
                log.say(format!("{} permit", semaphore.value()));
                let queue = Queue::new(2);
                queue.put_nowait("first")?;
                let own = queue.clone();
                interrupt(async move { own.get().await }, cancels).await?;
                let own = queue.clone();
                interrupt(async move { own.put("second").await }, cancels).await?;
                log.say(format!("{} item, {} unfinished", queue.qsize(), queue.unfinished_tasks()));
                let barrier = Barrier::new(1);
                let own = barrier.clone();
                interrupt(async move { own.wait().await }, cancels).await?;
                log.say(format!("passed by {}", barrier.wait().await?));
                let condition = Condition::new();
                let guard = condition.acquire().await?;
                let own = condition.clone();
                interrupt(async move { own.wait_for(|| true).await }, cancels).await?;
                log.say(format!("held {}", condition.locked()));
                drop(guard);
                log.say(format!("held {}", condition.locked()));
                let task = done().await?;
                let own = task.clone();
                interrupt(async move { own.await }, cancels).await?;
                log.say(format!("it returned {}", task.await?));
                Ok(())
            })
        });
        let expected = [
            "locked false",
            "1 permit",
            "1 item, 1 unfinished",
            "passed by 0",
            "held true",
            "held false",
            "it returned 7",
        ];
        assert_eq!(words, expected, "cancelled: {cancels}");
    }
}

#[test]
fn who_gives_way_does_not_stand_in_the_way_of_who_waits() {
    run_under(Profile::EveryAwait, async {
        // It saw an item and gives way; another takes the item meanwhile, and the next put must wake it.
        let queue = Queue::new(0);
        queue.put_nowait(1)?;
        let own = queue.clone();
        let getter = create_task(async move { own.get().await });
        give_way().await?;
        assert_eq!(queue.get_nowait()?, 1);
        settle().await?;
        assert!(!getter.done());
        queue.put_nowait(2)?;
        assert_eq!(getter.await?, 2);
        Ok(())
    });
}

#[test]
fn programs_that_are_right_are_right_under_every_await_whatever_the_order() {
    for seed in 0..50 {
        let event_loop = EventLoop::builder()
            .profile(Profile::EveryAwait)
            .strategy(Strategy::RandomWalk)
            .seed(seed)
            .build();
        let total = event_loop.run_until_complete(async {
            let (queue, turns) = (Queue::new(2), Semaphore::new(2));
            let consumers: Vec<_> = (0..3)
                .map(|_| {
                    let (queue, turns) = (queue.clone(), turns.clone());
                    create_task(async move {
                        let mut sum = 0;
                        loop {
                            let _turn = turns.acquire().await?;
                            match queue.get().await? {
                                0 => return Ok(sum),
                                number => sum += number,
                            }
                        }
                    })
                })
                .collect();
            for number in (1..=10).chain([0, 0, 0]) {
                queue.put(number).await?;
            }
            let mut total = 0;
            for consumer in consumers {
                total += consumer.await?;
            }
            assert_eq!((turns.value(), queue.qsize()), (2, 0));
            Ok::<u32, Error>(total)
        });
        assert_eq!(total.expect("it ends"), 55);
    }
}
