//! One turn of the loop: CPython's `_run_once`, without the `select`.
//!
//! 1. What the kernel has for the loop, then timers that are due, move to the ready queue, behind what is there.
//! 2. n = the entries that are ready now. Exactly n are picked; a stale one (of a task that ended, a handle that was
//!    cancelled) counts and runs nothing.
//! 3. A picked task is a *step*: its body is polled once. If it ended, those who wait for it are made ready.
//!
//! The loop is entered once a step ([`Loop::next_step`]); the body runs outside of it. What is rare between two steps
//! hangs on one word, [`Rt::attention`].
#![allow(
    unsafe_code,
    reason = "bodies are run in place, through a pointer: moving them out and back costs a tenth"
)]

use crate::Error;
use crate::clock::{self, Instant};
use crate::event_loop::Loop;
use crate::exceptions::{ErrorContext, report};
use crate::futures::Future;
use crate::kernel::Readiness;
use crate::profile::Profile;
use crate::ready::LANE;
use crate::schedule::Touch;
use crate::slots::{Body, Ended, Kind, NONE, Word, flag};
use crate::store::{self, access, access_quietly};
use crate::waits::{MUST, Rt, attention};
use crate::wakers::{address, end_body, run_body, take_woken, woken_from_outside};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::task::Poll;

/// No waker's data is this: what [`Rt::current_word`] is between steps.
pub(crate) const NO_WORD: u64 = u64::MAX;

const FINGERPRINT_MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// What to do next.
enum Next {
    Run(NonNull<dyn Body>, Word),
    /// The entry ran nothing of the program.
    Done,
    /// Something is to be looked after outside of the loop first.
    Attend,
    Empty,
}

/// What comes after a tick.
enum AfterTick {
    /// Something is to be looked after outside of the loop first.
    Attend,
    /// The next tick, with so many entries.
    Again(usize),
    Ended(Turned),
}

/// Why the loop gave control back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    /// `stop` was called.
    Stopped,
    /// The tick is over, or the loop needs its driver.
    Waits,
}

/// One tick. False once the loop has been stopped.
#[track_caller]
pub(crate) fn tick(loop_id: u64, now: Instant, readiness: &Readiness) -> bool {
    let begun = access(loop_id, |l| l.begin_tick(now.as_nanos(), readiness));
    begun.is_some_and(|count| run(loop_id, count, false) == Turned::Waits)
}

/// Ticks under virtual time for as long as the loop alone is driven: until it is stopped, or needs its driver.
pub(crate) fn turn(loop_id: u64) -> Turned {
    match access(loop_id, Loop::begin_turn) {
        Some(Some(count)) => run(loop_id, count, true),
        _ => Turned::Waits,
    }
}

/// Runs so many entries; if `alone`, the following ticks as well.
fn run(loop_id: u64, count: usize, alone: bool) -> Turned {
    let mut left = count;
    loop {
        if left == 0 {
            match access(loop_id, |l| l.end_tick(alone)) {
                Some(AfterTick::Again(count)) => left = count,
                Some(AfterTick::Attend) => attend(loop_id),
                Some(AfterTick::Ended(turned)) => return turned,
                None => return Turned::Waits,
            }
            continue;
        }
        match access(loop_id, Loop::next_step) {
            Some(Next::Run(body, word)) => {
                left -= 1;
                // SAFETY: `next_step` found the body in the slot that `word` names and marked the slot as running.
                // While it is, its body is neither dropped nor taken out: `abort` and `cancel_callback` look at the
                // mark, handles that go leave a task that is not done, and a loop cannot be closed while it runs.
                let ran = catch_unwind(AssertUnwindSafe(|| unsafe { run_body(body, word) }));
                match ran {
                    Ok(Poll::Pending) => {}
                    Ok(Poll::Ready(ended)) => end_step(loop_id, body, word, ended),
                    Err(panic) => {
                        let _ = access(loop_id, |l| {
                            l.rt.last = l.rt.current;
                            l.leave_step();
                        });
                        resume_unwind(panic);
                    }
                }
            }
            Some(Next::Done) => left -= 1,
            Some(Next::Attend) => attend(loop_id),
            Some(Next::Empty) | None => left = 0,
        }
    }
}

