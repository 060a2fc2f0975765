//! A reply comes just after its call has timed out, and the client falls over it.
//!
//! ```text
//! caller                            server
//! registers call 7
//! times out after 1 s
//! takes call 7 off the list
//!                                   answers call 7 after 1 s: whose is it?
//! ```
//!
//! Reply and timeout are due at the same moment. The ordinary order serves the reply first, because it set
//! out first. Where the reply comes second it finds nobody. The fixed client takes a late reply for what it
//! is and drops it.

use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Future, create_task, sleep, wait_for};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// A reply and a timeout at the same moment.
pub fn scenario() -> Scenario {
    Scenario::new("timeout-vs-reply", "a reply arrives for a call that has timed out and is off the list")
        .teaches("Whoever gives up must expect that the answer is on its way already.")
        .program(buggy)
        .fixed(fixed)
}

/// The calls that wait for a reply, by their number.
type Calls = Rc<RefCell<BTreeMap<u32, Future<&'static str>>>>;

/// Gives a reply to the call that waits for it.
fn deliver(calls: &Calls, call: u32, reply: &'static str) -> asyncio::Result<()> {
    let waiting = calls.borrow_mut().remove(&call);
    let waiting = waiting.unwrap_or_else(|| panic!("a reply came for call {call}, and nobody waits for it"));
    // It was timed out this very moment and is not off the list yet: nothing to do.
    if waiting.done() { Ok(()) } else { waiting.set_result(reply) }
}

/// As `deliver`, for a world in which replies may be late.
fn deliver_or_drop(calls: &Calls, call: u32, reply: &'static str) -> asyncio::Result<()> {
    match calls.borrow_mut().remove(&call) {
        Some(waiting) if !waiting.done() => waiting.set_result(reply),
        _ => Ok(()),
    }
}

async fn server(calls: Calls) -> asyncio::Result<()> {
    sleep(Duration::from_secs(1)).await?;
    deliver(&calls, 7, "forty-two")
}

async fn server_of_a_careful_client(calls: Calls) -> asyncio::Result<()> {
    sleep(Duration::from_secs(1)).await?;
    deliver_or_drop(&calls, 7, "forty-two")
}

/// Waits a second for the reply to call 7; none if it does not come.
async fn caller(calls: Calls) -> asyncio::Result<Option<&'static str>> {
    let reply = Future::new();
    calls.borrow_mut().insert(7, reply.clone());
    match wait_for(reply, Duration::from_secs(1)).await {
        Err(error) if error.is_timeout() => {
            calls.borrow_mut().remove(&7);
            Ok(None)
        }
        reply => reply.map(Some),
    }
}

async fn buggy() -> asyncio::Result<()> {
    let calls = Calls::default();
    let server = create_task(server(calls.clone()));
    let caller = create_task(caller(calls));
    caller.await?;
    server.await
}

async fn fixed() -> asyncio::Result<()> {
    let calls = Calls::default();
    let server = create_task(server_of_a_careful_client(calls.clone()));
    let caller = create_task(caller(calls));
    caller.await?;
    server.await
}
