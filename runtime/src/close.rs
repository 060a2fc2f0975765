//! The beginning and the end of a loop: made empty, closed in the order of creation, kept for the next run.
//!
//! Closing drops what the program left behind, outside of any access and in the order in which it was made: tasks that
//! did not end, then results, objects, contexts. Errors that nobody retrieved are reported there. Destructors find the
//! loop still current; what they make ready never runs. Then the loop leaves the register, and its handles are inert.

use crate::choices::{Purpose, Stream};
use crate::event_loop::{DefaultExecutor, EventLoop, EventLoopBuilder, Loop};
use crate::exceptions::{ErrorContext, Handlers, never_retrieved, report};
use crate::limits::Limits;
use crate::profile::Profile;
use crate::ready::Ready;
use crate::schedule::Seen;
use crate::slots::{BoxedBody, Cold, Kind, NONE, Slot, Word, flag};
use crate::store::{self, Objects, access, access_quietly};
use crate::strategy::Strategy;
use crate::tick::NO_WORD;
use crate::waits::{Rt, attention};
use crate::{Error, ErrorKind, Result};
use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::time::Duration;

impl EventLoop {
    /// Closes the loop: what did not run will not, and what it holds is dropped. Twice is fine.
    ///
    /// # Errors
    /// `Runtime` while it runs, or while a result of it is looked at.
    pub fn close(&self) -> Result<()> {
        let refused = access_quietly(self.id(), |l| match () {
            () if l.running => Some("cannot close a running event loop"),
            () if l.rt.looks != 0 => Some("cannot close an event loop while a result of it is looked at"),
            () => None,
        });
        match refused {
            None => Ok(()), // it is closed
            Some(Some(message)) => Err(Error::new(ErrorKind::Runtime, message)),
            Some(None) => {
                close(self.id());
                Ok(())
            }
        }
    }
}

/// Closes a loop that does not run.
#[cold]
pub(crate) fn close(loop_id: u64) {
    if !store::is_registered(loop_id) {
        return;
    }
    let current = store::make_current(loop_id);
    // Held, so that a report's handle is never the last; and a loop that ran as a thread no longer does.
    let in_thread = access(loop_id, |l| {
        l.handles += 1;
        std::mem::replace(&mut l.in_thread, false)
    });
    store::count_threads(-i32::from(in_thread == Some(true)));
    let mut first_panic = None;
    for slot in access(loop_id, |l| l.rt.begin_closing()).unwrap_or_default() {
        let pending = access(loop_id, |l| l.rt.take_for_closing(slot)).flatten();
        if let Some((body, context)) = pending {
            quietly(&mut first_panic, || report(loop_id, &context));
            quietly(&mut first_panic, || drop(body));
        }
    }
    for slot in access(loop_id, |l| l.rt.unretrieved()).unwrap_or_default() {
        if let Some((kind, error, task)) = access(loop_id, |l| l.rt.take_unretrieved(slot)).flatten() {
            quietly(&mut first_panic, || never_retrieved(loop_id, kind, error, task));
        }
    }
    // Whatever destructors made meanwhile is dropped as well, until nothing is left.
    loop {
        if access(loop_id, |l| l.has_rest()) == Some(true) {
            let rest = access(loop_id, Loop::take_rest);
            quietly(&mut first_panic, || drop(rest));
        } else if let Some(Some(handlers)) = access(loop_id, |l| l.handlers.take()) {
            quietly(&mut first_panic, || drop(handlers));
        } else {
            break;
        }
    }
    drop(current);
    if let Some(mut closed) = store::unregister(loop_id) {
        closed.reset();
        store::keep_spare(closed);
    }
    if let Some(panic) = first_panic
        && !std::thread::panicking()
    {
        resume_unwind(panic);
    }
}

/// Runs destructors or a handler of the program. One that panics must not keep the others from running.
fn quietly(first_panic: &mut Option<Box<dyn Any + Send>>, what: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(what)) {
        first_panic.get_or_insert(panic);
    }
}

impl Rt {
    /// Nothing runs any more. The live tasks, in the order of creation.
    fn begin_closing(&mut self) -> Vec<u32> {
        self.ready.clear(Profile::Fifo);
        self.timers.clear();
        self.live_tasks()
    }

