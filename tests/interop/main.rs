//! Crates of others, unchanged, in a simulation: one file for each.
//!
//! A server and a client are two functions of an address, started here on one loop over its loopback. Each program runs
//! under asyncio's order and under random ones, every run twice: the fingerprints must be equal.

mod axum;
mod hyper_http1;
mod hyper_http2;
mod rustls;

use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::Simulation;
use counterpoint::{Result, TaskBuilder};

/// How many seeds of random orders are tried.
const SEEDS: u64 = 10;

/// Runs a program under several orders, each run twice.
#[track_caller]
fn holds<F, Fut>(program: F)
where
    F: Fn() -> Fut + Send + Sync + Clone + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    let fifo = Simulation::new(program.clone()).profile(Profile::Fifo).strategy(Strategy::Fifo);
    let random = |seed| Simulation::new(program.clone()).seed(seed);
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
    counterpoint::sleep(std::time::Duration::from_millis(1)).await?;
    client("127.0.0.1:8080").await?;
    server.cancel();
    match server.await {
        Err(error) if error.is_cancelled() => Ok(()),
        ended => ended,
    }
}
