//! What the loop reports: to the program's exception handler, or else to the default one.
//!
//! Only reports that both loops make at the same moment are printed. Python's "was never retrieved" and
//! "was destroyed" hang on its garbage collector.

use std::rc::Rc;

use asyncio::{ErrorContext, Result};
use counterpoint as asyncio;

use super::closing;
use super::machine::{Activity, LAST, Machine};
use super::sync::run_sync;
use super::value::shown;

/// The program's own handler: a line, then the statements that the program gives.
pub(super) fn set_own(machine: &Rc<Machine>) {
    // Not counted: the loop keeps the handler, and the machine keeps the loop.
    let machine_of = Rc::downgrade(machine);
    machine.event_loop.set_exception_handler(move |_, context| {
        machine_of.upgrade().map_or(Ok(()), |machine| own(&machine, context))
    });
}

pub(super) fn set_default(machine: &Rc<Machine>) {
    let machine_of = Rc::downgrade(machine);
    machine.event_loop.set_default_exception_handler(move |_, context| {
        if let Some(machine) = machine_of.upgrade() {
            closing::on_report(&machine, context);
            if let Some(words) = words(context, machine.program.is_of_network()) {
                machine.print("*", &format!("default {words}"));
            }
        }
        Ok(())
    });
}

fn own(machine: &Rc<Machine>, context: &ErrorContext) -> Result<()> {
    closing::on_report(machine, context);
    let Some(words) = words(context, machine.program.is_of_network()) else { return Ok(()) };
    machine.print("*", &format!("handler {words}"));
    run_sync(machine, &machine.program.handler, &Activity::new("*", LAST))
}

/// What the trace says of a report; `None` for one that is not compared.
fn words(context: &ErrorContext, of_network: bool) -> Option<String> {
    let message = context.message.as_str();
    let error = context.exception.as_ref().map(shown).unwrap_or_default();
    if of_network {
        return network_words(message, &error);
    }
    if message.starts_with("Unhandled error in exception handler") {
        Some(format!("unhandled {error}"))
    } else if message.starts_with("Exception in callback") {
        Some(error)
    } else if message.contains("shutdown") {
        Some(format!("shutdown {error}"))
    } else if message.starts_with("report:") {
        Some(message.to_owned())
    } else {
        None
    }
}

/// What the trace of a program of the network says of a report: the message with the error, in asyncio's words.
fn network_words(message: &str, error: &str) -> Option<String> {
    if message.contains("never retrieved") || message.contains("destroyed") {
        return None;
    }
    let callback = "Exception in callback";
    let message = if message.starts_with(callback) { callback } else { message };
    Some(format!("{message}: {error}"))
}