impl Loop {
    /// Begins a tick with what the kernel has for the loop; how many entries are ready.
    fn begin_tick(&mut self, now: u64, readiness: &Readiness) -> usize {
        self.rt.ready.compact();
        if woken_from_outside() {
            self.rt.take_woken();
        }
        readiness.tell(&mut self.rt, &mut self.objects);
        self.begin_timers(now)
    }

    /// The timers' part of the beginning of a tick: those that are due move to the ready queue.
    #[inline(always)]
    fn begin_timers(&mut self, now: u64) -> usize {
        self.ticks += 1;
        if now > self.rt.now {
            self.rt.set_now(now);
        }
        if self.rt.timers.cancelled_count != 0 {
            self.clean_timers();
        }
        self.cleaned = false;
        let fifo = self.settings.profile == Profile::Fifo;
        while let Some(timer) = self.rt.timers.first()
            && timer.at <= self.rt.now
        {
            self.rt.timers.pop();
            self.rt.timer_is_due(timer.slot, timer.wait, fifo);
        }
        self.rt.ready.len()
    }

    /// Begins the next tick under virtual time; none if nothing can run, a kernel is to be asked, or a limit or a replay
    /// ends the run.
    #[inline(always)]
    fn begin_turn(&mut self) -> Option<usize> {
        if self.kernel.is_some() {
            return None;
        }
        let mut now = self.rt.now;
        if self.rt.ready.is_empty() && !self.stopping {
            now = self.next_deadline()?;
        }
        if self.is_over_limit(now) || self.rt.observed.diverged.is_some() || self.rt.observed.redundant {
            return None;
        }
        self.rt.ready.compact();
        if woken_from_outside() {
            self.rt.take_woken();
        }
        Some(self.begin_timers(now))
    }

    /// Ends a tick, and begins the next one if nobody else is driven.
    #[inline(always)]
    fn end_tick(&mut self, alone: bool) -> AfterTick {
        if self.rt.attention & (attention::WAKERS | attention::TRASH) != 0 {
            return AfterTick::Attend;
        }
        self.leave_step();
        if self.stopping {
            self.stopping = false;
            return AfterTick::Ended(Turned::Stopped);
        }
        if alone
            && store::threads_count() == 0
            && let Some(count) = self.begin_turn()
        {
            return AfterTick::Again(count);
        }
        AfterTick::Ended(Turned::Waits)
    }

    #[inline(always)]
    fn next_step(&mut self) -> Next {
        if self.rt.attention != 0 {
            return self.next_step_attended();
        }
        match self.picker.pick(&mut self.rt.ready, &mut self.schedule) {
            Some(word) => self.rt.enter(word),
            None => self.next_ordered(),
        }
    }

    /// The vector gave nothing: it is empty, or the strategy has an order of its own.
    #[inline(never)]
    fn next_ordered(&mut self) -> Next {
        match self.pick_ordered() {
            Some(word) => self.rt.enter(word),
            None => Next::Empty,
        }
    }

    /// Picks the next entry, with whatever is asked of the pick.
    pub(crate) fn pick_next(&mut self) -> Option<Word> {
        if self.picker.is_ordered() {
            return self.pick_ordered();
        }
        // Ranks are found only for who asks: they cost as much as there are entries.
        if self.rt.attention & attention::WATCHED == 0 && self.rt.observed.seen.is_none() {
            return self.picker.pick(&mut self.rt.ready, &mut self.schedule);
        }
        let (picker, schedule) = (&mut self.picker, &mut self.schedule);
        self.rt.pick_watched(|rt, _| picker.choose(&rt.ready, schedule))
    }

    #[inline(never)]
    fn next_step_attended(&mut self) -> Next {
        if self.rt.attention & (attention::WAKERS | attention::TRASH) != 0 {
            return Next::Attend;
        }
        self.close_step();
        let Some(mut word) = self.pick_next() else { return Next::Empty };
        let named = self.rt.attention & attention::KEYS != 0;
        let step_name = match self.rt.observed.picked_name.take() {
            None if named => self.rt.take_name(word, true),
            name => name.unwrap_or_default(),
        };
        let is_lane = word == LANE;
        if is_lane {
            // Named by the callback that it stands for.
            match self.rt.ready.next_callback() {
                Some(callback) => word = callback,
                None => return Next::Done,
            }
        }
        self.rt.observed.footprint.forget();
        if !self.rt.is_live_entry(word) {
            return self.rt.enter(word);
        }
        if is_lane && named {
            self.rt.observed.visits.next(step_name.site());
        }
        let ticks = self.ticks;
        if self.rt.attention & attention::FOLLOWED != 0 {
            self.rt.begin_followed(word, step_name);
        }
        let name = (self.rt.attention & attention::WATCHED != 0).then(|| self.rt.entry_name(word));
        let next = self.rt.enter(word);
        self.rt.touch_requests(word.slot(), Touch::Read);
        if let Some(name) = name {
            self.rt.open_step(word, name, step_name, ticks);
        }
        next
    }

