//! A task of a group fails: the group cancels the others, waits until they have ended, and hands on the error.
//!
//! Nothing outlives the group, whichever way it is left. Beside `gather-failing-child` this is the whole
//! difference.

use super::{Lines, cook};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Error, TaskGroup, sleep};
use std::time::Duration;

/// A group with a task that fails.
pub fn scenario() -> Scenario {
    Scenario::new("task-group-abort", "a task of a group fails, and its siblings are cancelled")
        .teaches("A TaskGroup cancels the siblings of a task that failed, and is left when all have ended.")
        .program(program)
        .passes()
}

async fn burn(lines: Lines) -> asyncio::Result<()> {
    sleep(Duration::from_secs(60 * 5)).await?;
    lines.say("toast is black");
    Err(Error::msg("no toast today"))
}

async fn rice(lines: Lines) -> asyncio::Result<()> {
    let cooked = cook(lines.clone(), "rice", 12).await;
    if let Err(error) = &cooked {
        lines.say(format!("the rice is {error}"));
    }
    cooked.map(|_| ())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let group = TaskGroup::new();
    let ended: asyncio::Result<()> = group
        .run(async {
            group.create_task(rice(lines.clone()))?;
            group.create_task(burn(lines.clone()))?;
            Ok(())
        })
        .await;
    let error = ended.expect_err("the toast is black");
    lines.say(format!("the group says: {}", error.errors()[0]));
    lines.check(&["toast is black", "the rice is cancelled", "the group says: no toast today"]);
    Ok(())
}
