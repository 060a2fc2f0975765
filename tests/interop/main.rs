//! Crates of others, unchanged, in a simulation: one file for each.
//!
//! A server and a client are two functions of an address. They run on one machine over its loopback, under asyncio's order
//! and under random ones, and as two hosts of a world whose links lose a packet now and then. Every run is made twice: the
//! fingerprints must be equal.

mod axum;
mod hyper_http1;
mod hyper_http2;
mod rustls;

use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::{Ratio, Simulation, World};
use counterpoint::{Result, TaskBuilder};
use std::time::Duration;

/// How many seeds of random orders are tried.
const SEEDS: u64 = 10;

/// Runs a server and a client in every way, each run twice.
#[track_caller]
fn holds<S, C>(
    server: impl Fn(&'static str) -> S + Clone + Send + Sync + 'static,
    client: impl Fn(&'static str) -> C + Clone + Send + Sync + 'static,
) where
    S: Future<Output = Result<()>> + 'static,
    C: Future<Output = Result<()>> + 'static,
{
    let (one, other) = (server.clone(), client.clone());
    let on_one = Simulation::new(move || on_one_machine(one("127.0.0.1:8080"), other("127.0.0.1:8080")));
    let on_two = Simulation::with_world(move |world| {
        let (server, client) = (server.clone(), client.clone());
        on_two_hosts(world, move || server("0.0.0.0:8080"), move || client("store:8080"))
    });
    runs_twice(on_one.clone().profile(Profile::Fifo).strategy(Strategy::Fifo));
    for seed in 0..SEEDS {
        runs_twice(on_one.clone().seed(seed));
        runs_twice(on_two.clone().seed(seed));
    }
}

#[track_caller]
fn runs_twice(simulation: Simulation) {
    let first = simulation.run();
    assert!(first.outcome.is_passed(), "{simulation:?}: {:?}", first.outcome);
    assert_eq!(first.fingerprint, simulation.run().fingerprint, "{simulation:?}: two runs differ");
}

/// On one loop. The server ends with the client.
async fn on_one_machine(
    server: impl Future<Output = Result<()>> + 'static,
    client: impl Future<Output = Result<()>>,
) -> Result<()> {
    let server = TaskBuilder::new().name("server").create_task(server);
    // It listens before the client connects, as a program is started after its server.
    counterpoint::sleep(Duration::from_millis(1)).await?;
    client.await?;
    server.cancel();
    match server.await {
        Err(error) if error.is_cancelled() => Ok(()),
        ended => ended,
    }
}

/// On two hosts, each with a loop of its own.
async fn on_two_hosts<S, C>(
    world: World,
    server: impl Fn() -> S + 'static,
    client: impl Fn() -> C + 'static,
) -> Result<()>
where
    S: Future<Output = Result<()>> + 'static,
    C: Future<Output = Result<()>> + 'static,
{
    let store = world.host("store").start(server)?;
    let caller = world.host("caller").start(client)?;
    world.link(&store, &caller).loss(Ratio::percent(1))?;
    caller.join().await
}
