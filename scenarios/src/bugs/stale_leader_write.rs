//! A leader's lease runs out while its write is on the way, and the write lands on top of its successor's.
//!
//! ```text
//! old           locks         new           store
//! lease ──────► term 1
//! (works 80 ms)  ◄──────────  lease
//! still valid!
//! write ─────────────┐
//!               term 2 ─────► (works 5 ms)
//!                    │        write ──────► 2
//!                    └───────────────────►  1   what the new leader wrote is gone
//! ```
//!
//! The old leader looked at its lease before it wrote; what counts is when the write arrives. Mostly it arrives before
//! the next lease begins. In the fixed program each write bears its term (a fencing token), and the store refuses
//! terms older than the newest it knows.

use crate::calls::{Connection, serve};
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::sim::{Latency, Link, World};
use asyncio::{Instant, get_running_loop, sleep, sleep_until};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A write that is older than its lease.
pub fn scenario() -> Scenario {
    Scenario::new("stale-leader-write", "an old leader's write lands after that of its successor")
        .teaches("A lease that is valid when a write leaves need not be when it lands: let the store check.")
        .program_in_world(|world| two_leaders(world, write))
        .fixed_in_world(|world| two_leaders(world, write_unless_older))
}

const LEASE: Duration = Duration::from_millis(100);

/// Grants the lease to one after the other, each time under a new term.
async fn locks() -> asyncio::Result<()> {
    let granted = Rc::new(Cell::new((0, Instant::ZERO)));
    serve(80, move |_| {
        let (term, ends) = granted.get();
        let begins = ends.max(get_running_loop().expect("it serves in a loop").time());
        granted.set((term + 1, begins + LEASE));
        async move {
            sleep_until(begins).await?;
            Ok((term + 1).to_string())
        }
    })
    .await
}

fn write(stored: &Cell<u32>, term: u32) {
    stored.set(term);
}

fn write_unless_older(stored: &Cell<u32>, term: u32) {
    if term >= stored.get() {
        stored.set(term);
    }
}

/// Takes the lease, works, and writes if the lease is still its own.
async fn leader(work: Duration) -> asyncio::Result<()> {
    let clock = get_running_loop()?;
    let (locks, store) = (Connection::open("locks", 80).await?, Connection::open("store", 80).await?);
    let term = locks.call("lease").await?;
    let granted = clock.time();
    sleep(work).await?;
    if clock.time() - granted < LEASE {
        store.call(&term).await?;
    }
    Ok(())
}

async fn two_leaders(world: World, write: fn(&Cell<u32>, u32)) -> asyncio::Result<()> {
    let latency = Latency::exponential(Duration::from_millis(1), Duration::from_millis(5));
    world.links(Link::new().latency(latency))?;
    world.host("locks").start(locks)?;
    let stored = Rc::new(Cell::new(0));
    let disk = stored.clone();
    world.host("store").start(move || {
        let stored = disk.clone();
        serve(80, move |term| {
            let written = term.parse().map(|term| write(&stored, term));
            async { Ok(written.map(|()| "done".to_owned())?) }
        })
    })?;
    let old = world.host("old").start(|| leader(Duration::from_millis(80)))?;
    sleep(LEASE / 2).await?;
    let new = world.host("new").start(|| leader(Duration::from_millis(5)))?;
    old.join().await?;
    new.join().await?;
    let stored = stored.get();
    assert!(
        stored == 2,
        "the leader of term 2 wrote, but the store has what the leader of term {stored} wrote"
    );
    Ok(())
}
