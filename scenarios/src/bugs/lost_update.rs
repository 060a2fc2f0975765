//! Lost update: two tellers read the same balance, and one deposit is gone.
//!
//! ```text
//! teller            late_teller       balance
//! reads 0                             0
//!                   reads 0           0
//! writes 0 + 1                        1
//!                   writes 0 + 1      1   two deposits were made, and one is lost
//! ```
//!
//! Between reading and writing back, a teller gives way. In the ordinary order the late teller comes just
//! late enough, so every test passes; in others both read before either writes. The careful tellers hold a
//! lock from the read to the write.

use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task, sleep};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Two deposits into one account.
pub fn scenario() -> Scenario {
    Scenario::new("lost-update", "two tellers read the same balance, and one deposit is gone")
        .teaches(
            "An await between reading and writing is a gap: what was read may be old by the time it is used.",
        )
        .program(buggy)
        .fixed(fixed)
}

/// Deposits one coin.
async fn teller(balance: Rc<Cell<u32>>) -> asyncio::Result<()> {
    let seen = balance.get();
    sleep(Duration::ZERO).await?; // gives way: in a real bank, a query to the database
    balance.set(seen + 1);
    Ok(())
}

/// Deposits one coin, a little later.
async fn late_teller(balance: Rc<Cell<u32>>) -> asyncio::Result<()> {
    sleep(Duration::ZERO).await?;
    teller(balance).await
}

async fn buggy() -> asyncio::Result<()> {
    let balance = Rc::new(Cell::new(0));
    let early = create_task(teller(balance.clone()));
    let late = create_task(late_teller(balance.clone()));
    early.await?;
    late.await?;
    assert!(balance.get() == 2, "two deposits of 1 were made, but the balance is {}", balance.get());
    Ok(())
}

async fn careful_teller(balance: Rc<Cell<u32>>, ledger: Lock) -> asyncio::Result<()> {
    let _held = ledger.acquire().await?;
    teller(balance).await
}

async fn careful_late_teller(balance: Rc<Cell<u32>>, ledger: Lock) -> asyncio::Result<()> {
    sleep(Duration::ZERO).await?;
    careful_teller(balance, ledger).await
}

async fn fixed() -> asyncio::Result<()> {
    let balance = Rc::new(Cell::new(0));
    let ledger = Lock::new().named("ledger");
    let early = create_task(careful_teller(balance.clone(), ledger.clone()));
    let late = create_task(careful_late_teller(balance.clone(), ledger));
    early.await?;
    late.await?;
    assert!(balance.get() == 2, "two deposits of 1 were made, but the balance is {}", balance.get());
    Ok(())
}
