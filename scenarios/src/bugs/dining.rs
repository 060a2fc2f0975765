//! Philosophers at a round table: each has the fork at the left hand, and waits for the one at the right.
//!
//! ```text
//! philosopher        philosopher#2      philosopher#3
//! holds fork 0
//!                    holds fork 1
//!                                       holds fork 2
//! waits for fork 1 … waits for fork 2 … waits for fork 0 …   for ever
//! ```
//!
//! In the ordinary order they come one after the other, and each has eaten before the next one sits down. In
//! the fixed program each takes the fork of the lower number first: the last one reaches for fork 0 before
//! its own, and the circle is broken.
//!
//! [`scenario`] takes the number of philosophers: each more makes the deadlock rarer.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, gather};

/// So many philosophers.
pub fn scenario(count: usize) -> Scenario {
    Scenario::new(format!("dining-{count}"), format!("{count} philosophers hold one fork each, and wait"))
        .teaches("A circle of waiting needs a circle of locks: number them, and take the lower first.")
        .program(move || buggy(count))
        .fixed(move || fixed(count))
}

async fn philosopher(seat: u32, first: Lock, second: Lock) -> asyncio::Result<()> {
    give_way(2 * seat).await?; // comes to the table
    let _first = first.acquire().await?;
    give_way(1).await?; // thinks
    let _second = second.acquire().await?;
    Ok(()) // has eaten
}

fn forks(count: usize) -> Vec<Lock> {
    (0..count).map(|number| Lock::new().named(format!("fork {number}"))).collect()
}

async fn buggy(count: usize) -> asyncio::Result<()> {
    let forks = forks(count);
    let table = (0..count).map(|seat| {
        let (left, right) = (seat, (seat + 1) % count);
        philosopher(seat as u32, forks[left].clone(), forks[right].clone())
    });
    gather(table.collect::<Vec<_>>()).await?;
    Ok(())
}

async fn fixed(count: usize) -> asyncio::Result<()> {
    let forks = forks(count);
    let table = (0..count).map(|seat| {
        let (left, right) = (seat, (seat + 1) % count);
        philosopher(seat as u32, forks[left.min(right)].clone(), forks[left.max(right)].clone())
    });
    gather(table.collect::<Vec<_>>()).await?;
    Ok(())
}
