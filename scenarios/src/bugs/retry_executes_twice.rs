//! A client times out and sends its order again, and the server executes both.
//!
//! ```text
//! client                        server
//! orders, waits 1 s
//! times out, orders again
//!                               executes the order after 1 s
//!                               executes the order after 1 s: shipped twice
//! ```
//!
//! A timeout says that no answer came, not that nothing was done. In the ordinary order the answer is there
//! when the client looks. In the fixed program the order bears a number, and the server knows which ones it
//! has executed.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Future, Queue, create_task, sleep, wait};
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
    .program(buggy)
    .fixed(fixed)
}

struct Order {
    number: u32,
    reply: Future<()>,
}

/// The numbers of the orders that were shipped.
type Shipped = Rc<RefCell<Vec<u32>>>;

async fn server(orders: Queue<Order>, shipped: Shipped) -> asyncio::Result<()> {
    while let Ok(order) = orders.get().await {
        sleep(Duration::from_secs(1)).await?; // packs it
        shipped.borrow_mut().push(order.number);
        order.reply.set_result(())?;
    }
    Ok(())
}

async fn server_that_remembers(orders: Queue<Order>, shipped: Shipped) -> asyncio::Result<()> {
    while let Ok(order) = orders.get().await {
        sleep(Duration::from_secs(1)).await?;
        if !shipped.borrow().contains(&order.number) {
            shipped.borrow_mut().push(order.number);
        }
        order.reply.set_result(())?;
    }
    Ok(())
}

/// Sends order 7, and gives the future that the answer goes to.
async fn send(orders: &Queue<Order>) -> asyncio::Result<Future<()>> {
    let reply = Future::new();
    orders.put(Order { number: 7, reply: reply.clone() }).await?;
    give_way(1).await?; // over the network
    Ok(reply)
}

/// Orders, and orders again if there is no answer within a second.
async fn client(orders: &Queue<Order>) -> asyncio::Result<()> {
    let reply = send(orders).await?;
    let (answered, _) = wait([reply]).timeout(Duration::from_secs(1)).await?;
    if answered.is_empty() {
        send(orders).await?.await?;
    }
    Ok(())
}

fn check(shipped: &Shipped) {
    let count = shipped.borrow().len();
    assert!(count == 1, "one thing was ordered, but {count} were shipped");
}

async fn buggy() -> asyncio::Result<()> {
    let (orders, shipped) = (Queue::new(0).named("orders"), Shipped::default());
    let server = create_task(server(orders.clone(), shipped.clone()));
    client(&orders).await?;
    orders.shutdown(false);
    server.await?;
    check(&shipped);
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let (orders, shipped) = (Queue::new(0).named("orders"), Shipped::default());
    let server = create_task(server_that_remembers(orders.clone(), shipped.clone()));
    client(&orders).await?;
    orders.shutdown(false);
    server.await?;
    check(&shipped);
    Ok(())
}
