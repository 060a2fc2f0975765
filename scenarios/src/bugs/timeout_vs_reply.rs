//! A reply comes just after its call has timed out, and the client falls over it.
//!
//! ```text
//! client                           server
//! call 1, on the list  ──────────►
//!                      ◄─────────  reply 1    slow: more than 150 ms there and back
//! call 1 times out, off the list
//! reply 1: whose is it?
//! ```
//!
//! The calls of the client share a connection, and a task that reads it gives each reply to the call that waits. The
//! way takes 20 ms at least and sometimes much longer: mostly the reply is there in time. The fixed client takes a late
//! reply for what it is and drops it.

use crate::calls::{Connection, serve};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::sim::{Latency, Link, World};
use asyncio::{Future, create_task, sleep, wait_for};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// A reply that is later than the timeout of its call.
pub fn scenario() -> Scenario {
    Scenario::new("timeout-vs-reply", "a reply arrives for a call that has timed out and is off the list")
        .teaches("Whoever gives up must expect that the answer is on its way already.")
        .program_in_world(|world| client_and_server(world, deliver))
        .fixed_in_world(|world| client_and_server(world, deliver_or_drop))
}

const PATIENCE: Duration = Duration::from_millis(150);

/// The calls that wait for a reply, by their number.
type Calls = Rc<RefCell<BTreeMap<String, Future<()>>>>;

/// Gives a reply to the call that waits for it.
fn deliver(calls: &Calls, number: &str) -> asyncio::Result<()> {
    let call = calls.borrow_mut().remove(number);
    let call = call.unwrap_or_else(|| panic!("a reply came to a call that nobody waits for any more"));
    // It was timed out this very moment and is not off the list yet: nothing to do.
    if call.done() { Ok(()) } else { call.set_result(()) }
}

/// As `deliver`, for a world in which replies may be late.
fn deliver_or_drop(calls: &Calls, number: &str) -> asyncio::Result<()> {
    match calls.borrow_mut().remove(number) {
        Some(call) if !call.done() => call.set_result(()),
        _ => Ok(()),
    }
}

/// Calls the server three times, and does without the reply if it is slow.
async fn client(deliver: fn(&Calls, &str) -> asyncio::Result<()>) -> asyncio::Result<()> {
    let server = Rc::new(Connection::open("server", 80).await?);
    let calls = Calls::default();
    let (replies, waiting) = (server.clone(), calls.clone());
    create_task(async move {
        while let Some(number) = replies.receive().await? {
            deliver(&waiting, &number)?;
        }
        Ok(())
    });
    for number in ["1", "2", "3"] {
        let reply = Future::new();
        calls.borrow_mut().insert(number.to_owned(), reply.clone());
        server.send(number).await?;
        match wait_for(reply, PATIENCE).await {
            Err(error) if error.is_timeout() => drop(calls.borrow_mut().remove(number)),
            replied => replied?,
        }
    }
    sleep(Duration::from_secs(1)).await // there is other work to do
}

async fn client_and_server(
    world: World,
    deliver: fn(&Calls, &str) -> asyncio::Result<()>,
) -> asyncio::Result<()> {
    let (floor, mean) = (Duration::from_millis(20), Duration::from_millis(20));
    world.links(Link::new().latency(Latency::exponential(floor, mean)))?;
    world.host("server").start(|| serve(80, async |number| Ok(number)))?;
    world.host("client").start(move || client(deliver))?.join().await
}
