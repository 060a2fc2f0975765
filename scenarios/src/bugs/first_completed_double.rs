//! A hedged payment: one of two replicas wins, the other is cancelled too late, and the card is charged twice.
//!
//! ```text
//! program                       pay (first)        pay#2 (second)
//! starts both
//!                               charges
//!                                                  charges
//! sees that one is done,
//! cancels the other             (done)             (done)
//! ```
//!
//! Between the end of the first and the cancel of the second lie a few turns of the loop. In the ordinary
//! order the second replica is too slow to use them. A cancel saves work, but cannot undo it: in the fixed
//! program both payments bear the same key, and the bank charges a key once.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{ReturnWhen, create_task, wait};
use std::cell::RefCell;
use std::rc::Rc;

/// The same payment, sent to two replicas.
pub fn scenario() -> Scenario {
    Scenario::new(
        "first-completed-double",
        "a hedged payment is made twice, for the loser is cancelled too late",
    )
    .teaches("FIRST_COMPLETED says that one is done, not that the other is not; a cancel may come too late.")
    .program(buggy)
    .fixed(fixed)
}

/// The charges to a card, each by the key of its payment.
#[derive(Default)]
struct Bank(RefCell<Vec<&'static str>>);

impl Bank {
    fn charge(&self, key: &'static str) {
        self.0.borrow_mut().push(key);
    }

    fn charge_once(&self, key: &'static str) {
        if !self.0.borrow().contains(&key) {
            self.charge(key);
        }
    }

    fn check(&self) {
        let charges = self.0.borrow().len();
        assert!(charges == 1, "one payment was made, but the card was charged {charges} times");
    }
}

async fn pay(bank: Rc<Bank>, latency: u32) -> asyncio::Result<()> {
    give_way(latency).await?;
    bank.charge("invoice 12");
    Ok(())
}

async fn pay_once(bank: Rc<Bank>, latency: u32) -> asyncio::Result<()> {
    give_way(latency).await?;
    bank.charge_once("invoice 12");
    Ok(())
}

/// Waits for the first of two payments, and cancels the other.
async fn first_of(payments: [asyncio::Task<()>; 2]) -> asyncio::Result<()> {
    let (_, losers) = wait(payments).return_when(ReturnWhen::FirstCompleted).await?;
    for loser in losers {
        loser.cancel();
        match loser.await {
            Err(error) if error.is_cancelled() => {}
            ended => ended?,
        }
    }
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    let bank = Rc::new(Bank::default());
    first_of([create_task(pay(bank.clone(), 1)), create_task(pay(bank.clone(), 4))]).await?;
    bank.check();
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let bank = Rc::new(Bank::default());
    first_of([create_task(pay_once(bank.clone(), 1)), create_task(pay_once(bank.clone(), 4))]).await?;
    bank.check();
    Ok(())
}
