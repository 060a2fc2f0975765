//! A timeout cancels what it wraps, lets it clean up, and turns the cancellation into a timeout outside.
//!
//! Inside, the body sees a cancellation like any other and may await in its clean-up, which no clock hurries
//! any more. Outside there is an error of kind `Timeout`, and only once the body has ended.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{get_running_loop, sleep};
use std::time::Duration;

/// A body that is too slow.
pub fn scenario() -> Scenario {
    Scenario::new("timeout", "a timeout cancels its body, waits for its clean-up, and raises a timeout")
        .teaches("Inside a timeout is a cancellation, outside an error; between them is the clean-up.")
        .program(program)
        .passes()
}

async fn download(lines: &Lines) -> asyncio::Result<()> {
    let slept = sleep(Duration::from_secs(10)).await;
    if let Err(error) = &slept {
        lines.say(format!("the download is {error}, and cleans up"));
        sleep(Duration::from_secs(2)).await?;
        lines.say("the download has cleaned up");
    }
    slept
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let begun = get_running_loop()?.time();
    let ended = asyncio::timeout(Duration::from_secs(1)).run(download(&lines)).await;
    lines.say(format!("outside: {}", ended.expect_err("it was too slow")));
    assert_eq!(get_running_loop()?.time() - begun, Duration::from_secs(3), "the clean-up was waited for");
    lines.check(&[
        "the download is cancelled, and cleans up",
        "the download has cleaned up",
        "outside: timed out",
    ]);
    Ok(())
}
