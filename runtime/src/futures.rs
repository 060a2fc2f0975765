//! Futures: results that are not there yet, and those who wait for them.
//!
//! ```text
//! pending ──set_result / set_exception──► finished │ failed
//!    └──────────────cancel──────────────► cancelled           (each is final)
//! ```
//!
//! Whoever awaits a pending future stands in its line together with its done callbacks, in the order in which they
//! came; at its end each gets one entry in the ready queue, in that order. Nothing is called synchronously. A task is
//! a future too: a [`Future`] may be the handle of a task's slot, and all of this file holds for it.

mod awaiting;

pub use awaiting::{Claim, Join};
pub(crate) use awaiting::{Found, Read};

use crate::bodies::FutureBody;
use crate::contexts::Context as VarContext;
use crate::handles::{CallbackOutput, Handle};
use crate::schedule::Touch;
use crate::slots::{BoxedBody, Ended, Kind, List, NONE, flag};
use crate::store::{access, access_current, access_quietly};
use crate::waits::{Gathering, Rt, WOKEN, Wait};
use crate::{Error, ErrorKind, Result};
use std::marker::PhantomData;
use std::panic::Location;

/// A result that somebody will set (`asyncio.Future`), or the future face of a task.
///
/// A clone is the same future. Awaiting it gives everyone a clone of the result.
///
/// # Order
/// Whoever awaits it, and its done callbacks, run one tick after it was set, in the order in which they came.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let answer = asyncio::Future::new();
///     let setter = answer.clone();
///     asyncio::get_running_loop()?.call_soon(move || setter.set_result(42));
///     assert_eq!(answer.await?, 42);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct Future<T> {
    pub(crate) loop_id: u64,
    pub(crate) slot: u32,
    pub(crate) marker: PhantomData<fn() -> T>,
}

/// The result that an [`AnyTask`](crate::AnyTask) or a gather does not know: it is never read.
pub(crate) enum Erased {}

/// What a future has come to, looked at without consuming anything.
#[derive(Clone, Debug)]
pub enum FutureState {
    /// Nothing yet.
    Pending,
    /// It was cancelled.
    Cancelled,
    /// It ended with an error.
    Failed(Error),
    /// It has a result.
    Finished,
}

