//! What a loop is made of: everything that decides its run.

use super::{EventLoop, Loop};
use crate::choices::recording::Replay;
use crate::profile::Profile;
use crate::schedule::{Directed, LoopLessons};
use crate::store;
use crate::strategy::Strategy;
use crate::trace::Sink;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What a loop is made of: everything that decides its run.
#[derive(Clone, Debug)]
pub struct EventLoopBuilder {
    pub(crate) seed: u64,
    pub(crate) number: u32,
    pub(crate) profile: Profile,
    pub(crate) strategy: Strategy,
    pub(crate) name: Cow<'static, str>,
    pub(crate) step_cost: Option<(Duration, Duration)>,
    pub(crate) step_keys: bool,
    pub(crate) footprints: bool,
    pub(crate) trace: bool,
    pub(crate) sink: Option<Sink>,
    pub(crate) lane_prefix: String,
    pub(crate) record: bool,
    pub(crate) replay: Option<Replay>,
    pub(crate) directed: Option<Directed>,
    pub(crate) lessons: Option<Arc<LoopLessons>>,
    pub(crate) fair_after: Option<u64>,
    pub(crate) schedule_seed: Option<u64>,
    pub(crate) seen: bool,
    pub(crate) behaviour: bool,
}

impl Default for EventLoopBuilder {
    fn default() -> EventLoopBuilder {
        EventLoopBuilder {
            seed: 0,
            number: 0,
            profile: Profile::Fifo,
            strategy: Strategy::Fifo,
            name: Cow::Borrowed("main"),
            step_cost: None,
            step_keys: false,
            footprints: false,
            trace: false,
            sink: None,
            lane_prefix: String::new(),
            record: false,
            replay: None,
            directed: None,
            lessons: None,
            fair_after: None,
            schedule_seed: None,
            seen: false,
            behaviour: false,
        }
    }
}

impl EventLoopBuilder {
    /// Sets the seed from which all choices of the run follow. Default: 0.
    pub fn seed(self, seed: u64) -> EventLoopBuilder {
        EventLoopBuilder { seed, ..self }
    }

    /// Sets the number of the loop in its run: each number has streams of choices of its own. Default: 0.
    pub fn number(self, number: u32) -> EventLoopBuilder {
        EventLoopBuilder { number, ..self }
    }

    /// Sets which orders are legal. Default: [`Profile::Fifo`].
    pub fn profile(self, profile: Profile) -> EventLoopBuilder {
        EventLoopBuilder { profile, ..self }
    }

    /// Sets how legal orders are sampled. Default: [`Strategy::Fifo`].
    pub fn strategy(self, strategy: Strategy) -> EventLoopBuilder {
        EventLoopBuilder { strategy, ..self }
    }

    /// Names the loop, for errors. Default: `main`.
    pub fn name(self, name: impl Into<Cow<'static, str>>) -> EventLoopBuilder {
        EventLoopBuilder { name: name.into(), ..self }
    }

    /// Charges each step a drawn time between `min` and `max`, so that timers race with ready tasks. Default: none.
    pub fn step_cost(self, min: Duration, max: Duration) -> EventLoopBuilder {
        EventLoopBuilder { step_cost: Some((min, max.max(min))), ..self }
    }

    /// Names each step by lane, operation, object and visit. Costs about half of a yield. Default: off.
    pub fn step_keys(self, on: bool) -> EventLoopBuilder {
        EventLoopBuilder { step_keys: on, ..self }
    }

    /// Notes which objects each step reads and writes. Default: off.
    pub fn footprints(self, on: bool) -> EventLoopBuilder {
        EventLoopBuilder { footprints: on, ..self }
    }

    /// Keeps a trace of the run, with step keys and footprints. Default: off.
    pub fn trace(self, on: bool) -> EventLoopBuilder {
        EventLoopBuilder {
            trace: on,
            step_keys: on || self.step_keys,
            footprints: on || self.footprints,
            ..self
        }
    }

    /// Keeps a trace of the run in a list that others write to as well.
    pub fn trace_into(self, sink: Sink) -> EventLoopBuilder {
        EventLoopBuilder { sink: Some(sink), ..self.trace(true) }
    }

    /// Sets what the lane paths of the loop begin with, where several loops of a run are told apart. Default: nothing.
    pub fn lane_prefix(self, prefix: impl Into<String>) -> EventLoopBuilder {
        EventLoopBuilder { lane_prefix: prefix.into(), ..self }
    }

    /// Keeps a strict recording of the run. Default: off.
    pub fn record(self, on: bool) -> EventLoopBuilder {
        EventLoopBuilder { record: on, ..self }
    }

    /// Follows a recording instead of the strategy. The run ends with an error that holds a
    /// [`Divergence`](crate::choices::recording::Divergence) at the first step that is not as recorded.
    pub fn replay(self, replay: Replay) -> EventLoopBuilder {
        EventLoopBuilder { replay: Some(replay), ..self }
    }

    /// Follows these constraints, or this beginning, instead of the strategy; names steps. Without a meaning under
    /// [`Profile::Fifo`], where only one order is legal.
    pub fn directed(self, directed: Directed) -> EventLoopBuilder {
        EventLoopBuilder { directed: Some(directed), step_keys: true, ..self }
    }

    /// Sets what earlier runs teach the strategy.
    pub fn lessons(self, lessons: Arc<LoopLessons>) -> EventLoopBuilder {
        EventLoopBuilder { lessons: Some(lessons), ..self }
    }

    /// Samples by a random walk after so many steps, whatever the strategy: nobody is passed over for ever.
    pub fn fair_after(self, steps: u64) -> EventLoopBuilder {
        EventLoopBuilder { fair_after: Some(steps), ..self }
    }

    /// Sets the seed of the order of steps, where it is another than that of all other choices.
    pub fn schedule_seed(self, seed: u64) -> EventLoopBuilder {
        EventLoopBuilder { schedule_seed: Some(seed), ..self }
    }

    /// Keeps what was [`Seen`](crate::schedule::Seen) of each step, with names and footprints. Default: off.
    pub fn seen(self, on: bool) -> EventLoopBuilder {
        EventLoopBuilder {
            seen: on,
            step_keys: on || self.step_keys,
            footprints: on || self.footprints,
            ..self
        }
    }

    /// Keeps the [`Behaviour`](crate::schedule::Behaviour), from names and footprints. Default: off.
    pub fn behaviour(self, on: bool) -> EventLoopBuilder {
        EventLoopBuilder {
            behaviour: on,
            step_keys: on || self.step_keys,
            footprints: on || self.footprints,
            ..self
        }
    }

    /// Makes the loop on this thread.
    pub fn build(self) -> EventLoop {
        let empty = store::take_spare().unwrap_or_else(|| Box::new(Loop::empty()));
        EventLoop { id: store::register(empty, |made, id| made.begin(id, self)) }
    }
}
