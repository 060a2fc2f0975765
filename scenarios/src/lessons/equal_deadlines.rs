//! Five sleeps of the same length end in the order 0, 2, 4, 1, 3.
//!
//! Timers stand in a binary heap, and a heap does not keep equals in the order in which they came: taking the
//! first out puts the last in its place and lets it sink. This is the order of Python's `heapq`, to the
//! letter. Whoever wants an order has to say so; another loop may have another one.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::explore::Profile;
use asyncio::sleep;
use std::time::Duration;

/// Five equal sleeps.
pub fn scenario() -> Scenario {
    Scenario::new("equal-deadlines", "five sleeps of one second, begun as 0 1 2 3 4, end as 0 2 4 1 3")
        .teaches(
            "Timers with equal deadlines fire in the order of a binary heap, not in the order they were set.",
        )
        .program(program)
        .profile(Profile::Fifo)
        .passes()
}

async fn sleeper(lines: Lines, number: u32) -> asyncio::Result<()> {
    sleep(Duration::from_secs(1)).await?;
    lines.say(format!("sleeper {number} wakes"));
    Ok(())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    asyncio::gather((0..5).map(|number| sleeper(lines.clone(), number)).collect::<Vec<_>>()).await?;
    lines.check(&[
        "sleeper 0 wakes",
        "sleeper 2 wakes",
        "sleeper 4 wakes",
        "sleeper 1 wakes",
        "sleeper 3 wakes",
    ]);
    Ok(())
}