impl<T: 'static> Future<T> {
    /// Makes a pending future in the current loop (`loop.create_future`).
    ///
    /// # Panics
    /// Outside of any event loop.
    #[expect(clippy::new_without_default, reason = "it needs a loop, which a default does not say")]
    #[track_caller]
    pub fn new() -> Future<T> {
        let place = Location::caller();
        let made = access_current(|l| Future::counted(l.id, l.rt.new_future(place)));
        match made {
            Some(made) => made,
            None => crate::event_loop::no_loop_here("Future"),
        }
    }

    /// A handle whose count the caller has raised already.
    pub(crate) fn counted(loop_id: u64, slot: u32) -> Future<T> {
        Future { loop_id, slot, marker: PhantomData }
    }

    /// Sets the result.
    ///
    /// # Errors
    /// `InvalidState` if it is done already, `Runtime` on a task.
    #[track_caller]
    pub fn set_result(&self, result: T) -> Result<()> {
        self.set(Ok(result))
    }

    /// Ends it with an error. One that nobody looks at is reported when the last handle goes.
    ///
    /// # Errors
    /// `InvalidState` if it is done already, `Runtime` on a task.
    #[track_caller]
    pub fn set_exception(&self, error: impl Into<Error>) -> Result<()> {
        self.set(Err(error.into()))
    }

    #[track_caller]
    fn set(&self, result: Result<T>) -> Result<()> {
        let refused = self.refuse_to_set();
        if let Some(error) = refused {
            return Err(error);
        }
        // An error that is a cancellation does not cancel a future that somebody sets: it is raised, as in CPython.
        let ended = if result.is_ok() { Ended::Finished } else { Ended::Failed };
        let body: BoxedBody = Box::pin(FutureBody(result));
        let _ = access(self.loop_id, |l| {
            l.rt.slot_mut(self.slot).body = Some(body);
            l.rt.end_future(self.slot, ended);
        });
        Ok(())
    }

    #[track_caller]
    fn refuse_to_set(&self) -> Option<Error> {
        access(self.loop_id, |l| {
            l.rt.touch_slot(self.slot, Touch::Read);
            let slot = l.rt.slot(self.slot);
            if slot.word.kind() == Kind::Task {
                return Some(Error::new(
                    ErrorKind::Runtime,
                    "a task sets its own result: return it from its coroutine",
                ));
            }
            slot.is(flag::DONE).then(|| Error::new(ErrorKind::InvalidState, "the future is done already"))
        })
        .unwrap_or_else(|| Some(Error::loop_is_closed()))
    }

    /// Cancels it, with everyone who waits; false if it is done already.
    ///
    /// On a task this is [`Task::cancel`](crate::Task::cancel); on the future of a `gather` it cancels the children.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        access(self.loop_id, |l| l.rt.cancel(self.slot, None)).unwrap_or(false)
    }

    /// As [`cancel`](Future::cancel), with a message for whoever sees the error.
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<String>) -> bool {
        let message = message.into();
        access(self.loop_id, |l| l.rt.cancel(self.slot, Some(&message))).unwrap_or(false)
    }

    /// Is it finished, failed or cancelled?
    #[track_caller]
    pub fn done(&self) -> bool {
        self.is(flag::DONE)
    }

    /// Was it cancelled?
    #[track_caller]
    pub fn cancelled(&self) -> bool {
        self.is(flag::CANCELLED)
    }

    #[track_caller]
    fn is(&self, flags: u16) -> bool {
        let is = access(self.loop_id, |l| {
            l.rt.touch_slot(self.slot, Touch::Read);
            l.rt.slot(self.slot).is(flags)
        });
        is.unwrap_or(false)
    }

    /// A clone of the result.
    ///
    /// # Errors
    /// `InvalidState` if it is pending; else the error that it failed with or was cancelled with. Of a cancelled
    /// task, only the first reader sees the message of the cancellation.
    #[track_caller]
    pub fn result(&self) -> Result<T>
    where
        T: Clone,
    {
        match access(self.loop_id, |l| l.rt.read(self.slot)) {
            None => Err(Error::loop_is_closed()),
            Some(Read::Pending) => Err(Error::new(ErrorKind::InvalidState, "the result is not ready")),
            Some(Read::Failed(error)) => Err(error),
            Some(Read::Finished(result)) => Ok(result.with(self, T::clone)),
        }
    }

    /// Takes the result out, for whoever made the task and gave its handle to nobody.
    pub(crate) fn take_result(&self) -> Result<T> {
        match access(self.loop_id, |l| l.rt.read(self.slot)) {
            None => Err(Error::loop_is_closed()),
            Some(Read::Pending) => Err(Error::new(ErrorKind::InvalidState, "the result is not ready")),
            Some(Read::Failed(error)) => Err(error),
            Some(Read::Finished(result)) => result.take(self),
        }
    }

    /// The error that it failed with; none if it has a result.
    ///
    /// # Errors
    /// `InvalidState` if it is pending, `Cancelled` if it was cancelled.
    #[track_caller]
    pub fn exception(&self) -> Result<Option<Error>> {
        match access(self.loop_id, |l| (l.rt.read(self.slot), l.rt.slot(self.slot).node.flags)) {
            None => Err(Error::loop_is_closed()),
            Some((Read::Pending, _)) => Err(Error::new(ErrorKind::InvalidState, "the exception is not set")),
            Some((Read::Failed(error), flags)) if flags & flag::CANCELLED != 0 => Err(error),
            Some((Read::Failed(_), flags)) if flags & flag::TAKEN != 0 => Ok(None),
            Some((Read::Failed(error), _)) => Ok(Some(error)),
            Some((Read::Finished(_), _)) => Ok(None),
        }
    }

    /// What it has come to. A look: it takes no message and counts as no reader.
    #[track_caller]
    pub fn state(&self) -> FutureState {
        access(self.loop_id, |l| {
            l.rt.touch_slot(self.slot, Touch::Read);
            let slot = l.rt.slot_mut(self.slot);
            if !slot.is(flag::DONE) {
                return FutureState::Pending;
            }
            if slot.is(flag::CANCELLED) {
                return FutureState::Cancelled;
            }
            let taken = slot.is(flag::TAKEN);
            match slot.body.as_mut().and_then(|body| body.as_mut().error()) {
                Some(error) if !taken => FutureState::Failed(error.clone()),
                _ => FutureState::Finished,
            }
        })
        .unwrap_or(FutureState::Pending)
    }

    /// Looks at the result, if there is one. It counts as no reader.
    #[track_caller]
    pub fn peek<R>(&self, f: impl FnOnce(&T) -> R) -> Option<R> {
        let found = access(self.loop_id, |l| l.rt.peek(self.slot))??;
        Some(found.with(self, f))
    }

    /// Lets `callback` run when it is done; at once, that is in the next tick, if it is done already.
    ///
    /// # Order
    /// One tick after the end, in line with those who await it. It runs in a copy of the current context.
    #[track_caller]
    pub fn add_done_callback<R: CallbackOutput>(
        &self,
        callback: impl FnOnce(Future<T>) -> R + 'static,
    ) -> DoneCallback {
        let (loop_id, slot) = (self.loop_id, self.slot);
        // The count for the handle is raised when the callback is scheduled: a callback that waits keeps nothing alive.
        let body: BoxedBody =
            Box::pin(crate::bodies::CallbackBody::Waiting(move || callback(Future::counted(loop_id, slot))));
        self.add_done_body(body, Location::caller())
    }

    /// As [`add_done_callback`](Future::add_done_callback). The body is given a handle as well: the count of the future
    /// that its node names is raised when it is scheduled.
    #[track_caller]
    pub(crate) fn add_done_body(&self, body: BoxedBody, place: &'static Location<'static>) -> DoneCallback {
        let (loop_id, slot) = (self.loop_id, self.slot);
        let made = access(loop_id, |l| l.rt.add_done_callback(slot, body, place));
        DoneCallback { handle: made.map(|callback| Handle::counted(loop_id, callback)), of: slot }
    }

    /// Takes a done callback back; false if it is scheduled already, or was taken back before.
    #[track_caller]
    pub fn remove_done_callback(&self, callback: &DoneCallback) -> bool {
        let Some(handle) = &callback.handle else { return false };
        assert_eq!(callback.of, self.slot, "the done callback belongs to another future");
        let removed = access(self.loop_id, |l| l.rt.remove_done_callback(self.slot, handle.slot()));
        removed.flatten().is_some()
    }

    /// The error that it failed with, which counts as looked at. A cancellation is none, and keeps its message for the
    /// first who awaits it.
    pub(crate) fn failure(&self) -> Option<Error> {
        if self.cancelled() { None } else { self.exception().ok().flatten() }
    }

    /// The message of the cancellation, if one was given and not raised (`_cancel_message`): of a future, and of a task
    /// that returned over a request. Where it was raised in a task, the error has it and goes to the first reader.
    pub(crate) fn cancel_message(&self) -> Option<String> {
        let message = access(self.loop_id, |l| {
            l.rt.touch_slot(self.slot, Touch::Read);
            l.rt.messages.get(&self.slot).cloned()
        });
        message.flatten()
    }

    /// The same future, without the type of its result.
    pub(crate) fn erased(&self) -> Future<Erased> {
        let future = self.clone();
        let erased = Future::counted(future.loop_id, future.slot);
        std::mem::forget(future); // its count is the new handle's
        erased
    }

    /// Lets a cancel of this future go to these children instead. It is true if one of them took it.
    pub(crate) fn cancel_children_instead(&self, children: Vec<u32>) {
        let _ = access(self.loop_id, |l| {
            l.rt.slot_mut(self.slot).node.flags |= flag::GATHERING;
            l.rt.gathering.insert(self.slot, Gathering { children, cancel_requested: false });
        });
    }

    /// Did a cancel of this gathering future reach a child?
    pub(crate) fn cancel_was_requested(&self) -> bool {
        let requested = access(self.loop_id, |l| {
            l.rt.touch_slot(self.slot, Touch::Read);
            l.rt.gathering.get(&self.slot).is_some_and(|gathering| gathering.cancel_requested)
        });
        requested.unwrap_or(false)
    }

    /// Awaits a future whose handle nobody else has.
    pub(crate) fn claim_at(self, place: &'static Location<'static>) -> Claim<T> {
        Claim(self.wait_at(place))
    }

    /// Awaits it under the name of another place: what a combinator's wait is shown as.
    pub(crate) fn wait_at(self, place: &'static Location<'static>) -> Join<T> {
        Join { target: self, wait: Wait::new(place) }
    }
}

