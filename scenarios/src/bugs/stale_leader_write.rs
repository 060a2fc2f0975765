//! A leader's lease runs out while its write is on the way, and the write lands on top of its successor's.
//!
//! ```text
//! leader (term 1)              leader#2 (term 2)           store
//! has the lease, writes …
//!                              takes the lease, writes     2
//! … the write lands                                        1   what the new leader wrote is gone
//! ```
//!
//! The old leader looked at its lease before it wrote; what counts is when the write arrives. In the ordinary
//! order it arrives before the lease is taken. In the fixed program each write bears its term (a fencing
//! token), and the store refuses terms older than the newest it knows.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::create_task;
use std::cell::Cell;
use std::rc::Rc;

/// A write that is older than its lease.
pub fn scenario() -> Scenario {
    Scenario::new("stale-leader-write", "an old leader's write lands after that of its successor")
        .teaches("A lease that is valid when a write leaves need not be when it lands: let the store check.")
        .program(buggy)
        .fixed(fixed)
}

/// A lease by terms: whoever takes it ends the term before.
#[derive(Default)]
struct Lease(Cell<u32>);

impl Lease {
    fn take(&self) -> u32 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    fn is_valid(&self, term: u32) -> bool {
        self.0.get() == term
    }
}

/// A store, with the term of who wrote last.
#[derive(Default)]
struct Store {
    term: Cell<u32>,
    fencing: bool,
}

impl Store {
    async fn write(&self, term: u32) -> asyncio::Result<()> {
        give_way(1).await?; // over the network
        if !self.fencing || term >= self.term.get() {
            self.term.set(term);
        }
        Ok(())
    }
}

async fn leader(lease: Rc<Lease>, store: Rc<Store>, comes_after: u32) -> asyncio::Result<()> {
    give_way(comes_after).await?;
    let term = lease.take();
    give_way(1).await?; // prepares its write
    if lease.is_valid(term) {
        store.write(term).await?;
    }
    Ok(())
}

async fn two_leaders(store: Store) -> asyncio::Result<()> {
    let (lease, store) = (Rc::new(Lease::default()), Rc::new(store));
    let old = create_task(leader(lease.clone(), store.clone(), 0));
    let new = create_task(leader(lease.clone(), store.clone(), 4));
    old.await?;
    new.await?;
    let written = store.term.get();
    assert!(
        lease.is_valid(written),
        "the leader of the last term wrote, but the store has what term {written} wrote"
    );
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    two_leaders(Store { fencing: false, ..Store::default() }).await
}

async fn fixed() -> asyncio::Result<()> {
    two_leaders(Store { fencing: true, ..Store::default() }).await
}
