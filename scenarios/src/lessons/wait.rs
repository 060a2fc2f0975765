//! `wait` says which tasks are done and which are not, and leaves all of them alone.
//!
//! It raises no error of theirs and cancels nobody, not even when it times out: the others go on cooking, and
//! can be waited for again.

use super::{Lines, cook};
use counterpoint as asyncio;

use asyncio::ReturnWhen::{AllCompleted, FirstCompleted};
use asyncio::cli::Scenario;
use asyncio::create_task;
use std::time::Duration;

/// Three tasks, waited for three times.
pub fn scenario() -> Scenario {
    Scenario::new("wait", "wait for the first, for a while, for all: nobody is cancelled")
        .teaches(
            "wait tells who is done and who is pending; unlike wait_for it cancels nobody at its timeout.",
        )
        .program(program)
        .passes()
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let rice = create_task(cook(lines.clone(), "rice", 12));
    let eggs = create_task(cook(lines.clone(), "eggs", 7));
    let tea = create_task(cook(lines.clone(), "tea", 3));

    let (done, pending) =
        asyncio::wait([&rice, &eggs, &tea].map(Clone::clone)).return_when(FirstCompleted).await?;
    lines.say(format!("the first is here: {} done, {} pending", done.len(), pending.len()));
    assert!(done == [tea], "the fastest is the first");

    let (done, pending) = asyncio::wait(pending).timeout(Duration::from_secs(60 * 5)).await?;
    lines.say(format!("five minutes later: {} done, {} pending", done.len(), pending.len()));
    assert!(done == [eggs], "one more is done");

    let (done, pending) = asyncio::wait(pending).return_when(AllCompleted).await?;
    lines.say(format!("all are here: {} done, {} pending", done.len(), pending.len()));
    assert!(done == [rice], "the timeout has not cancelled it");

    lines.check(&[
        "tea is ready",
        "the first is here: 1 done, 2 pending",
        "eggs is ready",
        "five minutes later: 1 done, 1 pending",
        "rice is ready",
        "all are here: 1 done, 0 pending",
    ]);
    Ok(())
}
