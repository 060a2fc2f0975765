//! The last look at a loop: taken when it is closed, printed at the end.
//!
//! In Python a task can still be asked for its result when its loop is closed; our handles are inert
//! then. A program with a runner closes the loop in the middle, so what the rest of the trace says of
//! tasks, objects and the time is written down in that moment. The moment is told by a report: closing
//! reports errors that nobody retrieved before it drops anything, and a future with such an error was
//! planted.

use std::collections::BTreeMap;
use std::rc::Rc;

use asyncio::ErrorContext;
use counterpoint as asyncio;

use super::machine::Machine;
use super::program::Name;
use super::value::{UserError, Value, concurrent_state, state, user_error};

/// The error of the future that announces the closing; no program has one of that name.
const PLANTED: &str = "planted, and never retrieved";

/// What could be seen of a loop before it was closed.
pub(crate) struct LastLook {
    pub(crate) ticks: u64,
    pub(crate) nanos: i64,
    /// The state of each name that was bound.
    pub(crate) bound: BTreeMap<Name, String>,
    /// The texts of the final states.
    pub(crate) states: Vec<String>,
}

/// Plants the error that announces the closing.
pub(crate) fn plant(machine: &Rc<Machine>) -> asyncio::Future<Value> {
    let planted = machine.event_loop.create_future();
    planted.set_exception(user_error(PLANTED)).expect("a future just made is pending");
    planted
}

/// Takes the last look if this report is made by a loop that is being closed.
pub(crate) fn on_report(machine: &Rc<Machine>, context: &ErrorContext) {
    // Tasks are dropped first, and each has its report before it is.
    let planted = context.exception.as_ref().and_then(|error| error.downcast_ref::<UserError>());
    let closing =
        planted.is_some_and(|error| error.0 == PLANTED) || context.message.contains("was destroyed");
    if closing && machine.last_look.borrow().is_none() {
        let look = LastLook {
            ticks: machine.event_loop.ticks(),
            nanos: machine.event_loop.time().as_nanos() as i64,
            bound: bound(machine),
            states: states(machine),
        };
        machine.last_look.replace(Some(look));
    }
}

fn bound(machine: &Machine) -> BTreeMap<Name, String> {
    let bound = machine.names.borrow().bound.clone();
    bound.into_iter().map(|(name, named)| (name, state(&named.future))).collect()
}

/// The final states: of the spawned tasks, the objects, and the concurrent futures that are no objects.
pub(crate) fn states(machine: &Machine) -> Vec<String> {
    let (spawned, concurrent) = {
        let names = machine.names.borrow();
        (names.spawned.clone(), names.concurrent.clone())
    };
    let mut lines: Vec<String> =
        spawned.iter().map(|named| format!("{} {}", named.name, state(&named.future))).collect();
    if machine.program.is_of_network() {
        lines.extend(machine.network.states());
        return lines;
    }
    for (name, _) in &machine.program.objects.0 {
        lines.push(format!("{name} {}", machine.object(name).state()));
    }
    for named in concurrent.iter().filter(|named| !machine.objects.contains_key(&named.name)) {
        lines.push(format!("{} {}", named.name, concurrent_state(&named.future)));
    }
    lines
}
