//! A task that computes without an await holds up everybody: an alarm set to one second rings after 5.5.
//!
//! There is one line of execution. A timer that is due has to wait until the running step is over, and a
//! timeout cannot end a step in the middle. Code costs no virtual time here unless it says so: the
//! computation is charged its five seconds.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{create_task, get_running_loop, sleep};
use std::time::Duration;

/// A long step.
pub fn scenario() -> Scenario {
    Scenario::new("starvation", "a computation without an await makes an alarm ring late")
        .teaches(
            "Nothing else runs until a step gives way: long computations belong in pieces, or in a thread.",
        )
        .program(program)
        .passes()
}

async fn alarm(lines: Lines) -> asyncio::Result<()> {
    let begun = get_running_loop()?.time();
    sleep(Duration::from_secs(1)).await?;
    let late = get_running_loop()?.time() - begun;
    lines.say(format!("the alarm set to 1s rings after {late:?}"));
    Ok(())
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let alarm = create_task(alarm(lines.clone()));
    sleep(Duration::from_millis(500)).await?; // meanwhile the alarm is set
    get_running_loop()?.charge(Duration::from_secs(5));
    lines.say("five seconds were computed");
    alarm.await?;
    lines.check(&["five seconds were computed", "the alarm set to 1s rings after 5.5s"]);
    Ok(())
}
