//! A barrier for two is used again before both have left it, and one of them walks through the second round.
//!
//! ```text
//! worker                    worker#2
//! waits at the barrier
//!                           comes second: opens it, goes on
//!                           is at the barrier again, finds it open, walks through
//! is only now awake
//! ```
//!
//! The barrier is an [`Event`]: the second to come sets it, the first clears it on its way out. In the
//! ordinary order the first is out before the second is back. [`Barrier`] lets nobody in before everyone of
//! the last round has left.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Barrier, Event, gather};
use std::cell::Cell;
use std::rc::Rc;

/// A barrier that does not know its rounds apart.
pub fn scenario() -> Scenario {
    Scenario::new("barrier-reuse", "a barrier is used again before both parties have left the last round")
        .teaches("A barrier has to keep its rounds apart: nobody may enter before the last round has left.")
        .program(buggy)
        .fixed(fixed)
}

const ROUNDS: u32 = 2;

/// A barrier for two, made by hand.
struct Gate {
    waiting: Cell<u32>,
    open: Event,
}

impl Gate {
    async fn wait(&self) -> asyncio::Result<()> {
        self.waiting.set(self.waiting.get() + 1);
        if self.waiting.get() == 2 {
            self.waiting.set(0);
            self.open.set();
            return Ok(());
        }
        self.open.wait().await?;
        self.open.clear();
        Ok(())
    }
}

/// The rounds that each of the two has finished.
type Progress = Rc<[Cell<u32>; 2]>;

/// After the barrier of a round, the other one has finished its part of that round too.
fn check(progress: &Progress, me: usize) {
    let (mine, other) = (progress[me].get(), progress[1 - me].get());
    assert!(
        other >= mine,
        "worker {me} left the barrier of round {mine} while the other is in round {other}"
    );
}

async fn worker(gate: Rc<Gate>, progress: Progress, me: usize) -> asyncio::Result<()> {
    for round in 1..=ROUNDS {
        give_way(1).await?; // its part of the work
        progress[me].set(round);
        gate.wait().await?;
        check(&progress, me);
    }
    Ok(())
}

async fn worker_at_a_barrier(barrier: Barrier, progress: Progress, me: usize) -> asyncio::Result<()> {
    for round in 1..=ROUNDS {
        give_way(1).await?;
        progress[me].set(round);
        barrier.wait().await?;
        check(&progress, me);
    }
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    let progress = Progress::default();
    let gate = Rc::new(Gate { waiting: Cell::new(0), open: Event::new().named("gate") });
    gather((worker(gate.clone(), progress.clone(), 0), worker(gate, progress, 1))).await?;
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let progress = Progress::default();
    let gate = Barrier::new(2).named("gate");
    gather((worker_at_a_barrier(gate.clone(), progress.clone(), 0), worker_at_a_barrier(gate, progress, 1)))
        .await?;
    Ok(())
}
