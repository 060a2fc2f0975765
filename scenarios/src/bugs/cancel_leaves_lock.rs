//! A task is cancelled between `acquire` and `release`, and the lock stays held by nobody.
//!
//! ```text
//! program                    update
//!                            acquires the ledger, writes …
//! cancels it
//!                            … ends, and never comes to `release`
//! acquires the ledger …      (for ever)
//! ```
//!
//! The lock is released by hand, in a line that a cancelled task does not reach. In the ordinary order the
//! update is through before it is cancelled. The fixed update keeps the guard, which releases the lock
//! however the task ends.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task};
use std::cell::Cell;
use std::rc::Rc;

/// A lock that a cancelled task leaves behind.
pub fn scenario() -> Scenario {
    Scenario::new(
        "cancel-leaves-lock",
        "a task is cancelled between acquire and release, and the lock stays held",
    )
    .teaches("Any await may be the last thing that a task does: let a guard release what it holds.")
    .program(buggy)
    .fixed(fixed)
}

async fn write(balance: &Cell<u32>) -> asyncio::Result<()> {
    give_way(1).await?; // to the disk
    balance.set(balance.get() + 1);
    Ok(())
}

async fn update(ledger: Lock, balance: Rc<Cell<u32>>) -> asyncio::Result<()> {
    ledger.acquire().await?.leak(); // from here on it is ours to release
    write(&balance).await?;
    ledger.release()
}

async fn guarded_update(ledger: Lock, balance: Rc<Cell<u32>>) -> asyncio::Result<()> {
    let _held = ledger.acquire().await?;
    write(&balance).await
}

/// Cancels an update that takes too long, and makes one itself.
async fn give_up_and_do_it(
    update: asyncio::Task<()>,
    ledger: Lock,
    balance: &Cell<u32>,
) -> asyncio::Result<()> {
    give_way(3).await?;
    update.cancel();
    match update.await {
        Err(error) if error.is_cancelled() => {}
        ended => ended?,
    }
    let _held = ledger.acquire().await?;
    write(balance).await
}

async fn buggy() -> asyncio::Result<()> {
    let (ledger, balance) = (Lock::new().named("ledger"), Rc::new(Cell::new(0)));
    let update = create_task(update(ledger.clone(), balance.clone()));
    give_up_and_do_it(update, ledger, &balance).await
}

async fn fixed() -> asyncio::Result<()> {
    let (ledger, balance) = (Lock::new().named("ledger"), Rc::new(Cell::new(0)));
    let update = create_task(guarded_update(ledger.clone(), balance.clone()));
    give_up_and_do_it(update, ledger, &balance).await
}
