//! The price of the loop's operations, to see a change before the benchmark of peers does.
//!
//! `cargo bench -p counterpoint-runtime`. Each entry is a whole run of so many operations, the making and the dropping
//! of the loop included; divide by the count. Names say the operation and its size: `spawn/tasks=1000`.

use counterpoint_runtime::{EventLoop, EventLoopBuilder, Lock, Profile, Queue, Result, Strategy};
use counterpoint_runtime::{create_task, sleep};
use divan::Bencher;
use divan::counter::ItemsCount;
use std::future::Future;
use std::time::Duration;

fn main() {
    divan::main();
}

/// Orders to measure under.
const ORDERS: [&str; 2] = ["order=fifo", "order=random"];

fn builder(order: &str) -> EventLoopBuilder {
    match order {
        "order=random" => {
            EventLoop::builder().profile(Profile::AnyReady).strategy(Strategy::RandomWalk).seed(1)
        }
        _ => EventLoop::builder(),
    }
}

/// Measures whole runs of a program that does `operations` of what is measured.
fn measure<F>(bencher: Bencher<'_, '_>, order: &str, operations: usize, program: fn(usize) -> F)
where
    F: Future<Output = Result<()>> + 'static,
{
    let builder = builder(order);
    bencher.counter(ItemsCount::new(operations)).bench_local(|| {
        let event_loop = builder.clone().build();
        event_loop.run_until_complete(program(operations)).expect("the program ends");
    });
}

#[divan::bench(name = "yield/steps=10000", args = ORDERS)]
fn gives_way(bencher: Bencher<'_, '_>, order: &str) {
    measure(bencher, order, 10_000, |steps| async move {
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                create_task(async move {
                    for _ in 0..steps / 100 {
                        sleep(Duration::ZERO).await?;
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
}

#[divan::bench(name = "spawn_and_join/tasks=1000", args = ORDERS)]
fn spawn_and_join(bencher: Bencher<'_, '_>, order: &str) {
    measure(bencher, order, 1_000, |tasks| async move {
        let tasks: Vec<_> = (0..tasks).map(|number| create_task(async move { Ok(number) })).collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await?, number);
        }
        Ok(())
    });
}

#[divan::bench(name = "sleep/timers=1000", args = ORDERS)]
fn sleeps(bencher: Bencher<'_, '_>, order: &str) {
    measure(bencher, order, 1_000, |timers| async move {
        let tasks: Vec<_> = (0..timers)
            .map(|number| create_task(sleep(Duration::from_millis(number as u64 * 37 % 1_000))))
            .collect();
        for task in tasks {
            task.await?;
        }
        Ok(())
    });
}

#[divan::bench(name = "lock/cycles=1000", args = ORDERS)]
fn lock_cycles(bencher: Bencher<'_, '_>, order: &str) {
    measure(bencher, order, 1_000, |cycles| async move {
        let lock = Lock::new();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let lock = lock.clone();
                create_task(async move {
                    for _ in 0..cycles / 10 {
                        let guard = lock.acquire().await?;
                        sleep(Duration::ZERO).await?;
                        drop(guard);
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
}

#[divan::bench(name = "queue/round_trips=1000", args = ORDERS)]
fn queue_round_trips(bencher: Bencher<'_, '_>, order: &str) {
    measure(bencher, order, 1_000, |trips| async move {
        let (requests, answers) = (Queue::new(0), Queue::new(0));
        let (inbox, outbox) = (requests.clone(), answers.clone());
        let server = create_task(async move {
            while let Some(request) = inbox.get().await? {
                outbox.put_nowait(request)?;
            }
            Ok(())
        });
        for trip in 0..trips {
            requests.put_nowait(Some(trip))?;
            answers.get().await?;
        }
        requests.put_nowait(None)?;
        server.await
    });
}

#[divan::bench(name = "run/tasks=10", args = ORDERS)]
fn small_run(bencher: Bencher<'_, '_>, order: &str) {
    measure(bencher, order, 1, |_| async {
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                create_task(async {
                    for _ in 0..10 {
                        sleep(Duration::ZERO).await?;
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
}
