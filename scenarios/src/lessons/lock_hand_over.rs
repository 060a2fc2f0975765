//! A lock goes to whoever has waited longest; nobody pushes in.
//!
//! Releasing frees the lock and wakes the first in line. Until that one runs the lock is free, but who asks
//! now stands behind those who wait. So the holder who releases and asks again at once comes last.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task, sleep};
use std::time::Duration;

/// A line in front of a lock.
pub fn scenario() -> Scenario {
    Scenario::new("lock-hand-over", "a lock is released and asked for again, and goes to those who waited")
        .teaches("Waiters are served in the order in which they asked; nobody pushes in.")
        .program(program)
        .passes()
}

async fn waiter(lines: Lines, lock: Lock, name: &'static str, comes_after: u64) -> asyncio::Result<()> {
    sleep(Duration::from_secs(comes_after)).await?;
    let _held = lock.acquire().await?;
    lines.say(format!("{name} has the lock"));
    Ok(())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let lock = Lock::new().named("bathroom");
    let held = lock.acquire().await?;
    let ann = create_task(waiter(lines.clone(), lock.clone(), "ann", 1));
    let bob = create_task(waiter(lines.clone(), lock.clone(), "bob", 2));
    sleep(Duration::from_secs(3)).await?;

    drop(held);
    lines.say("the lock is free, and asked for again at once");
    let held = lock.acquire().await?;
    lines.say("the first holder has it again");
    drop(held);

    ann.await?;
    bob.await?;
    lines.check(&[
        "the lock is free, and asked for again at once",
        "ann has the lock",
        "bob has the lock",
        "the first holder has it again",
    ]);
    Ok(())
}
