//! Awaiting a task waits for another line of execution, which begins in the next turn of the loop.
//!
//! The same two coroutines as in `await-coroutine`, now as a task. It begins one turn after it was made, and
//! whoever awaits it goes on one turn after it ended; in both gaps other tasks may run.
//!
//! This is `loop.run_until_complete(loop.create_task(print_sum(1, 2)))` of asyncio's documentation.

use super::{Lines, print_sum};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::create_task;

/// A task that is awaited.
pub fn scenario() -> Scenario {
    Scenario::new("await-task", "the same coroutine as a task: it begins a turn later")
        .teaches("A task begins in the next turn, and who awaits it goes on in the turn after its end.")
        .program(program)
        .passes()
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();

    let sum = create_task(print_sum(lines.clone(), 1, 2));
    lines.say("the task is made, and has not begun");
    sum.await?;
    lines.say("the task is through");

    lines.check(&[
        "the task is made, and has not begun",
        "computing 1 + 2",
        "1 + 2 = 3",
        "the task is through",
    ]);
    assert_eq!(lines.turns_between("the task is made, and has not begun", "computing 1 + 2"), 1);
    assert_eq!(lines.turns_between("1 + 2 = 3", "the task is through"), 1);
    Ok(())
}
