//! A future is a result that somebody else will set: here, a callback.
//!
//! The task awaits the future and is out of the way. After a second the loop calls the callback, which sets
//! the result. That does not run the task: it makes it ready, and it goes on in the next turn.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Future, get_running_loop};
use std::time::Duration;

/// A future that a callback completes.
pub fn scenario() -> Scenario {
    Scenario::new("future-callback", "a callback sets the result that a task waits for")
        .teaches(
            "Setting a result calls nobody: who waits for it is made ready, and goes on in the next turn.",
        )
        .program(program)
        .passes()
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let answer = Future::new();

    let (callbacks_lines, setter) = (lines.clone(), answer.clone());
    get_running_loop()?.call_later(Duration::from_secs(1), move || {
        callbacks_lines.say("the callback begins");
        let set = setter.set_result(42);
        callbacks_lines.say("the callback has set the result, and goes on");
        set
    });

    lines.say("the task waits");
    let answer = answer.await?;
    lines.say(format!("the task goes on with {answer}"));

    lines.check(&[
        "the task waits",
        "the callback begins",
        "the callback has set the result, and goes on",
        "the task goes on with 42",
    ]);
    assert_eq!(lines.turns_between("the callback begins", "the task goes on with 42"), 1);
    Ok(())
}
