//! What the program logs with `tracing`, in the trace of its run: at its step, with virtual time and task.
//!
//! The subscriber is set for one traced run on its thread, never for the process. `RUST_LOG` filters, as usual;
//! without it, events from `INFO` up are kept. Span numbers are the process's own and differ from run to run, so
//! they are not written: a span is its name.

use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Registry};

/// A subscriber by which the events of a thread go to the trace of the loop that runs there.
pub(crate) fn into_trace() -> Dispatch {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    Dispatch::new(Registry::default().with(filter).with(IntoTrace))
}

struct IntoTrace;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for IntoTrace {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !counterpoint_runtime::trace::enabled() {
            return;
        }
        let mut line = Line { text: event.metadata().level().to_string(), fields: String::new() };
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            let _ = write!(line.text, " {}:", span.name());
        }
        event.record(&mut line);
        counterpoint_runtime::trace::log(line.text + &line.fields);
    }
}

struct Line {
    text: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.text, " {value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
