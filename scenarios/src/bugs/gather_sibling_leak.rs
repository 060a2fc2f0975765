//! `gather` fails fast; the file is closed, and a sibling still writes to it.
//!
//! ```text
//! program                    export                 check_quota
//! gathers both               writes row 1
//!                                                   fails
//! sees the error, closes
//!                            writes row 2 into a closed file
//! ```
//!
//! `gather` hands on the first error at once. It does not stop the other children, nor wait for them. In the
//! ordinary order the export happens to be through by then. A `TaskGroup` cancels the siblings and waits
//! until they have ended, so that nobody uses what is closed after it.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::{Error, TaskGroup, create_task, gather};
use std::cell::Cell;
use std::rc::Rc;

/// A child that outlives its `gather`.
pub fn scenario() -> Scenario {
    Scenario::new(
        "gather-sibling-leak",
        "gather fails fast, the file is closed, and a sibling still writes to it",
    )
    .teaches(
        "gather does not stop the siblings of a child that failed; a TaskGroup does, and waits for them.",
    )
    .program(buggy)
    .fixed(fixed)
}

#[derive(Default)]
struct File {
    closed: Cell<bool>,
    rows: Cell<u32>,
}

impl File {
    fn write_row(&self) {
        assert!(!self.closed.get(), "row {} was written into a closed file", self.rows.get() + 1);
        self.rows.set(self.rows.get() + 1);
    }

    fn close(&self) {
        self.closed.set(true);
    }
}

async fn export(file: Rc<File>) -> asyncio::Result<()> {
    for _ in 0..3 {
        file.write_row();
        give_way(1).await?;
    }
    Ok(())
}

async fn check_quota() -> asyncio::Result<()> {
    give_way(3).await?;
    Err(Error::msg("the quota is used up"))
}

async fn buggy() -> asyncio::Result<()> {
    let file = Rc::new(File::default());
    let export = create_task(export(file.clone()));
    let exported = gather((&export, check_quota())).await;
    assert!(exported.is_err(), "the quota was used up");
    file.close();
    export.await // the program lives on, and so does the export
}

async fn fixed() -> asyncio::Result<()> {
    let file = Rc::new(File::default());
    let group = TaskGroup::new();
    let exported = group
        .run(async {
            group.create_task(export(file.clone()))?;
            group.create_task(check_quota())?;
            Ok(())
        })
        .await;
    assert!(exported.is_err(), "the quota was used up");
    file.close();
    Ok(())
}
