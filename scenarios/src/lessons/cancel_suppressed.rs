//! A cancel is a request, raised as an error at an await: the task may clean up, and may even go on.
//!
//! The worker catches the first request and finishes what it has begun. `cancel` says that the request was
//! made, not that the task has ended; only awaiting the task says that.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{create_task, sleep};
use std::time::Duration;

/// A cancel that is caught.
pub fn scenario() -> Scenario {
    Scenario::new("cancel-suppressed", "a task catches its cancellation, and goes on")
        .teaches("A cancel is raised at an await, where the task can clean up with awaits, or even go on.")
        .program(program)
        .passes()
}

async fn worker(lines: Lines) -> asyncio::Result<&'static str> {
    match sleep(Duration::from_secs(3600)).await {
        Err(error) if error.is_cancelled() => lines.say("the worker was asked to stop, and saves its work"),
        slept => slept?,
    }
    sleep(Duration::from_secs(1)).await?; // an await in the clean-up works as any other
    lines.say("the worker has saved its work");
    Ok("saved")
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let worker = create_task(worker(lines.clone()));
    sleep(Duration::from_secs(60)).await?;
    worker.cancel();
    lines.say("the cancel is requested");
    let ended = (&worker).await?;
    lines.say(format!("the worker ended with: {ended}"));
    assert!(!worker.cancelled(), "a task that went on did not end cancelled");
    lines.check(&[
        "the cancel is requested",
        "the worker was asked to stop, and saves its work",
        "the worker has saved its work",
        "the worker ended with: saved",
    ]);
    Ok(())
}