    /// The coroutine of a task that was never ended, and what is to be said of it.
    fn take_for_closing(&mut self, slot: u32) -> Option<(BoxedBody, ErrorContext)> {
        if !self.slot(slot).is_live_task() {
            return None;
        }
        let name = self.task_name(slot);
        let this = self.slot_mut(slot);
        this.node.flags |= flag::ABORTED; // no abort may reach for the body that goes now
        this.word = this.word.next_generation(Kind::Task);
        let body = this.body.take()?;
        let context = ErrorContext::new("Task was destroyed but it is pending!").with_task(Some(name));
        Some((body, context))
    }

    fn unretrieved(&self) -> Vec<u32> {
        if self.all_slots_are_free() {
            return Vec::new();
        }
        let mut slots: Vec<u32> =
            (1..self.slots.len() as u32).filter(|slot| self.slot(*slot).is(flag::UNRETRIEVED)).collect();
        slots.sort_unstable_by_key(|slot| {
            (self.slot(*slot).word.kind() as u8, self.cold[*slot as usize].order)
        });
        slots
    }

    fn has_bodies(&self) -> bool {
        !self.all_slots_are_free() && self.slots.iter().any(|slot| slot.body.is_some())
    }

    pub(crate) fn empty(tag: u16) -> Rt {
        Rt {
            slots: Vec::new(),
            ready: Ready::new(Profile::Fifo),
            attention: 0,
            current: NONE,
            last: NONE,
            looks: 0,
            tag,
            current_word: NO_WORD,
            context: NONE,
            now: 0,
            fingerprint: 0,
            steps: 0,
            ended: 0,
            timers: crate::timers::Timers::default(),
            cold: Vec::new(),
            free: Vec::new(),
            first_generation: 0,
            created: 0,
            tasks_created: 0,
            messages: BTreeMap::new(),
            gathering: BTreeMap::new(),
            names: BTreeMap::new(),
            extras: Vec::new(),
            wakers: BTreeMap::new(),
            deferred: Vec::new(),
            trash: Vec::new(),
            aborted: Vec::new(),
            contexts: crate::contexts::Contexts::default(),
            counters: crate::lanes::Counters::default(),
            hashes: crate::lanes::Hashes::default(),
            observed: crate::steps::Steps::default(),
        }
    }

    pub(crate) fn configure(&mut self, settings: &EventLoopBuilder) {
        self.ready.clear(settings.profile);
        self.slots.push(Slot::unused(Word::new(self.tag, self.first_generation, Kind::Passive, NONE)));
        self.cold.push(Cold::default());
        if settings.step_keys {
            self.attention |= attention::KEYS;
        }
        if settings.footprints {
            self.attention |= attention::FOOTPRINTS;
        }
        if settings.step_cost.is_some() {
            self.attention |= attention::COST;
        }
        if settings.trace || settings.record || settings.replay.is_some() {
            self.attention |= attention::WATCHED;
            self.observed.trace = settings.trace.then(|| settings.sink.clone().unwrap_or_default());
            self.observed.recorded = settings.record.then(Vec::new);
            self.observed.replay.clone_from(&settings.replay);
        }
        if settings.profile == Profile::EveryAwait {
            self.attention |= attention::GIVES_WAY;
        }
        if settings.seen || settings.behaviour {
            self.attention |= attention::FOLLOWED;
            self.observed.seen = settings.seen.then(Seen::default);
            self.observed.behaviour =
                settings.behaviour.then(|| std::mem::take(&mut self.observed.spare_behaviour));
        }
        self.observed.loop_number = settings.number;
        self.observed.prefix.clone_from(&settings.lane_prefix);
        self.fingerprint = settings.profile as u64;
    }

    fn reset(&mut self) {
        self.slots.clear();
        self.cold.clear();
        self.free.clear();
        self.extras.clear();
        empty(&mut self.messages);
        empty(&mut self.gathering);
        empty(&mut self.names);
        self.aborted.clear();
        self.contexts.clear();
        self.counters.clear();
        self.observed.clear();
        self.timers.clear();
        (self.attention, self.current, self.last, self.current_word, self.context) =
            (0, NONE, NONE, NO_WORD, NONE);
        (self.now, self.fingerprint, self.steps, self.ended) = (0, 0, 0, 0);
        (self.created, self.tasks_created) = (0, 0);
        // A waker that outlived its run must not wake a slot of the next one.
        self.first_generation = self.first_generation.wrapping_mul(0x9E37_79B1).wrapping_add(0x5_1F35);
    }
}

