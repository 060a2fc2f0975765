//! Deviations against real loops: a run under its own is the same run.

use super::*;
use crate::world::World;
use counterpoint_net::{Latency, Link, Ratio};
use counterpoint_runtime::{self as asyncio, Lock, Queue, Strategy};
use std::rc::Rc;
use std::time::Duration;

async fn worker(ledger: Lock, queue: Queue<u32>, number: u32) -> asyncio::Result<()> {
    for _ in 0..3 {
        let held = ledger.acquire().await?;
        asyncio::sleep(Duration::ZERO).await?;
        drop(held);
        queue.put(number).await?;
    }
    asyncio::sleep(Duration::from_millis(u64::from(number))).await
}

async fn workers() -> asyncio::Result<()> {
    let (ledger, queue) = (Lock::new(), Queue::new(2));
    let tasks: Vec<_> =
        (0..5).map(|number| asyncio::create_task(worker(ledger.clone(), queue.clone(), number))).collect();
    asyncio::get_running_loop()?.call_soon(|| {});
    for _ in 0..15 {
        queue.get().await?;
    }
    tasks[1].cancel();
    for task in tasks {
        let _ = task.await;
    }
    panic!("the end")
}

async fn hosts(world: World) -> asyncio::Result<()> {
    let latency = Latency::exponential(Duration::from_millis(1), Duration::from_millis(5));
    world.links(Link::new().latency(latency).loss(Ratio::percent(10)))?;
    world.host("server").start(|| async {
        let echo = async |reader: counterpoint_net::StreamReader, writer: counterpoint_net::StreamWriter| {
            while let Some(line) = reader.next_line().await? {
                writer.write(line)?;
            }
            Ok(())
        };
        let echo = Rc::new(echo);
        let serve = move |reader, writer| {
            let echo = Rc::clone(&echo);
            async move { echo(reader, writer).await }
        };
        counterpoint_net::start_server(serve, None, 80).await?.serve_forever().await
    })?;
    let clients: Vec<_> = ["alice", "bob"]
        .into_iter()
        .map(|name| {
            world.host(name).start(|| async {
                let (reader, writer) = counterpoint_net::open_connection("server", 80).await?;
                let tasks: Vec<_> =
                    (0..3).map(|_| asyncio::create_task(asyncio::sleep(Duration::ZERO))).collect();
                for _ in 0..3 {
                    writer.write("hello\n")?;
                    reader.next_line().await?;
                }
                for task in tasks {
                    task.await?;
                }
                Ok(())
            })
        })
        .collect();
    for client in clients {
        client?.join().await?;
    }
    panic!("the end")
}

#[track_caller]
fn check_same(simulation: &Simulation, strategy: Strategy, runs: u64) {
    for number in 0..runs {
        let settings = simulation.clone().strategy(strategy).run_number(number).settings;
        let seen = simulation.run_as(&settings, &Watch { seen: true, ..Watch::default() });
        let deviations = Deviations::of(&seen.observed, settings.loop_seed(), settings.profile);
        assert!(deviations.len() > 0, "run {number} under {strategy} is the ordinary one");
        let watch = Watch { deviations: Some(Arc::new(deviations)), ..Watch::default() };
        let again = simulation.run_as(&settings, &watch);
        assert_eq!(again.fingerprint, seen.fingerprint, "run {number} under {strategy}");
        assert_eq!(again.steps, seen.steps);
    }
}

#[test]
fn under_its_own_deviations_a_run_is_the_same_again() {
    let simulation = Simulation::new(workers);
    for strategy in [Strategy::RandomWalk, Strategy::Pct { depth: 3 }, Strategy::Pos] {
        check_same(&simulation, strategy, 30);
        check_same(&simulation.clone().profile(Profile::EveryAwait), strategy, 30);
    }
    let costly = simulation.step_cost(Duration::ZERO, Duration::from_millis(1));
    check_same(&costly, Strategy::RandomWalk, 30);
}

#[test]
fn under_its_own_deviations_a_world_is_the_same_again() {
    check_same(&Simulation::with_world(hosts), Strategy::RandomWalk, 40);
}