    /// The step that ran last is over.
    fn close_step(&mut self) {
        if self.rt.attention & attention::COST != 0 {
            self.charge_step();
        }
        if self.rt.attention & attention::FOLLOWED != 0 {
            self.follow_step();
        }
        if self.rt.attention & attention::WATCHED != 0 {
            self.rt.close_step(&self.objects);
        }
    }

    #[cold]
    fn charge_step(&mut self) {
        if self.rt.current != NONE
            && let Some((min, max)) = self.settings.step_cost
        {
            let range = clock::nanos(max - min).saturating_add(1).min(u64::from(u32::MAX));
            let cost = clock::nanos(min) + u64::from(self.costs.below(range as u32));
            self.rt.set_now(self.rt.now.saturating_add(cost));
            self.charged += cost;
        }
        let charged = std::time::Duration::from_nanos(std::mem::take(&mut self.charged));
        if self.debug && charged >= self.slow_callback && !charged.is_zero() {
            let what = self.rt.lane_path(self.rt.current);
            // A subscriber is foreign code, and may call into the loop.
            let seconds = charged.as_secs_f64();
            store::outside(|| tracing::warn!("Executing {what} took {seconds:.3} seconds"));
        }
        if self.settings.step_cost.is_none() {
            self.rt.attention &= !attention::COST;
        }
    }

    #[inline(always)]
    pub(crate) fn leave_step(&mut self) {
        if self.rt.attention != 0 {
            self.close_step();
        }
        self.rt.current = NONE;
        self.rt.current_word = NO_WORD;
        self.rt.context = self.rt.contexts.base;
    }
}

