//! What is known of steps when somebody asks: keys, footprints, recording, replay, trace.
//!
//! All of it is off in a hunt, behind the bits of [`Rt::attention`]: one test a step. A failing run is run again with
//! them on. A *step key* names a step so that it survives edits: the lane, what was awaited, and the visit of that
//! await in that lane. A *footprint* is the set of objects that a step read and wrote.

use crate::choices::recording::{Divergence, RecordedStep, Replay};
use crate::clock::Instant;
use crate::close::empty;
use crate::footprints::Footprint;
use crate::lanes::{self, Counters};
use crate::ops::Op;
use crate::ready::LANE;
use crate::schedule::{Behaviour, Seen, StepName, Touched};
use crate::slots::{Kind, NONE, Word};
use crate::store::{Objects, access_current_if_free};
use crate::trace::{Event, Ran, Sink, StepRecord};
use crate::waits::{Rt, attention};
use std::collections::BTreeMap;

/// The observers of a loop's steps.
#[derive(Default)]
pub(crate) struct Steps {
    /// By slot: the name of the step that its wait will end in; none if it was used up.
    pub(crate) names: Vec<Option<StepName>>,
    /// By object: what names it through edits, the hash of its kind, its creator's lane, and its number there; of an
    /// object with a name, the hash of that.
    object_keys: Vec<u64>,
    pub(crate) visits: Counters,
    /// What the running step touched, by number.
    pub(crate) footprint: Footprint,
    /// The same by the names of the objects, once the step is over.
    pub(crate) touched: Vec<Touched>,
    /// The step that runs, while its footprint is waited for.
    pub(crate) followed: Option<StepName>,
    /// The name of the entry that a strategy has just picked.
    pub(crate) picked_name: Option<StepName>,
    pub(crate) seen: Option<Seen>,
    pub(crate) behaviour: Option<Behaviour>,
    /// The room of an earlier run's.
    pub(crate) spare_behaviour: Behaviour,
    /// By the slot of a callback: the seen step that put it into the line.
    causes: BTreeMap<u32, u32>,
    /// The strategy says that the run repeats one that was made.
    pub(crate) redundant: bool,
    /// The number of the loop in its run.
    pub(crate) loop_number: u32,
    /// Tasks whose step is suspended under an eager one.
    pub(crate) suspended: Vec<u32>,
    /// Eager tasks whose first step made tasks: by slot, their number and that of the last one made before they
    /// were returned. A stale entry is told by its number.
    pub(crate) returned_late: BTreeMap<u32, (u32, u32)>,
    pub(crate) recorded: Option<Vec<RecordedStep>>,
    pub(crate) replay: Option<Replay>,
    pub(crate) diverged: Option<Divergence>,
    pub(crate) trace: Option<Sink>,
    /// What lane paths begin with: the host and process, in a world of several.
    pub(crate) prefix: String,
    /// Lane paths by slot, while traced or recorded.
    paths: BTreeMap<u32, String>,
    /// The step that runs, until it is known what it touched.
    open: Option<(u32, StepRecord)>,
    picked: Picked,
}

/// The step that runs: which one it is, and whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningStep {
    /// The task's lane path, or what the callback is called in reports; the last part of the path alone while nobody
    /// traces or records.
    pub lane: String,
    /// A hash of the lane path: the same whether or not somebody traces.
    pub lane_hash: u64,
    /// The number of the step.
    pub number: u64,
}

/// The step that runs on this thread, if one does. Never panics, and may be asked for from anywhere.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// assert_eq!(asyncio::running_step(), None);
/// let number = asyncio::run(async { Ok(asyncio::running_step().expect("this one").number) })?;
/// assert_eq!(number, 1);
/// # Ok::<(), asyncio::Error>(())
/// ```
pub fn running_step() -> Option<RunningStep> {
    let running = access_current_if_free(|l| {
        let slot = l.rt.current;
        (slot != NONE).then(|| RunningStep {
            lane: l.rt.entry_name(l.rt.slot(slot).word),
            lane_hash: l.rt.cold[slot as usize].lane,
            number: l.rt.steps,
        })
    });
    running.flatten()
}

/// How the running step was chosen.
#[derive(Clone, Copy, Default)]
struct Picked {
    rank: u32,
    ready: u32,
}

impl Steps {
    /// Names an object for step keys.
    pub(crate) fn set_object_key(&mut self, object: u32, key: u64) {
        if self.object_keys.len() <= object as usize {
            self.object_keys.resize(object as usize + 1, 0);
        }
        self.object_keys[object as usize] = key;
    }

    /// The name of the step that the wait of a slot will end in.
    pub(crate) fn name_of_slot(&mut self, slot: u32) -> &mut Option<StepName> {
        if self.names.len() <= slot as usize {
            self.names.resize(slot as usize + 1, None);
        }
        &mut self.names[slot as usize]
    }

