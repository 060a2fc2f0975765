//! `sleep(0)` goes to the end of the line, so tasks that give way take turns.
//!
//! In the ordinary order the ready queue is first in, first out: each task gets one step in each turn of the
//! loop, in the order in which they were made. Another runtime may pick any of the ready tasks.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::explore::Profile;
use asyncio::sleep;
use std::time::Duration;

/// Two tasks that take turns.
pub fn scenario() -> Scenario {
    Scenario::new("sleep-zero", "two tasks give way to each other, and take turns")
        .teaches("sleep(0) gives way once: the task goes to the end of the ready queue.")
        .program(program)
        .profile(Profile::Fifo)
        .passes()
}

async fn counter(lines: Lines, name: &'static str) -> asyncio::Result<()> {
    for number in 1..=3 {
        lines.say(format!("{name} says {number}"));
        sleep(Duration::ZERO).await?;
    }
    Ok(())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    asyncio::gather((counter(lines.clone(), "ann"), counter(lines.clone(), "bob"))).await?;
    lines.check(&["ann says 1", "bob says 1", "ann says 2", "bob says 2", "ann says 3", "bob says 3"]);
    Ok(())
}
