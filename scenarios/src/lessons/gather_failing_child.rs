//! A child of `gather` fails: the error comes at once, and the siblings cook on.
//!
//! `gather` hands on the first error and forgets the rest. It does not cancel them; what they do from here on
//! nobody sees, unless somebody has kept their tasks. (`gather-sibling-leak` shows what comes of that.)

use super::{Lines, cook};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Error, create_task, sleep};
use std::time::Duration;

/// A `gather` with a child that fails.
pub fn scenario() -> Scenario {
    Scenario::new("gather-failing-child", "a child of gather fails, and its siblings run on")
        .teaches("gather hands on the first error at once, and does not stop the other children.")
        .program(program)
        .passes()
}

async fn burn(lines: Lines) -> asyncio::Result<&'static str> {
    sleep(Duration::from_secs(60 * 5)).await?;
    lines.say("toast is black");
    Err(Error::msg("no toast today"))
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let rice = create_task(cook(lines.clone(), "rice", 12));
    let dishes = asyncio::gather((&rice, burn(lines.clone()))).await;
    lines.say(format!("gather says: {}", dishes.expect_err("the toast is black")));
    rice.await?;
    lines.check(&["toast is black", "gather says: no toast today", "rice is ready"]);
    Ok(())
}