    /// How the entry was chosen that runs next.
    pub(crate) fn note_picked(&mut self, rank: u32, ready: u32) {
        self.picked = Picked { rank, ready };
    }

    /// What names an object through edits.
    pub(crate) fn object_key(&self, object: u32) -> u64 {
        self.object_keys[object as usize]
    }

    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.touched.clear();
        (self.followed, self.picked_name) = (None, None);
        self.seen = None;
        if let Some(mut behaviour) = self.behaviour.take() {
            behaviour.clear();
            self.spare_behaviour = behaviour;
        }
        self.causes.clear();
        (self.redundant, self.loop_number) = (false, 0);
        self.object_keys.clear();
        self.visits.clear();
        self.footprint.clear();
        self.suspended.clear();
        empty(&mut self.returned_late);
        empty(&mut self.paths);
        self.prefix.clear();
        (self.recorded, self.replay, self.diverged, self.trace) = (None, None, None, None);
        self.open = None;
    }
}

impl Rt {
    /// The key of the step in which a wait will end: lane, operation, object, visit.
    #[inline(never)]
    pub(crate) fn key_of_wait(&mut self, node: u32, op: Op, object: u32) {
        let owner = if self.slot(node).is(crate::slots::flag::EXTRA) { self.current } else { node };
        let lane = self.cold[owner as usize].lane;
        let object = match op {
            _ if object == NONE => 0,
            Op::Await | Op::AwaitSelf => self.cold[object as usize].lane,
            _ => self.observed.object_keys[object as usize],
        };
        let awaited = lanes::mix(op as u64, object);
        let visit = self.observed.visits.next(lanes::mix(lane, awaited));
        *self.observed.name_of_slot(owner) = Some(StepName { lane, awaited, visit });
    }

    /// A step begins whose footprint is asked for: `others` are what else is ready.
    pub(crate) fn begin_followed(&mut self, word: Word, name: StepName) {
        self.observed.followed = Some(name);
        if self.observed.seen.is_none() {
            return;
        }
        let older = self.observed.picked.rank as usize;
        let (mut others, mut rank) = (Vec::new(), 0);
        let shown: Vec<(Word, Option<StepName>)> = self.ready.others_oldest_first();
        for (index, (other, other_name)) in shown.into_iter().enumerate() {
            // The line that the callback was taken from stands again, but its next one could not have run before.
            let stands_again = other == LANE && word.kind() == Kind::Callback;
            if stands_again || self.is_stale(other) {
                continue;
            }
            rank += u32::from(index < older);
            let other_name = other_name.unwrap_or_else(|| self.peek_name(other));
            others.push(other_name);
        }
        let place = self.slot(word.slot()).node.place;
        let time = self.now;
        let cause = self.observed.causes.remove(&word.slot());
        if let Some(seen) = &mut self.observed.seen {
            seen.began(name, rank, time, place, others);
            if let Some(cause) = cause {
                seen.caused(cause);
            }
        }
    }

    /// The running step, if one runs, puts a callback into the line.
    #[cold]
    pub(crate) fn note_cause(&mut self, slot: u32) {
        let Some(seen) = &self.observed.seen else { return };
        let steps = seen.steps().len() as u32;
        match steps.checked_sub(1).filter(|_| self.current != NONE) {
            Some(cause) => self.observed.causes.insert(slot, cause),
            None => self.observed.causes.remove(&slot),
        };
    }

    /// A task was made while somebody watches.
    pub(crate) fn observe_spawn(&mut self, slot: u32, name: &str) {
        if let Some(name) = self.observed.names.get_mut(slot as usize) {
            *name = None;
        }
        if self.attention & attention::WATCHED == 0 {
            return;
        }
        let parent = self.observed.paths.get(&self.current).cloned();
        let name = lanes::short_name(name);
        let nth = self.cold[slot as usize].nth;
        let own = if nth == 1 { name.to_owned() } else { format!("{name}#{nth}") };
        let path = match parent {
            Some(parent) => format!("{parent}/{own}"),
            None => format!("{}{own}", self.observed.prefix),
        };
        if let Some(trace) = &self.observed.trace {
            let (task, place) = (path.clone(), self.slots[slot as usize].node.place);
            trace.push(Event::TaskCreated { task, time: Instant::from_nanos(self.now), place });
        }
        self.observed.paths.insert(slot, path);
    }

    /// A cancel was requested of a task.
    #[inline(always)]
    pub(crate) fn observe_cancel(&mut self, slot: u32) {
        if self.attention & attention::WATCHED != 0 {
            let (task, time) = (self.lane_path(slot), Instant::from_nanos(self.now));
            if let Some(trace) = &self.observed.trace {
                trace.push(Event::CancelRequested { task, time });
            }
        }
    }

