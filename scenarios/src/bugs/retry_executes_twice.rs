//! A client times out and sends its order again, and the shop executes both.
//!
//! ```text
//! client                          shop
//! order 7   ───────────────────►  ships it
//!                  ◄────────────  shipped    slow: more than 150 ms there and back
//! times out, connects anew
//! order 7   ───────────────────►  ships it: twice
//! shipped   ◄───────────────────
//! ```
//!
//! A timeout says that no answer came, not that nothing was done. The way takes 20 ms at least and sometimes much
//! longer, so that the order is mostly answered in time. The shop of the fixed program knows which numbers it has
//! shipped, and answers the second order without shipping it.

use crate::calls::{Connection, serve};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::sim::{Latency, Link, World};
use asyncio::timeout;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// An order that is sent again.
pub fn scenario() -> Scenario {
    Scenario::new(
        "retry-executes-twice",
        "a client times out and retries, and the server executes both orders",
    )
    .teaches(
        "After a timeout nobody knows whether it was done: give the request a key, and execute a key once.",
    )
    .program_in_world(|world| order_in(world, ship))
    .fixed_in_world(|world| order_in(world, ship_once))
}

const PATIENCE: Duration = Duration::from_millis(150);

/// The orders that were shipped.
type Shipped = Rc<RefCell<Vec<String>>>;

fn ship(shipped: &Shipped, order: String) {
    shipped.borrow_mut().push(order);
}

fn ship_once(shipped: &Shipped, order: String) {
    if !shipped.borrow().contains(&order) {
        shipped.borrow_mut().push(order);
    }
}

/// Orders, and orders again until there is an answer in time.
async fn client() -> asyncio::Result<()> {
    loop {
        let shop = Connection::open("shop", 80).await?;
        match timeout(PATIENCE).run(shop.call("order 7")).await {
            Err(error) if error.is_timeout() => {} // the connection is given up with it
            answer => return answer.map(drop),
        }
    }
}

async fn order_in(world: World, execute: fn(&Shipped, String)) -> asyncio::Result<()> {
    let (floor, mean) = (Duration::from_millis(20), Duration::from_millis(20));
    world.links(Link::new().latency(Latency::exponential(floor, mean)))?;
    let shipped = Shipped::default();
    let book = shipped.clone();
    world.host("shop").start(move || {
        let shipped = book.clone();
        serve(80, move |order| {
            execute(&shipped, order);
            async { Ok("shipped".to_owned()) }
        })
    })?;
    world.host("client").start(client)?.join().await?;
    let count = shipped.borrow().len();
    assert!(count == 1, "one thing was ordered, but {count} were shipped");
    Ok(())
}
