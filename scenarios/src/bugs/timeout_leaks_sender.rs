//! A caller times out and leaves; the worker stands at the counter for ever with its answer.
//!
//! ```text
//! caller                    worker
//! waits at most 1 s         works for 1 s
//! times out, leaves
//!                           puts its answer on the counter,
//!                           waits until it is taken …          (for ever)
//! ```
//!
//! The hand-over is a rendezvous, as on a channel without a buffer: the sender goes on when its item was
//! taken. In the ordinary order the answer is there when the caller looks what the wait has brought. The
//! fixed caller says so when it leaves, with the answer or without. (Kubernetes issue 5316 and grpc-go issue
//! 1424 were of this kind.)

use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Event, Future, create_task, sleep, wait};
use std::time::Duration;

/// A sender whose receiver has left.
pub fn scenario() -> Scenario {
    Scenario::new(
        "timeout-leaks-sender",
        "a caller times out, and the worker waits for ever to hand over its answer",
    )
    .teaches("Who stops listening has to tell the one who speaks.")
    .program(buggy)
    .fixed(fixed)
}

/// Where an answer is handed over.
#[derive(Clone)]
struct Counter {
    answer: Future<u32>,
    taken: Event,
}

impl Counter {
    fn new() -> Counter {
        Counter { answer: Future::new(), taken: Event::new().named("taken") }
    }
}

async fn worker(counter: Counter) -> asyncio::Result<()> {
    sleep(Duration::from_secs(1)).await?; // works
    counter.answer.set_result(42)?;
    counter.taken.wait().await
}

/// Takes the answer if it comes within a second.
async fn caller(counter: Counter) -> asyncio::Result<Option<u32>> {
    let (answered, _) = wait([counter.answer.clone()]).timeout(Duration::from_secs(1)).await?;
    if answered.is_empty() {
        return Ok(None);
    }
    counter.taken.set();
    counter.answer.result().map(Some)
}

async fn polite_caller(counter: Counter) -> asyncio::Result<Option<u32>> {
    let answer = caller(counter.clone()).await?;
    counter.taken.set(); // or left lying there: nobody has to wait for us
    Ok(answer)
}

async fn buggy() -> asyncio::Result<()> {
    let counter = Counter::new();
    let worker = create_task(worker(counter.clone()));
    let caller = create_task(caller(counter));
    caller.await?;
    worker.await
}

async fn fixed() -> asyncio::Result<()> {
    let counter = Counter::new();
    let worker = create_task(worker(counter.clone()));
    let caller = create_task(polite_caller(counter));
    caller.await?;
    worker.await
}
