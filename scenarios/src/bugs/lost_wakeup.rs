//! A consumer looks, finds nothing, and goes to sleep just after it was called.
//!
//! ```text
//! consumer                    producer
//! finds nothing ready
//!                             makes it ready, notifies: nobody waits
//! waits for a notification …  (for ever)
//! ```
//!
//! A [`Condition`] remembers no notification: it wakes those who wait now. Between looking and waiting the
//! consumer gives way. In the ordinary order it waits before the producer comes. The fixed consumer looks
//! while it holds the condition's lock, and waiting gives that lock up in the same step, so no notification
//! falls in between.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Condition, create_task};
use std::cell::Cell;
use std::rc::Rc;

/// A notification between the look and the wait.
pub fn scenario() -> Scenario {
    Scenario::new("lost-wakeup", "a consumer looks, finds nothing, and waits just after it was notified")
        .teaches("Look at the state and begin to wait in one step: `wait_for` with the lock held.")
        .program(buggy)
        .fixed(fixed)
}

async fn producer(ready: Rc<Cell<bool>>, changed: Condition) -> asyncio::Result<()> {
    give_way(3).await?; // produces
    let _held = changed.acquire().await?;
    ready.set(true);
    changed.notify_all()
}

async fn consumer(ready: Rc<Cell<bool>>, changed: Condition) -> asyncio::Result<()> {
    if !ready.get() {
        give_way(1).await?; // says on its display that it waits
        let _held = changed.acquire().await?;
        changed.wait().await?;
    }
    assert!(ready.get(), "it was notified, so it is ready");
    Ok(())
}

async fn attentive_consumer(ready: Rc<Cell<bool>>, changed: Condition) -> asyncio::Result<()> {
    if !ready.get() {
        give_way(1).await?;
        let _held = changed.acquire().await?;
        changed.wait_for(|| ready.get()).await?;
    }
    assert!(ready.get(), "it was waited for, so it is ready");
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    let (ready, changed) = (Rc::new(Cell::new(false)), Condition::new().named("changed"));
    let consumer = create_task(consumer(ready.clone(), changed.clone()));
    let producer = create_task(producer(ready, changed));
    producer.await?;
    consumer.await
}

async fn fixed() -> asyncio::Result<()> {
    let (ready, changed) = (Rc::new(Cell::new(false)), Condition::new().named("changed"));
    let consumer = create_task(attentive_consumer(ready.clone(), changed.clone()));
    let producer = create_task(producer(ready, changed));
    producer.await?;
    consumer.await
}
