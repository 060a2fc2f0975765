//! A trace cut into rows: steps with what happened in them, and what happened between steps.
//!
//! What a step's events say stands before it in the trace. So what the network does of its own accord must be told apart
//! from what the next step sends: an arrival is never part of a step, and neither is what came before one, or was sent
//! at another time or by another host than the step's.

use super::names::host_of;
use counterpoint_runtime::Instant;
use counterpoint_runtime::trace::{Event, PacketFate, Ran, StepRecord};

/// A step and what happened in it; no step for what the network did, and after the last one.
pub(super) struct Row<'a> {
    /// Its number in the run, whichever process ran it.
    pub(super) number: usize,
    pub(super) step: Option<&'a StepRecord>,
    pub(super) time: Option<Instant>,
    pub(super) events: Vec<&'a Event>,
}

/// The rows of a trace. A callback of the library's own is no row: only what it did is.
pub(super) fn rows_of(trace: &[Event]) -> Vec<Row<'_>> {
    let last = trace.iter().rposition(|event| matches!(event, Event::Step(_)));
    let (mut rows, mut events, mut number) = (Vec::new(), Vec::<&Event>::new(), 0);
    for (index, event) in trace.iter().enumerate() {
        match event {
            Event::Step(step) => {
                number += 1;
                let (events, others): (Vec<&Event>, Vec<&Event>) =
                    events.drain(..).partition(|event| is_part_of(event, step));
                rows.extend(others.into_iter().map(between));
                if last != Some(index) && step.ran == Ran::Callback && is_own(&step.lane) {
                    if !events.is_empty() {
                        rows.push(Row { number: 0, step: None, time: Some(step.time), events });
                    }
                } else if step.lane != "callback of the loop" || !events.is_empty() {
                    // The loop's own handles, such as the one that ends the run, are no business of the reader.
                    rows.push(Row { number, step: Some(step), time: Some(step.time), events });
                }
            }
            event
                if is_arrival(event) || is_of_world(event) && events.iter().all(|event| is_packet(event)) =>
            {
                rows.extend(events.drain(..).map(between));
                rows.push(between(event));
            }
            event => events.push(event),
        }
    }
    if !events.is_empty() {
        rows.push(Row { number: 0, step: None, time: None, events });
    }
    rows
}

fn between(event: &Event) -> Row<'_> {
    Row { number: 0, step: None, time: time_of(event), events: vec![event] }
}

/// The end of a packet's way: that is never the work of a step.
fn is_arrival(event: &Event) -> bool {
    let sent =
        |fate| matches!(fate, PacketFate::Sent | PacketFate::Lost | PacketFate::Damaged | PacketFate::Reset);
    matches!(event, Event::Packet(packet) if !sent(packet.fate))
}

fn is_packet(event: &Event) -> bool {
    matches!(event, Event::Packet(_))
}

fn is_of_world(event: &Event) -> bool {
    matches!(event, Event::World { .. })
}

/// Was it done by this step, as far as can be told?
fn is_part_of(event: &Event, step: &StepRecord) -> bool {
    let Event::Packet(packet) = event else { return true };
    let sent_by = |host: &str| packet.from.strip_prefix(host).is_some_and(|rest| rest.starts_with(':'));
    let same_host = match host_of(&step.lane) {
        Some(host) => sent_by(host),
        // The test's own process has no host's name, but an address; of a callback nobody knows the process.
        None => {
            step.ran == Ran::Callback || packet.from.starts_with(|first: char| "[0123456789".contains(first))
        }
    };
    packet.time == step.time && same_host
}

fn time_of(event: &Event) -> Option<Instant> {
    match event {
        Event::Packet(packet) => Some(packet.time),
        Event::World { time, .. } => Some(*time),
        _ => None,
    }
}

/// Is this entry of the ready queue a callback that the library made for itself?
pub(crate) fn is_own(lane: &str) -> bool {
    lane.strip_prefix("callback of ").is_some_and(is_own_file)
}

/// Is this a file of the library? To a program's author such a place says nothing.
pub(crate) fn is_own_file(path: &str) -> bool {
    // In a checkout the crates lie side by side, in a registry their folders have the crates' names.
    let own = file!().trim_end_matches("src/report/rows.rs");
    let Some(beside) = own.strip_suffix("sim/") else {
        let (registry, folder) = own.trim_end_matches('/').rsplit_once('/').unwrap_or(("", own));
        let of = |part: &str| format!("{registry}/{}", folder.replace("counterpoint-", part));
        return ["counterpoint-", "counterpoint-net-", "counterpoint-runtime-"]
            .iter()
            .any(|part| path.strip_prefix(&of(part)).is_some_and(|rest| rest.starts_with('/')));
    };
    let rest = path.strip_prefix(beside);
    rest.is_some_and(|rest| {
        ["sim/src/", "net/src/", "runtime/src/"].iter().any(|part| rest.starts_with(part))
    })
}