    /// A task ended.
    pub(crate) fn observe_end(&mut self, slot: u32, how: crate::slots::Ended) {
        let (task, time) = (self.lane_path(slot), Instant::from_nanos(self.now));
        let how = match how {
            crate::slots::Ended::Finished => crate::trace::End::Finished,
            crate::slots::Ended::Failed => crate::trace::End::Failed,
            crate::slots::Ended::Cancelled => crate::trace::End::Cancelled,
        };
        if let Some(trace) = &self.observed.trace {
            trace.push(Event::TaskEnded { task, time, how });
        }
    }

    /// The path of a lane, for people: exact while watched, else its own part of it.
    pub(crate) fn lane_path(&self, slot: u32) -> String {
        if let Some(path) = self.observed.paths.get(&slot) {
            return path.clone();
        }
        let this = self.slot(slot);
        let name = match (self.names.get(&slot), &this.body) {
            (Some(name), _) => name.as_str(),
            (None, Some(body)) => lanes::short_name(body.function()),
            (None, None) => "future",
        };
        match self.cold[slot as usize].nth {
            0 | 1 => format!("{}{name}", self.observed.prefix),
            nth => format!("{}{name}#{nth}", self.observed.prefix),
        }
    }

    /// What an entry of the ready queue stands for, in words.
    pub(crate) fn entry_name(&self, word: Word) -> String {
        match word.kind() {
            Kind::Task => self.lane_path(word.slot()),
            Kind::Timer => format!("timer of {}", self.lane_path(word.slot())),
            Kind::Callback => format!("callback of {}", self.lane_of_callback(word.slot())),
            Kind::Passive => match self.ready.first_callback() {
                Some(callback) => self.entry_name(callback),
                None => "callbacks".to_owned(),
            },
        }
    }

    fn lane_of_callback(&self, slot: u32) -> String {
        match self.slot(slot).node.place.filter(|place| !crate::error::is_ours(place)) {
            Some(place) => format!("{}:{}", place.file(), place.line()),
            None => "the loop".to_owned(),
        }
    }

    /// Chooses the next entry while somebody watches: draws as `pick` does, and notes the rank of what was chosen.
    pub(crate) fn pick_watched(&mut self, pick: impl FnOnce(&mut Rt, usize) -> usize) -> Option<Word> {
        if self.ready.is_empty() {
            return None;
        }
        self.ready.rank_arrivals();
        let count = self.ready.len();
        let index = match &mut self.observed.replay {
            Some(replay) => match replay.next_rank(count) {
                Ok(rank) => self.ready.index_of(rank),
                Err(divergence) => {
                    self.note_divergence(divergence);
                    self.ready.index_of(0)
                }
            },
            None => pick(self, count),
        };
        let rank = self.ready.rank_of(index) as u32;
        self.observed.note_picked(rank, count as u32);
        Some(self.ready.take_ranked(index))
    }

    /// A step begins.
    pub(crate) fn open_step(&mut self, word: Word, name: String, step_name: StepName, tick: u64) {
        let Picked { rank, ready } = self.observed.picked;
        let check = self.fingerprint as u16;
        if let Some(replay) = &mut self.observed.replay
            && let Err(divergence) = replay.check(check, &name)
        {
            self.note_divergence(divergence);
        }
        if let Some(recorded) = &mut self.observed.recorded {
            recorded.push(RecordedStep { lane: name.clone(), rank, ready, check });
        }
        if self.observed.trace.is_some() {
            let others = self.ready.oldest_first().into_iter().map(|other| self.entry_name(other)).collect();
            let node = &self.slot(word.slot()).node;
            let (op, place) = (node.op, node.place);
            let step = StepRecord {
                number: self.steps,
                tick,
                time: Instant::from_nanos(self.now),
                lane: name,
                ran: match word.kind() {
                    Kind::Task => Ran::Task,
                    Kind::Timer => Ran::Timer,
                    Kind::Callback | Kind::Passive => Ran::Callback,
                },
                op,
                loop_number: self.observed.loop_number,
                name: step_name,
                footprint: Vec::new(),
                choice: rank,
                others,
                place,
                waits: None,
            };
            self.observed.open = Some((word.slot(), step));
        }
    }

    /// The step that ran last is over: now it is known what it touched.
    pub(crate) fn close_step(&mut self, objects: &Objects) {
        let Some((slot, mut step)) = self.observed.open.take() else { return };
        if step.ran == Ran::Task && self.last != slot && self.slot(slot).is_live_task() {
            step.waits = Some(crate::deadlock::waiting_task(self, objects, slot));
        }
        step.footprint = self.tell_footprint(objects);
        self.observed.trace.as_ref().expect("a step is open only while traced").push(Event::Step(step));
    }

    #[cold]
    fn note_divergence(&mut self, divergence: Divergence) {
        let step = self.steps;
        self.observed.diverged.get_or_insert(divergence.at_step(step));
    }
}
