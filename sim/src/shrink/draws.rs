//! The fewest and mildest draws: the network as ordinary as it can be.
//!
//! Whole kinds go first (all losses, all latencies), then chunks. What remains is made milder: a packet that was lost is
//! late instead, one that is late is half as late, as long as the run still fails.

use super::Search;
use super::ordinary::is_draw;
use super::removal::remove_chunks;
use crate::deviations::Deviation;
use counterpoint_runtime::choices::{Drawn, Kind};

/// As late as a packet can be, whatever its link; more is as much.
const LATEST: u64 = (1 << 24) - 1;

pub(super) fn pass(search: &mut Search<'_>) {
    for kind in Kind::ALL {
        let is_of_kind = |each: &Deviation| matches!(each, Deviation::Draw(drawn) if drawn.kind == kind);
        let list = search.list();
        if list.iter().filter(|each| is_of_kind(each)).count() > 1 {
            search.accept_list(list.into_iter().filter(|each| !is_of_kind(each)));
        }
    }
    remove_chunks(search, is_draw);
    for deviation in search.list() {
        if let Deviation::Draw(drawn) = deviation {
            let drawn = delay_instead(search, drawn);
            weaken(search, drawn);
        }
    }
}

/// A late packet in the place of a lost one, if that is enough.
fn delay_instead(search: &mut Search<'_>, drawn: Drawn) -> Drawn {
    let is_lost = matches!(drawn.kind, Kind::Loss | Kind::Corrupt | Kind::Reset);
    let late = Drawn { kind: Kind::Latency, key: drawn.key, value: LATEST };
    if is_lost && search.accept_instead(Deviation::Draw(drawn), Deviation::Draw(late)) { late } else { drawn }
}

/// Half of it, and half of that.
fn weaken(search: &mut Search<'_>, mut drawn: Drawn) {
    while drawn.value > 1 {
        let half = Drawn { value: drawn.value / 2, ..drawn };
        if !search.accept_instead(Deviation::Draw(drawn), Deviation::Draw(half)) {
            return;
        }
        drawn = half;
    }
}
