//! A client asks a node for its status just after the node was told to stop, and waits for ever.
//!
//! ```text
//! operator             node                     client
//! sends stop
//!                                               sees that the node runs, sends its question
//!                      reads stop, ends
//!                      (nobody reads on)        waits for an answer …
//! ```
//!
//! "Does it run?" was true when it was asked. In the ordinary order the client has its answer before the
//! operator comes. The fixed node shuts its queue down when it stops and answers what is in it. (etcd issue
//! 6857 was of this kind.)

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Future, Queue, create_task};
use std::cell::Cell;
use std::rc::Rc;

/// A question behind the order to stop.
pub fn scenario() -> Scenario {
    Scenario::new(
        "status-after-stop",
        "a question is sent to a node that was just told to stop, and nobody answers",
    )
    .teaches("Who stops reading a queue has to close it, and to answer what is in it already.")
    .program(buggy)
    .fixed(fixed)
}

enum Request {
    Status(Future<&'static str>),
    Stop,
}

#[derive(Clone)]
struct Inbox {
    requests: Queue<Request>,
    stopped: Rc<Cell<bool>>,
}

impl Inbox {
    fn new() -> Inbox {
        Inbox { requests: Queue::new(0).named("requests"), stopped: Rc::default() }
    }
}

async fn node(inbox: Inbox) -> asyncio::Result<()> {
    while let Request::Status(reply) = inbox.requests.get().await? {
        reply.set_result("healthy")?;
    }
    inbox.stopped.set(true);
    Ok(())
}

async fn node_that_cleans_up(inbox: Inbox) -> asyncio::Result<()> {
    node(inbox.clone()).await?;
    inbox.requests.shutdown(false);
    while let Ok(Request::Status(reply)) = inbox.requests.get_nowait() {
        reply.set_result("stopped")?;
    }
    Ok(())
}

async fn client(inbox: Inbox) -> asyncio::Result<&'static str> {
    give_way(1).await?;
    if inbox.stopped.get() {
        return Ok("stopped");
    }
    let reply = Future::new();
    inbox.requests.put_nowait(Request::Status(reply.clone()))?;
    reply.await
}

async fn operator(inbox: Inbox) -> asyncio::Result<()> {
    give_way(4).await?;
    inbox.requests.put_nowait(Request::Stop)?;
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    let inbox = Inbox::new();
    let node = create_task(node(inbox.clone()));
    let client = create_task(client(inbox.clone()));
    operator(inbox).await?;
    node.await?;
    client.await?;
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let inbox = Inbox::new();
    let node = create_task(node_that_cleans_up(inbox.clone()));
    let client = create_task(client(inbox.clone()));
    operator(inbox).await?;
    node.await?;
    client.await?;
    Ok(())
}
