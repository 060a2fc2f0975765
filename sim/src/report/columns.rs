//! Which column of the picture a task has.
//!
//! A column is free again when its task has ended, so that many short tasks take few columns.

use super::names::host_of;
use counterpoint_runtime::trace::Event;
use std::collections::BTreeMap;

/// The column of each task that is shown, and how many there are. The events come row by row.
pub(super) fn of<'a: 'b, 'b>(
    rows: impl Iterator<Item = &'b [&'a Event]>,
    is_shown: impl Fn(&str) -> bool,
) -> (BTreeMap<&'a str, usize>, usize) {
    let (mut columns, mut holders) = (BTreeMap::new(), Vec::<Option<&str>>::new());
    for events in rows {
        for event in events {
            if let Event::TaskCreated { task, .. } = event
                && is_shown(task)
            {
                let free = holders.iter().position(Option::is_none);
                let column = free.unwrap_or(holders.len());
                if free.is_none() {
                    holders.push(None);
                }
                holders[column] = Some(task);
                columns.entry(task.as_str()).or_insert(column);
            }
        }
        // After the row: the step that ends a task is drawn in its column.
        for event in events {
            for holder in &mut holders {
                if holder.is_some_and(|task| ends(event, task)) {
                    *holder = None;
                }
            }
        }
    }
    (columns, holders.len())
}

/// Is this the end of a task: its own, or a power cut of its host?
pub(super) fn ends(event: &Event, task: &str) -> bool {
    match event {
        Event::TaskEnded { task: ended, .. } => ended == task,
        Event::World { host: Some(host), what, .. } => {
            what.starts_with("crashes") && host_of(task) == Some(host)
        }
        _ => false,
    }
}
