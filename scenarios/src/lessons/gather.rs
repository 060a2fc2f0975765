//! `gather` runs all at once, and gives the results in the order in which they were given.
//!
//! One after the other, three dishes take as long as the three together; gathered, as long as the slowest.
//! They end in the order of their time; the results stand in the order of the call all the same.

use super::{Lines, cook};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::get_running_loop;
use std::time::Duration;

/// Three coroutines at once.
pub fn scenario() -> Scenario {
    Scenario::new("gather", "three coroutines at once: results come in the order given")
        .teaches("gather runs its children at once, and gives their results in the order of the call.")
        .program(program)
        .passes()
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let event_loop = get_running_loop()?;

    let begun = event_loop.time();
    cook(lines.clone(), "rice", 12).await?;
    cook(lines.clone(), "eggs", 7).await?;
    cook(lines.clone(), "tea", 3).await?;
    assert_eq!(event_loop.time() - begun, Duration::from_secs(60 * 22), "one after the other");
    lines.check(&["rice is ready", "eggs is ready", "tea is ready"]);

    let (lines, begun) = (Lines::default(), event_loop.time());
    let dishes = asyncio::gather((
        cook(lines.clone(), "rice", 12),
        cook(lines.clone(), "eggs", 7),
        cook(lines.clone(), "tea", 3),
    ))
    .await?;
    assert_eq!(event_loop.time() - begun, Duration::from_secs(60 * 12), "as long as the slowest");
    lines.check(&["tea is ready", "eggs is ready", "rice is ready"]);
    assert_eq!(dishes, ("rice", "eggs", "tea"), "in the order of the call");
    Ok(())
}
