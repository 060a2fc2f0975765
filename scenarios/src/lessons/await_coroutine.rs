//! Awaiting a coroutine runs it here and now, inside the task that awaits.
//!
//! `print_sum` awaits `compute`; the program awaits `print_sum`. No task is made, so nobody else can run in
//! between, and no turn of the loop passes on the way in or out. A coroutine that nobody awaits does nothing
//! at all.
//!
//! This is `loop.run_until_complete(print_sum(1, 2))` of asyncio's documentation.

use super::{Lines, print_sum};
use counterpoint as asyncio;

use asyncio::cli::Scenario;

/// A coroutine that is awaited by another.
pub fn scenario() -> Scenario {
    Scenario::new("await-coroutine", "a coroutine awaits another: both run in one task")
        .teaches(
            "Awaiting a coroutine is a call: it begins at once, and no turn of the loop passes in between.",
        )
        .program(program)
        .passes()
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();

    let sum = print_sum(lines.clone(), 1, 2);
    lines.say("the coroutine is made, and has not begun");
    sum.await?;
    lines.say("the coroutine is through");

    lines.check(&[
        "the coroutine is made, and has not begun",
        "computing 1 + 2",
        "1 + 2 = 3",
        "the coroutine is through",
    ]);
    assert_eq!(lines.turns_between("the coroutine is made, and has not begun", "computing 1 + 2"), 0);
    assert_eq!(lines.turns_between("1 + 2 = 3", "the coroutine is through"), 0);
    Ok(())
}