/// A done callback of one future, to take it back or to choose its context.
pub struct DoneCallback {
    handle: Option<Handle>,
    of: u32,
}

impl DoneCallback {
    /// It does the same whether it runs before or after others that say so, if its future ends with a result.
    pub(crate) fn in_any_order(&self) {
        if let Some(handle) = &self.handle {
            handle.run_in_any_order();
        }
    }

    /// Runs it in this very context instead of a copy of the one it was added in (`context=`).
    #[track_caller]
    pub fn context(self, context: &VarContext) -> DoneCallback {
        DoneCallback { handle: self.handle.map(|handle| handle.context(context)), of: self.of }
    }
}

impl<T> Clone for Future<T> {
    #[inline]
    fn clone(&self) -> Future<T> {
        let _ = access_quietly(self.loop_id, |l| l.rt.slot_mut(self.slot).node.handles += 1);
        Future { loop_id: self.loop_id, slot: self.slot, marker: PhantomData }
    }
}

impl<T> Drop for Future<T> {
    #[inline]
    fn drop(&mut self) {
        let slot = self.slot;
        let last = access_quietly(self.loop_id, |l| {
            let node = &mut l.rt.slot_mut(slot).node;
            node.handles -= 1;
            (node.handles == 0).then(|| l.rt.forget(slot)).flatten()
        });
        if let Some(Some(left)) = last {
            left.clean_up(self.loop_id);
        }
    }
}