impl Rt {
    /// Moves time. Clocks outside of the loop are told as well.
    #[inline(always)]
    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
        clock::tell(now);
    }

    /// Enters an entry: its slot is the running one from here on.
    #[inline(always)]
    fn enter(&mut self, word: Word) -> Next {
        let slot = &mut self.slots[word.slot() as usize];
        if slot.word != word {
            return self.enter_rarely(word);
        }
        let flags = slot.node.flags;
        slot.node.flags = flags & !flag::QUEUED | flag::STARTED;
        let body = address(slot.body.as_mut().expect("a slot in the ready queue has a body"));
        self.context = NONE;
        if flags & (flag::STARTED | flag::CONTEXT | flag::ABORTED) != flag::STARTED
            && let Some(next) = self.enter_first(word, flags)
        {
            return next;
        }
        self.count_step(word);
        self.current = word.slot();
        self.current_word = word.0;
        Next::Run(body, word)
    }

    #[inline(always)]
    fn count_step(&mut self, word: Word) {
        self.steps += 1;
        let behaviour = word.behaviour() ^ self.now << 26;
        self.fingerprint = (self.fingerprint.rotate_left(5) ^ behaviour).wrapping_mul(FINGERPRINT_MULTIPLIER);
    }

    /// The first step of a slot, or one in a context of its own.
    #[inline]
    fn enter_first(&mut self, word: Word, flags: u16) -> Option<Next> {
        if flags & flag::ABORTED != 0 {
            return Some(Next::Done);
        }
        if flags & flag::CONTEXT != 0 {
            self.context = self.cold[word.slot() as usize].context;
        }
        if flags & flag::STARTED == 0 && self.slot(word.slot()).node.state & MUST != 0 {
            // Cancelled before its first step: it never runs, and ends where that step would have been.
            self.count_step(word);
            self.current = word.slot();
            self.current_word = word.0;
            self.slot_mut(word.slot()).node.flags |= flag::ABORTED;
            self.aborted.push(word.slot());
            self.attention |= attention::TRASH;
            return Some(Next::Done);
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn enter_rarely(&mut self, word: Word) -> Next {
        if word == LANE {
            let callback = self.ready.next_callback();
            return callback.map_or(Next::Done, |callback| self.enter(callback));
        }
        if word.kind() == Kind::Timer {
            let node = &self.slot(word.slot()).node;
            if word.is_timer_of(node.wait) && node.state != 0 && self.is_pending(word.slot()) {
                self.current = NONE;
                self.current_word = NO_WORD;
                self.count_step(word);
                self.wake(word.slot());
            }
        }
        Next::Done
    }

    /// Will this entry run anything?
    pub(crate) fn is_live_entry(&self, word: Word) -> bool {
        let slot = self.slot(word.slot());
        match word.kind() {
            Kind::Timer => word.is_timer_of(slot.node.wait) && self.is_pending(word.slot()),
            _ => slot.word == word,
        }
    }

    fn timer_is_due(&mut self, slot: u32, wait: u32, fifo: bool) {
        let this = self.slot_mut(slot);
        if this.node.wait != wait {
            return; // cancelled; CPython does not count these out, and neither do we
        }
        this.node.flags |= flag::DUE;
        if this.word.kind() == Kind::Callback {
            self.schedule_callback(slot);
        } else if fifo {
            // The handle of the timer is a step of its own, which makes the task ready.
            let word = Word::new(self.tag, wait, Kind::Timer, slot);
            self.ready.push(word);
        } else if self.is_pending(slot) {
            self.wake(slot);
        }
    }

    #[cold]
    fn take_woken(&mut self) {
        let woken = take_woken(self.tag);
        let count = woken.len();
        store::outside(|| {
            tracing::warn!(count, "woken from another thread: this is outside of the simulation");
        });
        woken.into_iter().for_each(|word| self.wake_word(word));
    }

    /// A waker was called.
    pub(crate) fn wake_word(&mut self, word: Word) {
        let slot = self.slot(word.slot());
        if slot.word == word && !slot.is(flag::QUEUED) {
            // Whoever else calls it: the task runs once more after all of them.
            self.touch_requests(word.slot(), Touch::Set);
            self.schedule(word.slot());
        }
    }
}

/// A body has ended its run.
#[inline(never)]
fn end_step(loop_id: u64, body: NonNull<dyn Body>, word: Word, ended: Ended) {
    let slot = word.slot();
    if word.kind() == Kind::Callback {
        return end_callback(loop_id, slot, ended);
    }
    let lost = access(loop_id, |l| {
        if ended == Ended::Finished && l.rt.slot(slot).node.state & MUST != 0 {
            // It returned while a cancel request was waiting: the value is lost.
            return Err(Error::cancelled_maybe(l.rt.messages.remove(&slot)));
        }
        Ok(l.rt.end_task(slot, ended))
    });
    match lost {
        Some(Ok(Some(left))) => left.clean_up(loop_id),
        Some(Ok(None)) | None => {}
        Some(Err(error)) => {
            let message = error.message().map(str::to_owned);
            // SAFETY: as in `run`: the slot is still the running one, and its body has just returned.
            unsafe { end_body(body, error) };
            end_lost(loop_id, slot, message);
        }
    }
}

/// Ends a task whose value was lost to a cancel request. Nothing was raised in it, so the message stays with the task as
/// with a future: every reader sees it.
#[cold]
fn end_lost(loop_id: u64, slot: u32, message: Option<String>) {
    let left = access(loop_id, |l| {
        let left = l.rt.end_task(slot, Ended::Cancelled);
        if left.is_none() {
            l.rt.messages.extend(message.map(|message| (slot, message)));
        }
        left
    });
    if let Some(Some(left)) = left {
        left.clean_up(loop_id);
    }
}

fn end_task(loop_id: u64, slot: u32, ended: Ended) {
    let left = access(loop_id, |l| l.rt.end_task(slot, ended));
    if let Some(Some(left)) = left {
        left.clean_up(loop_id);
    }
}

impl Rt {
    #[inline(always)]
    fn end_task(&mut self, slot: u32, ended: Ended) -> Option<crate::futures::Left> {
        if self.attention & attention::WATCHED != 0 {
            self.observe_end(slot, ended);
        }
        self.ended += 1;
        if self.slot(slot).is(flag::HAS_EXTRAS) {
            self.leave_extras(slot);
        }
        let this = self.slot_mut(slot);
        // From here on its wakers and entries are stale.
        this.word = this.word.next_generation(Kind::Task);
        this.node.state = 0;
        if ended == Ended::Cancelled && !self.messages.is_empty() {
            // The error has it. A task that swallowed its cancellation keeps the message, as in CPython.
            self.messages.remove(&slot);
        }
        self.end_future(slot, ended);
        if self.slot(slot).node.handles != 0 {
            return None;
        }
        Some(self.take_left(slot))
    }
}

fn end_callback(loop_id: u64, slot: u32, ended: Ended) {
    if ended == Ended::Failed {
        let failed = access(loop_id, |l| {
            let slot = l.rt.slot_mut(slot);
            let place = slot.node.place.filter(|place| !crate::error::is_ours(place));
            let place = place.map_or_else(String::new, |place| format!(" made at {place}"));
            (place, slot.body.as_mut().and_then(|body| body.as_mut().error().cloned()))
        });
        if let Some((place, error)) = failed {
            let message = format!("Exception in callback{place}");
            report(loop_id, &ErrorContext { message, exception: error, task: None });
        }
    }
    let body = access(loop_id, |l| {
        let node = &l.rt.slot(slot).node;
        let again = node.flags & (flag::REPEATING | flag::CANCELLED) == flag::REPEATING && node.handles != 0;
        if again { None } else { l.rt.end_callback(slot) }
    });
    drop(body);
}

/// Drops the coroutine of a task that does not run, and ends it with an error.
pub(crate) fn end_with(loop_id: u64, slot: u32, body: NonNull<dyn Body>, error: Error) {
    // SAFETY: the caller holds a count of the slot, so the slot and its body stay; the flag ABORTED, which the caller
    // has set, keeps every other abort and every step away from the body while the coroutine's destructors run.
    unsafe { end_body(body, error) };
    end_task(loop_id, slot, Ended::Cancelled);
}

/// Looks after what came up during a step: foreign wakers, values of the program to drop, tasks that were aborted.
#[cold]
#[inline(never)]
fn attend(loop_id: u64) {
    let taken = access(loop_id, |l| {
        l.rt.attention &= !(attention::WAKERS | attention::TRASH);
        let rt = &mut l.rt;
        (std::mem::take(&mut rt.deferred), std::mem::take(&mut rt.trash), std::mem::take(&mut rt.aborted))
    });
    let Some((wakers, trash, aborted)) = taken else { return };
    wakers.into_iter().for_each(std::task::Waker::wake);
    drop(trash);
    for slot in aborted {
        let found = access(loop_id, |l| {
            let this = l.rt.slot_mut(slot);
            if this.is(flag::DONE) {
                return None;
            }
            this.node.handles += 1;
            let error = Error::cancelled_maybe(l.rt.messages.remove(&slot));
            l.rt.slot_mut(slot).body.as_mut().map(|body| (address(body), error))
        });
        if let Some(Some((body, error))) = found {
            end_with(loop_id, slot, body, error);
            drop(Future::<()>::counted(loop_id, slot));
        }
    }
}

/// Runs the first step of an eager task inside the call that made it.
pub(crate) fn run_eagerly(loop_id: u64, slot: u32) {
    let entered = access(loop_id, |l| {
        let rt = &mut l.rt;
        let before = (rt.current, rt.current_word, rt.context);
        rt.observed.suspended.push(rt.current);
        let word = rt.slot(slot).word;
        match rt.enter(word) {
            Next::Run(body, word) => Some((before, body, word)),
            _ => None,
        }
    });
    let Some(Some(((current, current_word, context), body, word))) = entered else { return };
    // SAFETY: as in `run`; the steps below this one are marked in `suspended`.
    let ran = catch_unwind(AssertUnwindSafe(|| unsafe { run_body(body, word) }));
    if let Ok(Poll::Ready(ended)) = ran {
        end_step(loop_id, body, word, ended);
    }
    let _ = access_quietly(loop_id, |l| {
        l.rt.observed.suspended.pop();
        (l.rt.current, l.rt.current_word, l.rt.context) = (current, current_word, context);
    });
    if let Err(panic) = ran {
        resume_unwind(panic);
    }
}
