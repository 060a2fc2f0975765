//! What is kept of a run beside its outcome, and what it follows: how each of its loops is made.

use crate::deviations::Deviations;
use crate::recording::Recording;
use crate::settings::Settings;
use counterpoint_runtime::schedule::{Directed, Lessons, Prefix};
use counterpoint_runtime::{EventLoop, EventLoopBuilder, Strategy};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is kept of a run beside its outcome, and what it follows.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    pub(crate) trace: bool,
    pub(crate) record: bool,
    /// The network draws nothing: everything there is ordinary.
    pub(crate) ordinary: bool,
    /// The run that is followed instead of strategy and draws.
    pub(crate) replay: Option<Arc<Recording>>,
    /// Steps are seen, by name, with footprints and what else was ready; draws are kept.
    pub(crate) seen: bool,
    /// The behaviour is fingerprinted.
    pub(crate) behaviour: bool,
    /// What earlier runs teach the strategy.
    pub(crate) lessons: Option<Arc<Lessons>>,
    /// What is followed instead of seed, profile, strategy and draws.
    pub(crate) deviations: Option<Arc<Deviations>>,
    /// Where what is followed ends, and how it goes on.
    pub(crate) continuation: Option<Arc<Continuation>>,
    /// How the steps of the program's own process begin.
    pub(crate) prefix: Option<Arc<Prefix>>,
}

/// Where deviations are followed no more, and any ready task may be next.
#[derive(Clone, Debug)]
pub(crate) struct Continuation {
    /// By the number of the loop: after so many of its steps. At once in a loop that is not named.
    pub(crate) after: BTreeMap<u32, u64>,
    /// The seed of what is drawn then.
    pub(crate) seed: u64,
}

impl Watch {
    /// A loop of a run that is watched like this.
    pub(crate) fn builder(&self, settings: &Settings, number: u32) -> EventLoopBuilder {
        let mut builder = EventLoop::builder()
            .number(number)
            .seed(self.seed(settings))
            .profile(settings.profile)
            .strategy(settings.strategy())
            .record(self.record)
            .seen(self.seen)
            .behaviour(self.behaviour);
        if let Some((min, max)) = settings.step_cost {
            builder = builder.step_cost(min, max);
        }
        // What is followed passes nobody over for ever.
        if let Some(steps) = settings.fair_after().filter(|_| self.deviations.is_none()) {
            builder = builder.fair_after(steps);
        }
        if let Some(lessons) = self.lessons.as_ref().and_then(|lessons| lessons.of_loop(number)) {
            builder = builder.lessons(Arc::clone(lessons));
        }
        if let Some(deviations) = &self.deviations {
            let constraints = deviations.loops.get(&number).cloned().unwrap_or_default();
            builder = builder
                .profile(deviations.profile)
                .strategy(Strategy::Fifo)
                .directed(Directed::Constraints(Arc::new(constraints)));
            if let Some(continuation) = &self.continuation {
                let after = continuation.after.get(&number).copied().unwrap_or(0);
                builder = builder.fair_after(after).schedule_seed(continuation.seed);
            }
        } else if let Some(prefix) = self.prefix.as_ref().filter(|_| number == 0) {
            builder = builder.directed(Directed::Prefix(Arc::clone(prefix)));
        }
        builder
    }

    /// The seed of all that is drawn, the order of steps included unless something else is followed there.
    pub(crate) fn seed(&self, settings: &Settings) -> u64 {
        self.deviations.as_ref().map_or_else(|| settings.loop_seed(), |deviations| deviations.data_seed)
    }
}