impl<T> PartialEq for Future<T> {
    fn eq(&self, other: &Future<T>) -> bool {
        (self.loop_id, self.slot) == (other.loop_id, other.slot)
    }
}

impl<T> Eq for Future<T> {}

impl<T: 'static> std::fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Future({:?})", self.state())
    }
}

/// What the last handle of a slot leaves behind, to be dropped and reported outside of the access.
pub(crate) struct Left {
    body: Option<BoxedBody>,
    rest: Option<Box<Rest>>,
}

/// What few slots leave behind.
struct Rest {
    callbacks: Vec<BoxedBody>,
    unretrieved: Option<Unretrieved>,
}

/// An error that nobody looked at, and the name of the task.
pub(crate) type Unretrieved = (Kind, Error, Option<String>);

impl Left {
    #[inline(always)]
    pub(crate) fn clean_up(self, loop_id: u64) {
        drop(self.body);
        if let Some(rest) = self.rest {
            drop(rest.callbacks);
            if let Some((kind, error, task)) = rest.unretrieved {
                crate::exceptions::never_retrieved(loop_id, kind, error, task);
            }
        }
    }
}

impl Rt {
    pub(crate) fn new_future(&mut self, place: &'static Location<'static>) -> u32 {
        let (lane, nth) = self.object_key(FUTURE_NAME);
        let slot = self.new_slot(Kind::Passive);
        self.created += 1;
        let cold = &mut self.cold[slot as usize];
        (cold.lane, cold.nth, cold.order, cold.cancels) = (lane, nth, self.created, 0);
        let node = &mut self.slot_mut(slot).node;
        (node.handles, node.place) = (1, Some(place));
        slot
    }

    /// The future is done: everyone in its line gets an entry in the ready queue.
    pub(crate) fn end_future(&mut self, slot: u32, ended: Ended) {
        let this = self.slot_mut(slot);
        this.node.flags |= match ended {
            Ended::Finished => flag::DONE,
            Ended::Failed => flag::DONE | flag::UNRETRIEVED,
            Ended::Cancelled => flag::DONE | flag::CANCELLED,
        };
        self.touch_slot(slot, Touch::Write);
        let mut waiters = std::mem::take(&mut self.slot_mut(slot).waiters);
        loop {
            let node = self.pop(&mut waiters);
            if node == NONE {
                return;
            }
            if self.slot(node).word.kind() == Kind::Callback {
                self.slot_mut(slot).node.handles += 1; // for the handle that the callback is given
                self.touch_line_for(node, ended == Ended::Finished);
                self.schedule_callback(node);
            } else {
                self.slot_mut(node).node.state |= WOKEN;
                self.schedule(node);
            }
        }
    }

    /// Reads the result as `result()` does: it counts as looked at.
    #[inline(always)]
    pub(crate) fn read(&mut self, slot: u32) -> Read {
        let this = self.slot(slot);
        let (flags, task) = (this.node.flags, this.word.kind() == Kind::Task);
        // The first reader of a cancelled task takes its message.
        let takes_message = task && flags & (flag::CANCELLED | flag::MESSAGE_TAKEN) == flag::CANCELLED;
        self.touch_slot(slot, Touch::write_if(takes_message));
        if flags & flag::DONE == 0 {
            return Read::Pending;
        }
        let this = self.slot_mut(slot);
        this.node.flags &= !flag::UNRETRIEVED;
        if flags & flag::CANCELLED != 0 && task && flags & flag::MESSAGE_TAKEN != 0 {
            return Read::Failed(Error::cancelled_maybe(self.messages.get(&slot).cloned()));
        }
        this.node.flags |= flag::MESSAGE_TAKEN;
        let Some(body) = this.body.as_mut() else {
            // A future that nobody set: only a cancellation ends it without a body.
            return Read::Failed(Error::cancelled_maybe(self.messages.get(&slot).cloned()));
        };
        match body.as_mut().error() {
            Some(error) => Read::Failed(error.clone()),
            None => {
                Read::Finished(Found(body.as_mut().result().expect("a future that is done has a result")))
            }
        }
    }

