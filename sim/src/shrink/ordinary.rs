//! Is any of it needed? The simplest runs first: asyncio's own order, an ordinary network, data from seed 0.
//!
//! Many failures need nothing but latencies, and some nothing at all. An order of the network is a milder thing than one
//! of ready tasks, which asyncio's users never see: so draws alone are tried before holds alone.

use super::Search;
use crate::deviations::{Deviation, Deviations};
use counterpoint_runtime::Profile;

pub(super) fn pass(search: &mut Search<'_>) {
    let Deviations { data_seed, profile, .. } = *search.best();
    let draws: Vec<Deviation> = search.list().into_iter().filter(is_draw).collect();
    // The strictest profile first. In `fifo` no order is held, in the others all are.
    for stricter in Profile::ALL.into_iter().filter(|stricter| *stricter < profile.max(Profile::AnyReady)) {
        let none = Deviations::none(data_seed, stricter);
        let accepted = match stricter {
            Profile::Fifo => search.accept(none.clone()) || search.accept(none.with(draws.clone())),
            _ => search.accept(none.with(search.list())),
        };
        if accepted {
            break;
        }
    }
    let orders: Vec<Deviation> = search.list().into_iter().filter(|each| !is_draw(each)).collect();
    if !orders.is_empty() {
        search.accept_list(orders);
    }
    search.accept(Deviations { data_seed: 0, ..search.best().clone() });
}

pub(super) fn is_draw(deviation: &Deviation) -> bool {
    matches!(deviation, Deviation::Draw(_))
}
