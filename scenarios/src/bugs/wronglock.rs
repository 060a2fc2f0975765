//! One increment under lock A, the others under lock B: both are held, and neither protects.
//!
//! ```text
//! clerk (lock `front`)      back_office (lock `back`)     counter
//! reads 0                                                 0
//!                           reads 0, writes 1             1
//! writes 1                                                1      one increment is gone
//! ```
//!
//! A lock keeps away those who take the same lock. In the ordinary order the back office starts when the
//! clerk is through. In the fixed program there is one lock.
//!
//! Drawn from `CS/wronglock_3` of SCTBench. [`scenario`] takes the number of increments under the other lock.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task, gather};
use std::cell::Cell;
use std::rc::Rc;

/// One task with one lock, and `others` tasks with another.
pub fn scenario(others: u32) -> Scenario {
    Scenario::new(format!("wronglock-{others}"), "one counter is protected by two locks, which is none")
        .teaches("A lock protects data only if everyone who touches the data takes that very lock.")
        .program(move || buggy(others))
        .fixed(move || fixed(others))
}

async fn increment(counter: &Cell<u32>) -> asyncio::Result<()> {
    let seen = counter.get();
    give_way(1).await?; // a price is looked up
    counter.set(seen + 1);
    Ok(())
}

async fn clerk(counter: Rc<Cell<u32>>, lock: Lock) -> asyncio::Result<()> {
    let _held = lock.acquire().await?;
    increment(&counter).await
}

async fn back_office(counter: Rc<Cell<u32>>, lock: Lock) -> asyncio::Result<()> {
    give_way(2).await?; // opens a little later
    let _held = lock.acquire().await?;
    counter.set(counter.get() + 1);
    Ok(())
}

async fn count(others: u32, front: Lock, back: Lock) -> asyncio::Result<()> {
    let counter = Rc::new(Cell::new(0));
    let clerk = create_task(clerk(counter.clone(), front));
    let offices = (0..others).map(|_| back_office(counter.clone(), back.clone())).collect::<Vec<_>>();
    gather(offices).await?;
    clerk.await?;
    let expected = others + 1;
    assert!(
        counter.get() == expected,
        "{expected} increments were made, but the counter is {}",
        counter.get()
    );
    Ok(())
}

async fn buggy(others: u32) -> asyncio::Result<()> {
    count(others, Lock::new().named("front"), Lock::new().named("back")).await
}

async fn fixed(others: u32) -> asyncio::Result<()> {
    let lock = Lock::new().named("counter");
    count(others, lock.clone(), lock).await
}
