//! `as_completed` gives the results in the order in which they come.
//!
//! All begin at the call. Each turn of the `for` loop awaits whichever is next to be done; the loop need not
//! know which one that will be.

use super::{Lines, cook};
use counterpoint as asyncio;

use asyncio::cli::Scenario;

/// Three coroutines, served as they come.
pub fn scenario() -> Scenario {
    Scenario::new("as-completed", "three coroutines at once: results come as they are done")
        .teaches("as_completed serves results in the order of their ends, gather in the order of the call.")
        .program(program)
        .passes()
}

async fn program() -> asyncio::Result<()> {
    let lines = Lines::default();
    let dishes =
        [cook(lines.clone(), "rice", 12), cook(lines.clone(), "eggs", 7), cook(lines.clone(), "tea", 3)];
    for next in asyncio::as_completed(dishes) {
        let dish = next.await?;
        lines.say(format!("{dish} is served"));
    }
    lines.check(&[
        "tea is ready",
        "tea is served",
        "eggs is ready",
        "eggs is served",
        "rice is ready",
        "rice is served",
    ]);
    Ok(())
}
