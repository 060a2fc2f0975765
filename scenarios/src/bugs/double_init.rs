//! Two users ask a pool for its connection, and it opens two.
//!
//! ```text
//! user                     late user
//! finds none
//! opens one …
//!                          finds none
//!                          opens one …
//! … keeps it
//!                          … keeps it: the first one is open still, and nobody will close it
//! ```
//!
//! "Is it there? No: make it" is one thought, but making it takes an await. In the ordinary order the late
//! user comes when the connection is there. The fixed pool lets one user at a time look and open.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Lock, create_task};
use std::cell::Cell;
use std::rc::Rc;

/// A connection that is opened when it is first asked for.
pub fn scenario() -> Scenario {
    Scenario::new("double-init", "two users find no connection, and each opens one")
        .teaches("Looking and creating have to be one step: hold a lock over both.")
        .program(buggy)
        .fixed(fixed)
}

#[derive(Default)]
struct Pool {
    connection: Cell<Option<u32>>,
    opened: Cell<u32>,
}

impl Pool {
    /// The number of the connection, which is opened if there is none.
    async fn connection(&self) -> asyncio::Result<u32> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection);
        }
        let connection = self.open().await?;
        self.connection.set(Some(connection));
        Ok(connection)
    }

    async fn open(&self) -> asyncio::Result<u32> {
        let number = self.opened.get() + 1;
        self.opened.set(number);
        give_way(1).await?; // the handshake
        Ok(number)
    }
}

async fn user(pool: Rc<Pool>, arrives_after: u32) -> asyncio::Result<u32> {
    give_way(arrives_after).await?;
    pool.connection().await
}

async fn patient_user(pool: Rc<Pool>, opening: Lock, arrives_after: u32) -> asyncio::Result<u32> {
    give_way(arrives_after).await?;
    let _held = opening.acquire().await?;
    pool.connection().await
}

fn check(pool: &Pool) {
    let opened = pool.opened.get();
    assert!(opened == 1, "the pool has one connection, but {opened} were opened");
}

async fn buggy() -> asyncio::Result<()> {
    let pool = Rc::new(Pool::default());
    let early = create_task(user(pool.clone(), 0));
    let late = create_task(user(pool.clone(), 1));
    early.await?;
    late.await?;
    check(&pool);
    Ok(())
}

async fn fixed() -> asyncio::Result<()> {
    let pool = Rc::new(Pool::default());
    let opening = Lock::new().named("opening");
    let early = create_task(patient_user(pool.clone(), opening.clone(), 0));
    let late = create_task(patient_user(pool.clone(), opening, 1));
    early.await?;
    late.await?;
    check(&pool);
    Ok(())
}
