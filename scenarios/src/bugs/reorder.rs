//! Many writers set `begun`, then `done`; a reader comes after the first `begun`, before any `done`.
//!
//! ```text
//! setter        setter#2  …  setter#n     checker
//! begun = true
//!                                         sees begun and not done
//! done = true
//!               both         both
//! ```
//!
//! The gap closes with the first setter that is through, so the more there are, the rarer it is to look into
//! it: all of them must be late. In the ordinary order everybody is through when the checker looks. The fixed
//! setters set both in one step.
//!
//! Drawn from `CS/reorder_n` of SCTBench. [`scenario`] takes the number of setters.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{create_task, gather};
use std::cell::Cell;
use std::rc::Rc;

/// So many setters, and one who checks.
pub fn scenario(setters: usize) -> Scenario {
    Scenario::new(
        format!("reorder-{setters}"),
        format!("a reader looks while {setters} writers are half done"),
    )
    .teaches("A bug may need many tasks to be late at once: the more, the rarer it is found.")
    .program(move || buggy(setters))
    .fixed(move || fixed(setters))
}

#[derive(Default)]
struct Job {
    begun: Cell<bool>,
    done: Cell<bool>,
}

async fn setter(job: Rc<Job>) -> asyncio::Result<()> {
    job.begun.set(true);
    give_way(1).await?;
    job.done.set(true);
    Ok(())
}

async fn setter_in_one_step(job: Rc<Job>) -> asyncio::Result<()> {
    give_way(1).await?;
    job.begun.set(true);
    job.done.set(true);
    Ok(())
}

async fn checker(job: Rc<Job>) -> asyncio::Result<()> {
    give_way(2).await?; // comes later
    let (begun, done) = (job.begun.get(), job.done.get());
    assert!(begun == done, "a job is either not begun or done, but this one is begun: {begun}, done: {done}");
    Ok(())
}

async fn buggy(setters: usize) -> asyncio::Result<()> {
    let job = Rc::new(Job::default());
    let checker = create_task(checker(job.clone()));
    gather((0..setters).map(|_| setter(job.clone())).collect::<Vec<_>>()).await?;
    checker.await
}

async fn fixed(setters: usize) -> asyncio::Result<()> {
    let job = Rc::new(Job::default());
    let checker = create_task(checker(job.clone()));
    gather((0..setters).map(|_| setter_in_one_step(job.clone())).collect::<Vec<_>>()).await?;
    checker.await
}
