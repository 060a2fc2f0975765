//! Takes away what is not needed: chunks from the end, half as large each time (Zeller and Hildebrandt's `ddmin`, 2002).
//!
//! The order of steps goes first, the draws after, each among its own: of what can be told as a latency nobody needs to
//! be told as an order of ready tasks.

use super::Search;
use super::ordinary::is_draw;
use crate::deviations::Deviation;

pub(super) fn pass(search: &mut Search<'_>) {
    remove_chunks(search, |deviation| !is_draw(deviation));
}

/// Takes away all that is not needed of those that `is_meant`; one by one at last, until nothing more goes.
pub(super) fn remove_chunks(search: &mut Search<'_>, is_meant: impl Fn(&Deviation) -> bool) {
    let mut left: Vec<Deviation> = search.list().into_iter().filter(|each| is_meant(each)).collect();
    let mut size = left.len();
    while size > 0 && !left.is_empty() {
        let (mut end, mut removed) = (left.len(), false);
        while end > 0 && !search.is_exhausted() {
            let start = end.saturating_sub(size);
            let chunk = &left[start..end];
            let kept: Vec<Deviation> =
                search.list().into_iter().filter(|each| !chunk.contains(each)).collect();
            if search.accept_list(kept) {
                left.drain(start..end);
                removed = true;
            }
            end = start;
        }
        size = match size {
            _ if search.is_exhausted() => 0,
            1 if removed => 1,
            size => (size / 2).min(left.len()),
        };
    }
}
