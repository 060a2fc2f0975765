//! A teller takes `accounts` then `ledger`, an auditor `ledger` then `accounts`; each waits for the other.
//!
//! ```text
//! teller                       auditor
//! holds accounts
//!                              holds ledger
//! waits for ledger …
//!                              waits for accounts …      for ever
//! ```
//!
//! In the ordinary order the auditor starts when the teller is through. The fixed auditor takes the locks in
//! the teller's order, so that whoever has the first gets the second too.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task};

/// Two locks, taken in two orders.
pub fn scenario() -> Scenario {
    Scenario::new("abba", "two tasks take two locks in opposite orders, and wait for each other")
        .teaches("Everyone who needs several locks takes them in the same order.")
        .program(buggy)
        .fixed(fixed)
}

async fn hold_both(first: Lock, second: Lock) -> asyncio::Result<()> {
    let _first = first.acquire().await?;
    give_way(1).await?; // reads what the first one protects
    let _second = second.acquire().await?;
    Ok(())
}

async fn teller(accounts: Lock, ledger: Lock) -> asyncio::Result<()> {
    hold_both(accounts, ledger).await
}

async fn auditor(accounts: Lock, ledger: Lock) -> asyncio::Result<()> {
    give_way(3).await?; // comes later
    hold_both(ledger, accounts).await
}

async fn buggy() -> asyncio::Result<()> {
    let (accounts, ledger) = (Lock::new().named("accounts"), Lock::new().named("ledger"));
    let teller = create_task(teller(accounts.clone(), ledger.clone()));
    let auditor = create_task(auditor(accounts, ledger));
    teller.await?;
    auditor.await
}

async fn orderly_auditor(accounts: Lock, ledger: Lock) -> asyncio::Result<()> {
    give_way(3).await?;
    hold_both(accounts, ledger).await
}

async fn fixed() -> asyncio::Result<()> {
    let (accounts, ledger) = (Lock::new().named("accounts"), Lock::new().named("ledger"));
    let teller = create_task(teller(accounts.clone(), ledger.clone()));
    let auditor = create_task(orderly_auditor(accounts, ledger));
    teller.await?;
    auditor.await
}
