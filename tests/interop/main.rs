//! Crates of others, unchanged, in a simulation: one file for each.
//!
//! A server and a client are two functions of an address: on one loop over its loopback, and on two hosts whose links
//! lose packets, reset connections, and are cut for a while. Each program runs under asyncio's order and under random
//! ones, every run twice: the fingerprints must be equal.

mod axum;
mod hyper_http1;
mod hyper_http2;
mod rustls;

use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::{Link, Partition, Ratio, Simulation, World};
use counterpoint::{Result, TaskBuilder, sleep, timeout};
use std::time::Duration;

/// How many seeds of random orders are tried.
const SEEDS: u64 = 10;

/// Runs a program under several orders, each run twice.
#[track_caller]
fn holds<F, Fut>(program: F)
where
    F: Fn() -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    twice(&Simulation::new(program));
}

/// Runs a simulation under several orders, each run twice.
#[track_caller]
fn twice(simulation: &Simulation) {
    let fifo = simulation.clone().profile(Profile::Fifo).strategy(Strategy::Fifo);
    let random = |seed| simulation.clone().seed(seed);
    for simulation in std::iter::once(fifo).chain((0..SEEDS).map(random)) {
        let first = simulation.run();
        assert!(first.outcome.is_passed(), "{simulation:?}: {:?}", first.outcome);
        assert_eq!(first.fingerprint, simulation.run().fingerprint, "{simulation:?}: two runs differ");
    }
}

/// A server and a client on one machine. The server ends with the client.
async fn on_one_machine<S, C>(
    server: impl FnOnce(&'static str) -> S,
    client: impl FnOnce(&'static str) -> C,
) -> Result<()>
where
    S: Future<Output = Result<()>> + 'static,
    C: Future<Output = Result<()>>,
{
    let server = TaskBuilder::new().name("server").create_task(server("127.0.0.1:8080"));
    // It listens before the client connects, as a program is started after its server.
    sleep(Duration::from_millis(1)).await?;
    client("127.0.0.1:8080").await?;
    server.cancel();
    match server.await {
        Err(error) if error.is_cancelled() => Ok(()),
        ended => ended,
    }
}

/// A server and a client on two hosts, in trouble: packets are lost, connections reset, and the hosts cut off from each
/// other for three seconds. The client begins anew until it comes through.
#[track_caller]
fn comes_through<S, C>(
    server: impl Fn(&'static str) -> S + Clone + Send + Sync + 'static,
    client: impl Fn(&'static str) -> C + Clone + Send + Sync + 'static,
) where
    S: Future<Output = Result<()>> + 'static,
    C: Future<Output = Result<()>> + 'static,
{
    twice(&Simulation::with_world(move |world: World| {
        let (server, client) = (server.clone(), client.clone());
        async move {
            world.links(Link::new().loss(Ratio::percent(2)).reset(Ratio::new(1, 500)))?;
            let server = world.host("store").start(move || server("0.0.0.0:8080"))?;
            let client = world.host("client").start(move || persist(client.clone()))?;
            sleep(Duration::from_micros(1500)).await?;
            let cut = world.partition(&Partition::between([&client], [&server]))?;
            cut.heal_after(Duration::from_secs(3)).await?;
            client.join().await
        }
    }));
}

/// Tries again until it comes through, each time with ten seconds of patience.
async fn persist<C>(client: impl Fn(&'static str) -> C) -> Result<()>
where
    C: Future<Output = Result<()>> + 'static,
{
    loop {
        match timeout(Duration::from_secs(10)).run(client("store:8080")).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_cancelled() => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)).await?,
        }
    }
}
