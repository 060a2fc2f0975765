//! Two clients read a counter over RPC, add one, and write it back.
//!
//! ```text
//! alice              server              bob
//! get     ─────────►  0
//!                     0  ◄─────────────  get
//! set 1   ─────────►  1
//!                     1  ◄─────────────  set 1   one increment is gone
//! ```
//!
//! `lost-update` with a network in between: each client does the right thing for itself, and four messages
//! interleave. Bob comes 700 µs later, when Alice is mostly through: each of her packets takes 100 to 300 µs. The
//! fixed clients do not get and set: they send the server what is to be done, and the server does it in one step.

use crate::calls::{Connection, serve};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::sim::World;
use asyncio::sleep;
use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// Two remote increments.
pub fn scenario() -> Scenario {
    Scenario::new("lost-update-rpc", "two clients read a counter over RPC and write it back plus one")
        .teaches("Send the operation to the data, not the data to the operation.")
        .program_in_world(|world| two_clients(world, get_and_set))
        .fixed_in_world(|world| two_clients(world, add))
}

/// Does what a line says with the counter, and gives its value.
fn answer(counter: &Cell<u32>, line: &str) -> asyncio::Result<String> {
    match line.split_once(' ') {
        Some(("set", value)) => counter.set(value.parse()?),
        Some(("add", value)) => counter.set(counter.get() + value.parse::<u32>()?),
        _ => {} // get
    }
    Ok(counter.get().to_string())
}

async fn get_and_set(server: Connection) -> asyncio::Result<()> {
    let seen: u32 = server.call("get").await?.parse()?;
    server.call(&format!("set {}", seen + 1)).await?;
    Ok(())
}

async fn add(server: Connection) -> asyncio::Result<()> {
    server.call("add 1").await?;
    Ok(())
}

async fn two_clients<F, Fut>(world: World, increment: F) -> asyncio::Result<()>
where
    F: Fn(Connection) -> Fut + Copy + 'static,
    Fut: Future<Output = asyncio::Result<()>> + 'static,
{
    let counter = Rc::new(Cell::new(0));
    let memory = counter.clone();
    world.host("server").start(move || {
        let counter = memory.clone();
        serve(80, move |line| {
            let answer = answer(&counter, &line);
            async { answer }
        })
    })?;
    let client = move || async move { increment(Connection::open("server", 80).await?).await };
    let alice = world.host("alice").start(client)?;
    sleep(Duration::from_micros(700)).await?;
    let bob = world.host("bob").start(client)?;
    alice.join().await?;
    bob.join().await?;
    let counter = counter.get();
    assert!(counter == 2, "two clients added 1 each, but the counter is {counter}");
    Ok(())
}