impl Loop {
    pub(crate) fn empty() -> Loop {
        let settings = EventLoopBuilder::default();
        Loop {
            id: 0,
            rt: Rt::empty(take_tag()),
            objects: Objects::default(),
            picker: Strategy::Fifo.start(Profile::Fifo, None, None),
            schedule: Stream::new(0, Purpose::Schedule(0)),
            costs: Stream::new(0, Purpose::StepCost(0)),
            random: BTreeMap::new(),
            settings,
            name: Cow::Borrowed("main"),
            running: false,
            in_thread: false,
            stopping: false,
            cleaned: false,
            eager: false,
            debug: false,
            slow_callback: SLOW_CALLBACK,
            charged: 0,
            ticks: 0,
            limits: Limits::NONE,
            handles: 0,
            handlers: Handlers::default(),
            default_executor: DefaultExecutor::default(),
            kernel: None,
        }
    }

    /// Is anything left to drop outside of the access, beside the handlers?
    fn has_rest(&self) -> bool {
        let rt = &self.rt;
        rt.has_bodies()
            || self.objects.has_states()
            || !rt.wakers.is_empty()
            || !rt.deferred.is_empty()
            || !rt.trash.is_empty()
            || rt.contexts.has_values()
            || self.default_executor.pool.is_some()
            || self.kernel.is_some()
    }

    /// What is left to drop outside of the access. The kernel goes when nothing of the program is left.
    fn take_rest(&mut self) -> impl Sized + use<> {
        let rt = &mut self.rt;
        let bodies: Vec<BoxedBody> = rt.slots.iter_mut().filter_map(|slot| slot.body.take()).collect();
        let objects = self.objects.take_states();
        let wakers = (std::mem::take(&mut rt.wakers), std::mem::take(&mut rt.deferred));
        let trash = std::mem::take(&mut rt.trash);
        let contexts = rt.contexts.take_values();
        let handlers = self.handlers.take(); // nobody is told of what comes to light from here on
        let executor = self.default_executor.pool.take();
        let kernel = if bodies.is_empty() && objects.is_empty() { self.kernel.take() } else { None };
        (bodies, objects, wakers, trash, contexts, handlers, executor, kernel)
    }

    fn reset(&mut self) {
        self.rt.reset();
        empty(&mut self.random);
        self.objects.clear();
        (self.running, self.in_thread, self.stopping, self.cleaned) = (false, false, false, false);
        (self.eager, self.debug, self.slow_callback) = (false, false, SLOW_CALLBACK);
        (self.charged, self.ticks, self.limits) = (0, 0, Limits::NONE);
        self.default_executor.shutdown_called = false;
    }
}

/// Empties a map. `clear` makes a new one and drops the old, even where nothing is in it.
pub(crate) fn empty<K, V>(map: &mut BTreeMap<K, V>) {
    if !map.is_empty() {
        map.clear();
    }
}

const SLOW_CALLBACK: Duration = Duration::from_millis(100);

/// Tags that no loop of the process has. A tag goes with the allocation of a loop, which its thread keeps for the next
/// run: so no two live loops share one, and no run takes a lock for it.
static TAGS: Mutex<Tags> = Mutex::new(Tags { next: 1, free: Vec::new() });

struct Tags {
    next: u16,
    free: Vec<u16>,
}

fn take_tag() -> u16 {
    let mut tags = TAGS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(tag) = tags.free.pop() {
        return tag;
    }
    let tag = tags.next;
    assert!(tag != u16::MAX, "at most 65,534 event loops live at a time");
    tags.next += 1;
    tag
}

impl Drop for Loop {
    fn drop(&mut self) {
        TAGS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).free.push(self.rt.tag);
    }
}

/// Lets a run that ended mid-step, by a panic, be closed.
pub(crate) fn force_idle(loop_id: u64) {
    let _ = access_quietly(loop_id, |l| {
        (l.running, l.stopping) = (false, false);
        l.leave_step();
    });
}
