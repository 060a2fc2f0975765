//! Two clients read a counter over RPC, add one, and write it back.
//!
//! ```text
//! client             server             client#2
//! read  ──────────►  0
//!                    0  ◄──────────────  read
//! write 1 ────────►  1
//!                    1  ◄──────────────  write 1   one increment is gone
//! ```
//!
//! `lost-update` with a server in between: each client does the right thing for itself, and four messages
//! interleave. In the ordinary order the second client starts when the first is through. The fixed clients do
//! not read and write: they send the server what is to be done, and the server does it in one step.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Future, Queue, create_task, gather};

/// Two remote increments.
pub fn scenario() -> Scenario {
    Scenario::new("lost-update-rpc", "two clients read a counter over RPC and write it back plus one")
        .teaches("Send the operation to the data, not the data to the operation.")
        .program(buggy)
        .fixed(fixed)
}

/// What a client asks, with the future that its answer goes to.
enum Request {
    Read(Future<u32>),
    Write(u32, Future<()>),
    Add(u32, Future<()>),
}

/// Keeps the counter; gives its last value when the queue is shut down.
async fn server(requests: Queue<Request>) -> asyncio::Result<u32> {
    let mut counter = 0;
    while let Ok(request) = requests.get().await {
        match request {
            Request::Read(reply) => reply.set_result(counter)?,
            Request::Write(value, reply) => {
                counter = value;
                reply.set_result(())?;
            }
            Request::Add(value, reply) => {
                counter += value;
                reply.set_result(())?;
            }
        }
    }
    Ok(counter)
}

async fn client(requests: Queue<Request>, starts_after: u32) -> asyncio::Result<()> {
    give_way(starts_after).await?;
    let value = Future::new();
    requests.put(Request::Read(value.clone())).await?;
    let value = value.await?;
    let written = Future::new();
    requests.put(Request::Write(value + 1, written.clone())).await?;
    written.await
}

async fn adding_client(requests: Queue<Request>, starts_after: u32) -> asyncio::Result<()> {
    give_way(starts_after).await?;
    let added = Future::new();
    requests.put(Request::Add(1, added.clone())).await?;
    added.await
}

async fn buggy() -> asyncio::Result<()> {
    let requests = Queue::new(0).named("requests");
    let server = create_task(server(requests.clone()));
    gather((client(requests.clone(), 0), client(requests.clone(), 4))).await?;
    requests.shutdown(false);
    let counter = server.await?;
    assert!(counter == 2, "two clients added 1 each, but the counter is {counter}");
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let requests = Queue::new(0).named("requests");
    let server = create_task(server(requests.clone()));
    gather((adding_client(requests.clone(), 0), adding_client(requests.clone(), 4))).await?;
    requests.shutdown(false);
    let counter = server.await?;
    assert!(counter == 2, "two clients added 1 each, but the counter is {counter}");
    Ok(())
}
