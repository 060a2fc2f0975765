//! Four prices are sent one after the other, each in a datagram, and the display ends with an old one.
//!
//! ```text
//! ticker        display
//! 1  ─────────►  1
//! 2  ─────────►  2
//! 3  ─────┐
//! 4  ─────┼───►  4
//!         └───►  3   and stays
//! ```
//!
//! The network promises no order, and the display takes what comes. The way across the ocean takes 40 ms and a few
//! more, the next price is sent 15 ms later: mostly they arrive as they were sent. The fixed display looks at the
//! version and drops what is older than what it shows.

use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::net::Address;
use asyncio::sim::{Latency, Link, World};
use asyncio::{DatagramProtocol, EventLoopExt, get_running_loop, sleep};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Updates over a network without an order.
pub fn scenario() -> Scenario {
    Scenario::new("msg-reorder-stale", "updates arrive in another order, and an old one stays")
        .teaches("Last to arrive is not last to be sent: carry a version, and drop what is older.")
        .program_in_world(|world| ticker_and_display(world, show))
        .fixed_in_world(|world| ticker_and_display(world, show_if_newer))
}

const UPDATES: u8 = 4;

fn show(shown: &Cell<u8>, version: u8) {
    shown.set(version);
}

fn show_if_newer(shown: &Cell<u8>, version: u8) {
    if version > shown.get() {
        shown.set(version);
    }
}

/// Shows what it receives.
struct Display {
    shown: Rc<Cell<u8>>,
    show: fn(&Cell<u8>, u8),
}

impl DatagramProtocol for Display {
    fn datagram_received(&mut self, data: &[u8], _: &Address) -> asyncio::Result<()> {
        asyncio::trace::log(format!("update {} is here", data[0]));
        (self.show)(&self.shown, data[0]);
        Ok(())
    }
}

/// Sends its updates, and nothing back is expected.
struct Ticker;

impl DatagramProtocol for Ticker {}

async fn ticker() -> asyncio::Result<()> {
    let event_loop = get_running_loop()?;
    let (transport, _) = event_loop.create_datagram_endpoint(|| Ticker).remote_addr("display", 9).await?;
    for version in 1..=UPDATES {
        asyncio::trace::log(format!("sends update {version}"));
        transport.sendto([version], None)?;
        sleep(Duration::from_millis(15)).await?;
    }
    Ok(())
}

async fn ticker_and_display(world: World, show: fn(&Cell<u8>, u8)) -> asyncio::Result<()> {
    world.links(Link::new().latency(Latency::wan()))?;
    let shown = Rc::new(Cell::new(0));
    let screen = shown.clone();
    world.host("display").start(move || {
        let display = Display { shown: screen.clone(), show };
        async move {
            let event_loop = get_running_loop()?;
            let endpoint = event_loop.create_datagram_endpoint(|| display).local_addr("0.0.0.0", 9);
            let (_transport, _) = endpoint.await?;
            sleep(Duration::MAX).await
        }
    })?;
    world.host("ticker").start(ticker)?.join().await?;
    sleep(Duration::from_secs(1)).await?; // all have arrived
    let shown = shown.get();
    assert!(shown == UPDATES, "update {UPDATES} was the last, but the display shows update {shown}");
    Ok(())
}
