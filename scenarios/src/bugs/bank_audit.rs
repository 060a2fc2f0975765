//! An auditor counts the money while some of it is in nobody's account.
//!
//! ```text
//! teller                    auditor             checking   savings
//! debits checking                               70         0
//!                           counts 70 of 100
//! credits savings                               70         30
//! ```
//!
//! Between debit and credit the teller gives way. Each account is right at any time; their sum is not. In the
//! ordinary order the auditor comes after the last transfer. In the fixed bank a transfer and an audit hold
//! the ledger.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task};
use std::cell::Cell;
use std::rc::Rc;

/// A transfer that can be seen half done.
pub fn scenario() -> Scenario {
    Scenario::new("bank-audit", "an auditor counts the money between a debit and its credit")
        .teaches("What must be true of two things together needs one lock around both, for readers too.")
        .program(buggy)
        .fixed(fixed)
}

struct Bank {
    checking: Cell<u32>,
    savings: Cell<u32>,
}

impl Bank {
    fn new() -> Rc<Bank> {
        Rc::new(Bank { checking: Cell::new(100), savings: Cell::new(0) })
    }

    async fn transfer(&self, amount: u32) -> asyncio::Result<()> {
        self.checking.set(self.checking.get() - amount);
        give_way(1).await?; // the other branch is asked
        self.savings.set(self.savings.get() + amount);
        Ok(())
    }

    fn audit(&self) {
        let total = self.checking.get() + self.savings.get();
        assert!(total == 100, "there are 100 in the bank, but the auditor counted {total}");
    }
}

async fn teller(bank: Rc<Bank>) -> asyncio::Result<()> {
    bank.transfer(30).await?;
    give_way(1).await?; // the next customer
    bank.transfer(30).await
}

async fn auditor(bank: Rc<Bank>) -> asyncio::Result<()> {
    give_way(4).await?;
    bank.audit();
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    let bank = Bank::new();
    let teller = create_task(teller(bank.clone()));
    let auditor = create_task(auditor(bank));
    teller.await?;
    auditor.await
}

async fn locking_teller(bank: Rc<Bank>, ledger: Lock) -> asyncio::Result<()> {
    let held = ledger.acquire().await?;
    bank.transfer(30).await?;
    drop(held);
    give_way(1).await?;
    let _held = ledger.acquire().await?;
    bank.transfer(30).await
}

async fn locking_auditor(bank: Rc<Bank>, ledger: Lock) -> asyncio::Result<()> {
    give_way(4).await?;
    let _held = ledger.acquire().await?;
    bank.audit();
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let bank = Bank::new();
    let ledger = Lock::new().named("ledger");
    let teller = create_task(locking_teller(bank.clone(), ledger.clone()));
    let auditor = create_task(locking_auditor(bank, ledger));
    teller.await?;
    auditor.await
}
