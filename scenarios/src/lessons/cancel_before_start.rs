//! A task that is cancelled before it began never begins.
//!
//! Its clean-up does not run either, because there is nothing to clean up: not one line of it was executed.
//! Whoever has handed it something to close has to close it.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::create_task;

/// A cancel that comes first.
pub fn scenario() -> Scenario {
    Scenario::new("cancel-before-start", "a task that is cancelled before its first step never runs")
        .teaches("A cancelled task that has not begun runs no line of its own, and no clean-up.")
        .program(program)
        .passes()
}

async fn worker(lines: Lines) -> asyncio::Result<()> {
    lines.say("the worker begins");
    Ok(())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let worker = create_task(worker(lines.clone()));
    worker.cancel();
    lines.say("the worker is cancelled");
    let error = worker.await.expect_err("it was cancelled");
    lines.say(format!("the worker says: {error}"));
    lines.check(&["the worker is cancelled", "the worker says: cancelled"]);
    Ok(())
}
