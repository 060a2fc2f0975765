//! The picture of a run, as text.

use crate::run::Simulation;
use counterpoint_runtime as asyncio;
use std::time::Duration;

async fn teller(lock: asyncio::Lock) -> asyncio::Result<()> {
    let _held = lock.acquire().await?;
    asyncio::sleep(Duration::ZERO).await
}

async fn bank() -> asyncio::Result<()> {
    let ledger = asyncio::Lock::new().named("ledger");
    let task = asyncio::create_task(teller(ledger.clone()));
    asyncio::sleep(Duration::ZERO).await?;
    drop(ledger.acquire().await?);
    tracing::info!(amount = 3, "audited");
    task.await
}

/// The picture; places in this crate are left out.
fn picture(profile: asyncio::Profile, seed: u64) -> String {
    let text = Simulation::new(bank).profile(profile).seed(seed).trace(true).run().interleaving();
    text.trim_end().to_owned()
}

#[test]
fn each_step_says_who_ran_and_what_it_waits_for() {
    let expected = "\
All steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.

   1  ●    bank    starts, creates `teller`, gives way
   2  │ ●  teller  starts, gives way
   3  ● │  bank    goes on, waits for Lock `ledger`, held by `teller`
   4  │ ●  teller  goes on, ends
   5  ●    bank    has Lock `ledger`, ends
                   log: INFO audited amount=3";
    assert_eq!(picture(asyncio::Profile::Fifo, 0), expected);
}

#[test]
fn a_step_that_ran_early_says_whom_it_overtook() {
    let pictures: Vec<String> = (0..20).map(|seed| picture(asyncio::Profile::AnyReady, seed)).collect();
    let early = pictures.iter().find(|picture| picture.contains('◆')).expect("some seed is not in order");
    assert!(early.contains("ran before `teller`, which was ready earlier"), "{early}");
}
