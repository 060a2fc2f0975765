//! A reader reads, a writer queues, and the same reader asks to read again.
//!
//! ```text
//! reader                         writer
//! holds the read lock
//!                                waits for the reader
//! asks to read again:
//! waits for the writer …         (both for ever)
//! ```
//!
//! The lock lets no new reader in while a writer waits, so that writers do not starve; it does not know that
//! this reader is inside already. In the ordinary order the writer comes later. The fixed reader locks once
//! and hands on what it holds. (CockroachDB issues 6181 and 16167 were of this kind.)

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Condition, create_task};
use std::cell::Cell;
use std::rc::Rc;

/// A read lock that is taken twice.
pub fn scenario() -> Scenario {
    Scenario::new("rwr-deadlock", "a reader locks again while a writer waits for it to leave")
        .teaches("A lock that prefers writers cannot be read-locked twice by the same task.")
        .program(buggy)
        .fixed(fixed)
}

/// Many readers or one writer; a waiting writer goes before new readers.
#[derive(Clone)]
struct RwLock {
    changed: Condition,
    readers: Rc<Cell<u32>>,
    writers_waiting: Rc<Cell<u32>>,
}

impl RwLock {
    fn new() -> RwLock {
        RwLock {
            changed: Condition::new().named("table"),
            readers: Rc::default(),
            writers_waiting: Rc::default(),
        }
    }

    async fn read(&self) -> asyncio::Result<()> {
        let _held = self.changed.acquire().await?;
        self.changed.wait_for(|| self.writers_waiting.get() == 0).await?;
        self.readers.set(self.readers.get() + 1);
        Ok(())
    }

    async fn end_read(&self) -> asyncio::Result<()> {
        let _held = self.changed.acquire().await?;
        self.readers.set(self.readers.get() - 1);
        self.changed.notify_all()
    }

    /// Waits until the readers have left, and runs `write` while nobody can come in.
    async fn write(&self, write: impl FnOnce()) -> asyncio::Result<()> {
        let _held = self.changed.acquire().await?;
        self.writers_waiting.set(self.writers_waiting.get() + 1);
        self.changed.wait_for(|| self.readers.get() == 0).await?;
        write();
        self.writers_waiting.set(self.writers_waiting.get() - 1);
        self.changed.notify_all()
    }
}

/// Reads one row, under a read lock of its own.
async fn row(table: &RwLock, rows: &Cell<u32>) -> asyncio::Result<u32> {
    table.read().await?;
    let row = rows.get();
    table.end_read().await?;
    Ok(row)
}

async fn reader(table: RwLock, rows: Rc<Cell<u32>>) -> asyncio::Result<()> {
    table.read().await?;
    give_way(1).await?; // reads the index
    row(&table, &rows).await?;
    table.end_read().await
}

async fn reader_that_locks_once(table: RwLock, rows: Rc<Cell<u32>>) -> asyncio::Result<()> {
    table.read().await?;
    give_way(1).await?;
    let _row = rows.get();
    table.end_read().await
}

async fn writer(table: RwLock, rows: Rc<Cell<u32>>) -> asyncio::Result<()> {
    give_way(3).await?;
    table.write(|| rows.set(rows.get() + 1)).await
}

async fn buggy() -> asyncio::Result<()> {
    let (table, rows) = (RwLock::new(), Rc::new(Cell::new(0)));
    let reader = create_task(reader(table.clone(), rows.clone()));
    let writer = create_task(writer(table, rows));
    reader.await?;
    writer.await
}

async fn fixed() -> asyncio::Result<()> {
    let (table, rows) = (RwLock::new(), Rc::new(Cell::new(0)));
    let reader = create_task(reader_that_locks_once(table.clone(), rows.clone()));
    let writer = create_task(writer(table, rows));
    reader.await?;
    writer.await
}
