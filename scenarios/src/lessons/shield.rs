//! `shield` keeps a cancel from reaching what is awaited; the one who awaits is cancelled all the same.
//!
//! The request gives up waiting for the write, and the write goes on. Somebody has to keep its task, or
//! nobody will see how it ended.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Task, create_task, sleep};
use std::time::Duration;

/// A write that survives its request.
pub fn scenario() -> Scenario {
    Scenario::new("shield", "a request is cancelled, and the write that it shields goes on")
        .teaches("shield protects what is awaited, not the one who awaits.")
        .program(program)
        .passes()
}

async fn write(lines: Lines) -> asyncio::Result<()> {
    sleep(Duration::from_secs(2)).await?;
    lines.say("the write is done");
    Ok(())
}

async fn request(write: Task<()>) -> asyncio::Result<()> {
    asyncio::shield(write).await
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let write = create_task(write(lines.clone()));
    let request = create_task(request(write.clone()));
    sleep(Duration::from_secs(1)).await?;
    request.cancel();
    let ended = request.await;
    lines.say(format!("the request says: {}", ended.expect_err("it was cancelled")));
    write.await?;
    lines.check(&["the request says: cancelled", "the write is done"]);
    Ok(())
}
