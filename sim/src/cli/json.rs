//! The same as the text, for programs.
//!
//! Numbers of 64 bits that are no counts (fingerprints, step keys) are hexadecimal texts: JSON's numbers are floats to
//! most who read them.

use crate::ending::Run;
use crate::outcome::{Failure, Outcome};
use crate::settings::Settings;
use counterpoint_runtime::WaitingTask;
use counterpoint_runtime::trace::{End, Event, Ran, StepRecord};
use serde_json::{Value, json};
use std::panic::Location;

/// One line of JSON for each event.
pub(super) fn trace(events: &[Event]) -> String {
    events.iter().map(|event| event_value(event).to_string() + "\n").collect()
}

fn event_value(event: &Event) -> Value {
    match event {
        Event::Step(step) => step_value(step),
        Event::TaskCreated { task, time, place } => json!({
            "event": "task-created", "task": task, "time_ns": time.as_nanos(), "place": place.map(text_of_place),
        }),
        Event::TaskEnded { task, time, how } => {
            let how = match how {
                End::Finished => "finished",
                End::Failed => "failed",
                End::Cancelled => "cancelled",
            };
            json!({ "event": "task-ended", "task": task, "time_ns": time.as_nanos(), "how": how })
        }
        Event::CancelRequested { task, time } => {
            json!({ "event": "cancel-requested", "task": task, "time_ns": time.as_nanos() })
        }
        Event::Packet(packet) => json!({
            "event": "packet", "time_ns": packet.time.as_nanos(), "from": packet.from, "to": packet.to,
            "what": packet.what, "fate": packet.fate.name(),
        }),
        Event::World { time, host, what } => {
            json!({ "event": "world", "time_ns": time.as_nanos(), "host": host, "what": what })
        }
        Event::Log { task, time, text } => {
            json!({ "event": "log", "task": task, "time_ns": time.as_nanos(), "text": text })
        }
    }
}

fn step_value(step: &StepRecord) -> Value {
    let touched = |write| -> Vec<&str> {
        let touched = step.footprint.iter().filter(|access| access.write == write);
        touched.map(|access| access.object.as_str()).collect()
    };
    json!({
        "event": "step",
        "step": step.number,
        "tick": step.tick,
        "time": step.time.to_string(),
        "time_ns": step.time.as_nanos(),
        "lane": step.lane,
        "ran": match step.ran {
            Ran::Task => "task",
            Ran::Callback => "callback",
            Ran::Timer => "timer",
        },
        "op": step.op.name(),
        "key": hex(step.name.key()),
        "reads": touched(false),
        "writes": touched(true),
        "choice": step.choice,
        "also_ready": step.others,
        "place": step.place.map(text_of_place),
        "waits": step.waits.as_ref().map(waits),
    })
}

fn waits(waits: &WaitingTask) -> Value {
    json!({
        "op": waits.op.name(),
        "object": waits.object,
        "holder": waits.holder,
        "place": waits.place.map(text_of_place),
    })
}

/// What a run ended in.
pub(super) fn run(name: &str, fixed: bool, settings: &Settings, run: &Run) -> Value {
    let reason = match &run.outcome {
        Outcome::Inconclusive(reason) => Some(reason),
        _ => None,
    };
    json!({
        "scenario": name,
        "fixed": fixed,
        "seed": settings.seed,
        "run": settings.number,
        "profile": settings.profile.name(),
        "strategy": settings.strategy().name(),
        "outcome": run.outcome.name(),
        "reason": reason,
        "failure": run.outcome.failure().map(failure),
        "fingerprint": hex(run.fingerprint),
        "steps": run.steps,
        "ticks": run.ticks,
        "time": run.time.to_string(),
        "time_ns": run.time.as_nanos(),
        "notes": run.notes,
    })
}

pub(super) fn failure(failure: &Failure) -> Value {
    let waiting = |task: &WaitingTask| {
        let mut value = waits(task);
        value["task"] = json!(task.task);
        value["in_cycle"] = json!(task.in_cycle);
        value
    };
    let deadlock = failure.deadlock.as_ref();
    json!({
        "kind": failure.kind.name(),
        "identity": hex(failure.identity.digest()),
        "message": failure.message,
        "task": failure.task,
        "place": failure.place,
        "time_ns": failure.time.as_nanos(),
        "step": failure.step,
        "waiting": deadlock.map(|deadlock| deadlock.tasks.iter().map(waiting).collect::<Vec<_>>()),
    })
}

pub(super) fn hex(number: u64) -> String {
    format!("{number:016x}")
}

fn text_of_place(place: &Location<'_>) -> String {
    format!("{}:{}", place.file(), place.line())
}
