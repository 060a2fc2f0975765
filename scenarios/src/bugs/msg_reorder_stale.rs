//! Four prices are sent one after the other, and the display ends with an old one.
//!
//! ```text
//! deliver (1)   deliver (2)   deliver (3)   deliver (4)     display
//!                                           arrives         4
//!               arrives                                     2
//! …
//! ```
//!
//! The network promises no order, and the display takes what comes. In the ordinary order messages arrive as
//! they were sent. The fixed display looks at the version and drops what is older than what it shows.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::gather;
use std::cell::Cell;
use std::rc::Rc;

/// Updates over a network without an order.
pub fn scenario() -> Scenario {
    Scenario::new("msg-reorder-stale", "updates arrive in another order, and an old one stays")
        .teaches("Last to arrive is not last to be sent: carry a version, and drop what is older.")
        .program(buggy)
        .fixed(fixed)
}

const UPDATES: u32 = 4;

async fn deliver(display: Rc<Cell<u32>>, version: u32) -> asyncio::Result<()> {
    give_way(1).await?; // over the network
    display.set(version);
    Ok(())
}

async fn deliver_if_newer(display: Rc<Cell<u32>>, version: u32) -> asyncio::Result<()> {
    give_way(1).await?;
    if version > display.get() {
        display.set(version);
    }
    Ok(())
}

fn check(display: &Cell<u32>) {
    let shown = display.get();
    assert!(shown == UPDATES, "update {UPDATES} was the last, but the display shows update {shown}");
}

async fn buggy() -> asyncio::Result<()> {
    let display = Rc::new(Cell::new(0));
    gather((1..=UPDATES).map(|version| deliver(display.clone(), version)).collect::<Vec<_>>()).await?;
    check(&display);
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let display = Rc::new(Cell::new(0));
    gather((1..=UPDATES).map(|version| deliver_if_newer(display.clone(), version)).collect::<Vec<_>>())
        .await?;
    check(&display);
    Ok(())
}