    fn peek(&mut self, slot: u32) -> Option<Found> {
        self.touch_slot(slot, Touch::Read);
        let this = self.slot_mut(slot);
        if !this.is(flag::DONE) {
            return None;
        }
        let body = this.body.as_mut()?;
        if body.as_mut().error().is_some() {
            return None;
        }
        body.as_mut().result().map(Found)
    }

    fn add_done_callback(&mut self, slot: u32, body: BoxedBody, place: &'static Location<'static>) -> u32 {
        let callback = self.new_callback(body);
        self.slot_mut(callback).node.place = Some(place);
        self.slot_mut(callback).node.object = slot;
        if self.slot(slot).is(flag::DONE) {
            self.touch_slot(slot, Touch::Read);
            self.slot_mut(slot).node.handles += 1;
            self.touch_line_of_callbacks(Touch::Put);
            self.schedule_callback(callback);
        } else {
            // The order in which callbacks are added is that in which they will run.
            self.touch_slot(slot, Touch::Write);
            let mut waiters: List = self.slot(slot).waiters;
            self.link(&mut waiters, callback);
            self.slot_mut(slot).waiters = waiters;
        }
        callback
    }

    fn remove_done_callback(&mut self, slot: u32, callback: u32) -> Option<()> {
        self.touch_slot(slot, Touch::Read); // whether it is done yet: then the callback stands in the line of all
        if !self.slot(callback).is(flag::LINKED) {
            return None;
        }
        let mut waiters = self.slot(slot).waiters;
        self.unlink(&mut waiters, callback);
        self.slot_mut(slot).waiters = waiters;
        if let Some(body) = self.cancel_callback(callback) {
            self.discard(Box::new(body));
        }
        Some(())
    }

    /// The last handle of a future or task has gone.
    #[inline(always)]
    pub(crate) fn forget(&mut self, slot: u32) -> Option<Left> {
        let this = self.slot(slot);
        if this.word.kind() == Kind::Task && !this.is(flag::DONE) {
            return None; // the loop keeps it until it ends
        }
        Some(self.take_left(slot))
    }

    /// Takes out what a slot without handles holds, and frees it.
    #[inline(always)]
    pub(crate) fn take_left(&mut self, slot: u32) -> Left {
        let this = self.slot_mut(slot);
        let rest = (this.is(flag::UNRETRIEVED) || !this.waiters.is_empty()).then_some(());
        let rest = rest.map(|()| self.take_rest_of(slot));
        let body = self.slot_mut(slot).body.take();
        self.free_slot(slot);
        Left { body, rest }
    }

    #[cold]
    #[inline(never)]
    fn take_rest_of(&mut self, slot: u32) -> Box<Rest> {
        let mut callbacks = Vec::new();
        let mut waiters = std::mem::take(&mut self.slot_mut(slot).waiters);
        loop {
            let node = self.pop(&mut waiters);
            if node == NONE {
                break;
            }
            callbacks.extend(self.cancel_callback(node));
        }
        let unretrieved = self.take_unretrieved(slot);
        Box::new(Rest { callbacks, unretrieved })
    }
}

impl Rt {
    /// The error of a slot that nobody has looked at; from here on somebody has.
    pub(crate) fn take_unretrieved(&mut self, slot: u32) -> Option<Unretrieved> {
        if !self.slot(slot).is(flag::UNRETRIEVED) {
            return None;
        }
        let this = self.slot_mut(slot);
        this.node.flags &= !flag::UNRETRIEVED;
        let kind = this.word.kind();
        let error = this.body.as_mut()?.as_mut().error()?.clone();
        let task = (kind == Kind::Task).then(|| self.task_name(slot));
        Some((kind, error, task))
    }
}

/// `lanes::name_hash("future")`, computed once.
const FUTURE_NAME: u64 = 0x6675_7475_7265;
