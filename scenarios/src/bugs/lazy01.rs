//! An inspector must see the shelf before both deliveries are on it, and nothing makes it so.
//!
//! ```text
//! delivery           second_delivery      inspector             shelf
//! adds 1                                                        1
//!                    adds 2                                     3
//!                                         finds 3, allows 2
//! ```
//!
//! Everyone holds the lock, so no access races with another; the order of the three is what matters, and a
//! lock says nothing about order. In the ordinary order the second delivery is the last to come. In the fixed
//! program it waits until the inspection is over.
//!
//! Drawn from `CS/lazy01` of SCTBench.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Event, Lock, gather};
use std::cell::Cell;
use std::rc::Rc;

/// Two additions and an observer between them.
pub fn scenario() -> Scenario {
    Scenario::new(
        "lazy01",
        "an inspector comes after both deliveries, though the rules want it before the second",
    )
    .teaches("A lock keeps steps apart; it does not put them in order. For that, wait for an event.")
    .program(buggy)
    .fixed(fixed)
}

#[derive(Clone)]
struct Shelf {
    items: Rc<Cell<u32>>,
    lock: Lock,
}

impl Shelf {
    fn new() -> Shelf {
        Shelf { items: Rc::new(Cell::new(0)), lock: Lock::new().named("shelf") }
    }

    async fn add(&self, count: u32) -> asyncio::Result<()> {
        let _held = self.lock.acquire().await?;
        self.items.set(self.items.get() + count);
        Ok(())
    }

    async fn inspect(&self) -> asyncio::Result<()> {
        let _held = self.lock.acquire().await?;
        let found = self.items.get();
        assert!(found <= 2, "the inspector allows 2 items on the shelf, and found {found}");
        Ok(())
    }
}

async fn delivery(shelf: Shelf) -> asyncio::Result<()> {
    shelf.add(1).await
}

async fn second_delivery(shelf: Shelf) -> asyncio::Result<()> {
    give_way(2).await?; // is on the road
    shelf.add(2).await
}

async fn inspector(shelf: Shelf) -> asyncio::Result<()> {
    give_way(1).await?; // signs in
    shelf.inspect().await
}

async fn buggy() -> asyncio::Result<()> {
    let shelf = Shelf::new();
    gather((delivery(shelf.clone()), second_delivery(shelf.clone()), inspector(shelf))).await?;
    Ok(())
}

async fn waiting_delivery(shelf: Shelf, inspected: Event) -> asyncio::Result<()> {
    give_way(2).await?;
    inspected.wait().await?;
    shelf.add(2).await
}

async fn announcing_inspector(shelf: Shelf, inspected: Event) -> asyncio::Result<()> {
    inspector(shelf).await?;
    inspected.set();
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let shelf = Shelf::new();
    let inspected = Event::new().named("inspected");
    gather((
        delivery(shelf.clone()),
        waiting_delivery(shelf.clone(), inspected.clone()),
        announcing_inspector(shelf, inspected),
    ))
    .await?;
    Ok(())
}
