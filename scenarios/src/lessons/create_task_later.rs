//! `create_task` runs nothing: the new task waits until the one that made it gives way.
//!
//! There is no preemption. Whatever stands between `create_task` and the next await is done before the task
//! begins, in every order that a loop may choose.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::create_task;

/// A task that is made, and begins later.
pub fn scenario() -> Scenario {
    Scenario::new("create-task-later", "create_task runs later, not now")
        .teaches("Up to the next await, whoever makes a task has the loop for itself.")
        .program(program)
        .passes()
}

async fn speaker(lines: Lines) -> asyncio::Result<()> {
    lines.say("the task begins");
    Ok(())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let speaker = create_task(speaker(lines.clone()));
    lines.say("the task is made");
    lines.say("its maker goes on");
    speaker.await?;
    lines.check(&["the task is made", "its maker goes on", "the task begins"]);
    Ok(())
}
