//! A request takes the cart out of its place, is cancelled in the middle, and the cart is gone.
//!
//! ```text
//! program                     add_item
//!                             locks the session, takes the cart out, asks for the price …
//! the customer hangs up:
//! cancels the request
//!                             … ends, and the cart with it; the lock is free
//! the next request locks the session: there is no cart
//! ```
//!
//! The lock does its work: nobody else sees the session while the cart is out. But a cancellation ends the
//! task at an await, and frees the lock over a state that is not whole. In the ordinary order the request is
//! through before the customer hangs up. The fixed request awaits first, and changes the cart in one step.
//! (Oxide's RFD 397 and 400 tell of this in tokio.)

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task};
use std::cell::RefCell;
use std::rc::Rc;

/// A state that is taken out across an await.
pub fn scenario() -> Scenario {
    Scenario::new("cancel-breaks-invariant", "a request is cancelled while it has the cart in its hands")
        .teaches("A lock keeps others out, but not a cancellation: never await while the state is not whole.")
        .program(buggy)
        .fixed(fixed)
}

/// A customer's session: the prices in the cart. There always is a cart, while the lock is free.
#[derive(Clone)]
struct Session {
    lock: Lock,
    cart: Rc<RefCell<Option<Vec<u32>>>>,
}

impl Session {
    fn new() -> Session {
        Session { lock: Lock::new().named("session"), cart: Rc::new(RefCell::new(Some(Vec::new()))) }
    }

    fn take_cart(&self) -> Vec<u32> {
        self.cart.take().expect("there is a cart while the lock is free")
    }

    fn put_back(&self, cart: Vec<u32>) {
        *self.cart.borrow_mut() = Some(cart);
    }
}

async fn price() -> asyncio::Result<u32> {
    give_way(1).await?;
    Ok(12)
}

async fn add_item(session: Session) -> asyncio::Result<()> {
    let _held = session.lock.acquire().await?;
    let mut cart = session.take_cart();
    cart.push(price().await?);
    session.put_back(cart);
    Ok(())
}

async fn add_item_in_one_step(session: Session) -> asyncio::Result<()> {
    let _held = session.lock.acquire().await?;
    let price = price().await?;
    let mut cart = session.take_cart();
    cart.push(price);
    session.put_back(cart);
    Ok(())
}

/// The customer hangs up after a while, whether the request is through or not.
async fn hang_up(request: asyncio::Task<()>) -> asyncio::Result<()> {
    give_way(3).await?;
    request.cancel();
    match request.await {
        Err(error) if error.is_cancelled() => Ok(()),
        ended => ended,
    }
}

async fn buggy() -> asyncio::Result<()> {
    let session = Session::new();
    hang_up(create_task(add_item(session.clone()))).await?;
    add_item(session).await
}

async fn fixed() -> asyncio::Result<()> {
    let session = Session::new();
    hang_up(create_task(add_item_in_one_step(session.clone()))).await?;
    add_item_in_one_step(session).await
}
