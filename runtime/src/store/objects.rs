//! The objects of a loop: what locks, events and queues are, and the counted handles that point at them.
#![allow(unsafe_code, reason = "the typed state behind an id")]

use super::{access, access_current, access_quietly, current_id};
use crate::lanes;
use crate::slots::List;
use crate::waits::Rt;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::NonNull;

/// The kinds of object that a loop owns; a report names an object by its kind and its own name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A [`Lock`](crate::Lock).
    Lock,
    /// An [`Event`](crate::Event).
    Event,
    /// A [`Condition`](crate::Condition).
    Condition,
    /// A [`Semaphore`](crate::Semaphore) or [`BoundedSemaphore`](crate::BoundedSemaphore).
    Semaphore,
    /// A [`Barrier`](crate::Barrier).
    Barrier,
    /// A [`Queue`](crate::Queue) of any order.
    Queue,
    /// A [`TaskGroup`](crate::TaskGroup).
    TaskGroup,
    /// A [`Timeout`](crate::Timeout).
    Timeout,
    /// The state of a combinator.
    Combinator,
    /// A simulated pool of worker threads.
    Executor,
    /// A simulated socket.
    Socket,
    /// A transport, or a stream on it.
    Stream,
    /// A server that accepts connections.
    Server,
    /// A process of the simulated world, or its host.
    Process,
    /// A [`Shared`](crate::Shared) value.
    Shared,
}

impl ObjectKind {
    /// The name that asyncio gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lock => "Lock",
            Self::Event => "Event",
            Self::Condition => "Condition",
            Self::Semaphore => "Semaphore",
            Self::Barrier => "Barrier",
            Self::Queue => "Queue",
            Self::TaskGroup => "TaskGroup",
            Self::Timeout => "Timeout",
            Self::Combinator => "combinator",
            Self::Executor => "Executor",
            Self::Socket => "Socket",
            Self::Stream => "Stream",
            Self::Server => "Server",
            Self::Process => "Process",
            Self::Shared => "Shared",
        }
    }
}

/// An object that tasks can wait on. Each primitive gives the fields its own meaning.
#[repr(C, align(64))]
pub(crate) struct Object {
    pub(crate) waiters: List,
    pub(crate) others: List,
    pub(crate) count: u32,
    pub(crate) extra: u32,
    /// The mark of the task that holds it, for reports.
    pub(crate) holder: u32,
    pub(crate) handles: u32,
    state: Option<State>,
    /// Where it was last taken, for reports.
    pub(crate) taken_at: Option<&'static Location<'static>>,
    /// The number of the present hold of a lock, 0 while it is free.
    pub(crate) hold: u32,
    pub(crate) kind: ObjectKind,
}

const _: () = assert!(size_of::<Object>() == 64);

impl Object {
    fn new(kind: ObjectKind, state: Option<State>) -> Object {
        Object {
            waiters: List::EMPTY,
            others: List::EMPTY,
            count: 0,
            extra: 0,
            holder: 0,
            handles: 1,
            state,
            taken_at: None,
            hold: 0,
            kind,
        }
    }
}

/// What is rarely looked at, one for each object.
pub(crate) struct ObjectCold {
    pub(crate) nth: u32,
    pub(crate) place: &'static Location<'static>,
    pub(crate) name: Option<String>,
}

/// A value of a type that only the handles know.
struct State {
    pointer: NonNull<()>,
    drop: unsafe fn(NonNull<()>),
}

impl State {
    fn new<S: 'static>(state: S) -> State {
        unsafe fn drop_box<S>(pointer: NonNull<()>) {
            // SAFETY: called once, by the owner's `Drop`, with the pointer that `State::new::<S>` leaked.
            drop(unsafe { Box::from_raw(pointer.cast::<S>().as_ptr()) });
        }
        State { pointer: NonNull::from(Box::leak(Box::new(state))).cast(), drop: drop_box::<S> }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: `drop` was made for the type behind `pointer`, and a `State` is dropped once.
        unsafe { (self.drop)(self.pointer) }
    }
}

/// The objects of a loop, by index; 0 is never one.
#[derive(Default)]
pub(crate) struct Objects {
    pub(crate) slots: Vec<Object>,
    pub(crate) cold: Vec<ObjectCold>,
    free: Vec<u32>,
}

impl Objects {
    fn insert(&mut self, kind: ObjectKind, state: Option<State>, cold: ObjectCold) -> u32 {
        let object = Object::new(kind, state);
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = object;
            self.cold[slot as usize] = cold;
            return slot;
        }
        if self.slots.is_empty() {
            // Object 0 is nobody's.
            self.slots.push(Object::new(kind, None));
            self.cold.push(ObjectCold { nth: 0, place: cold.place, name: None });
        }
        self.slots.push(object);
        self.cold.push(cold);
        self.slots.len() as u32 - 1
    }

    pub(crate) fn has_states(&self) -> bool {
        // Object 0 has none, and one that is free has none.
        self.free.len() + 1 < self.slots.len() && self.slots.iter().any(|object| object.state.is_some())
    }

    /// What a closed loop must drop, outside of any access.
    pub(crate) fn take_states(&mut self) -> Vec<impl Sized + use<>> {
        self.slots.iter_mut().filter_map(|object| object.state.take()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.free.clear();
        self.cold.clear();
        self.slots.clear();
    }

    /// The object in words: its kind, and its name or number.
    pub(crate) fn name(&self, slot: u32) -> String {
        let (kind, cold) = (self.slots[slot as usize].kind.name(), &self.cold[slot as usize]);
        match &cold.name {
            Some(name) => format!("{kind} `{name}`"),
            None => format!("{kind} #{} made at {}:{}", cold.nth, cold.place.file(), cold.place.line()),
        }
    }
}

/// A counted handle of an object.
pub(crate) struct ObjectRef {
    loop_id: u64,
    slot: u32,
}

impl ObjectRef {
    /// Makes an object in the current loop.
    ///
    /// # Panics
    /// If no loop is running or set on this thread.
    #[track_caller]
    pub(crate) fn new(kind: ObjectKind) -> ObjectRef {
        ObjectRef::with_state(kind, None)
    }

    #[track_caller]
    fn with_state(kind: ObjectKind, state: Option<State>) -> ObjectRef {
        let place = Location::caller();
        let made = access_current(|l| {
            let (key, nth) = l.rt.object_key(lanes::name_hash(kind.name()));
            let slot = l.objects.insert(kind, state, ObjectCold { nth, place, name: None });
            l.rt.observed.set_object_key(slot, key);
            ObjectRef { loop_id: l.id, slot }
        });
        match made {
            Some(made) => made,
            None => crate::event_loop::no_loop_here(kind.name()),
        }
    }

    /// Another handle, whose count was raised already.
    pub(crate) fn raised(&self) -> ObjectRef {
        ObjectRef { loop_id: self.loop_id, slot: self.slot }
    }

    pub(crate) fn loop_id(&self) -> u64 {
        self.loop_id
    }

    /// The object's number in its loop: what footprints and waits name.
    pub(crate) fn slot(&self) -> u32 {
        self.slot
    }

    /// Lets `f` work on the object; none if its loop is gone.
    ///
    /// # Panics
    /// If its loop is another one than the running one, or another thread's.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn access<R>(&self, f: impl FnOnce(&mut Rt, &mut Object) -> R) -> Option<R> {
        access(self.loop_id, |l| f(&mut l.rt, &mut l.objects.slots[self.slot as usize]))
    }

    /// For a path that knows only the usual case: none if the loop is not the current one, or if `f` says so.
    ///
    /// Such a path makes no call that returns, so the compiler has to keep nothing across one: that is a third of the
    /// instructions of a short operation.
    #[inline(always)]
    pub(crate) fn access_plainly<R>(&self, f: impl FnOnce(&mut Rt, &mut Object) -> Option<R>) -> Option<R> {
        if current_id() != self.loop_id {
            return None;
        }
        access_current(|l| f(&mut l.rt, l.objects.slots.get_mut(self.slot as usize)?))?
    }

    /// As [`access`](ObjectRef::access), for drops: never panics.
    #[inline(always)]
    pub(crate) fn access_quietly<R>(&self, f: impl FnOnce(&mut Rt, &mut Object) -> R) -> Option<R> {
        access_quietly(self.loop_id, |l| f(&mut l.rt, &mut l.objects.slots[self.slot as usize]))
    }

    /// Lets `f` work on the object and gives this handle back, in one access: for guards, which hold a handle that is
    /// not dropped otherwise.
    #[inline(always)]
    pub(crate) fn give_back(&self, f: impl FnOnce(&mut Rt, &mut Object)) {
        let last = self.access_quietly(|rt, object| {
            f(rt, object);
            let last = object.handles == 1;
            object.handles -= u32::from(!last);
            last
        });
        if last == Some(true) {
            drop(ObjectRef { loop_id: self.loop_id, slot: self.slot });
        }
    }

    /// The object in words, for messages; empty if its loop is gone.
    pub(crate) fn name(&self) -> String {
        access_quietly(self.loop_id, |l| l.objects.name(self.slot)).unwrap_or_default()
    }

    /// Gives the object a name for reports, and for step keys.
    pub(crate) fn set_name(&self, name: String) {
        let _ = access_quietly(self.loop_id, |l| {
            let kind = lanes::name_hash(l.objects.slots[self.slot as usize].kind.name());
            l.rt.observed.set_object_key(self.slot, lanes::mix(kind, lanes::name_hash(&name)));
            l.objects.cold[self.slot as usize].name = Some(name);
        });
    }

    /// Gives the object a name for people alone: one that holds what differs from run to run, as ports do.
    pub(crate) fn describe(&self, name: String) {
        let _ = access_quietly(self.loop_id, |l| l.objects.cold[self.slot as usize].name = Some(name));
    }
}

impl Clone for ObjectRef {
    #[inline]
    fn clone(&self) -> ObjectRef {
        let _ = self.access_quietly(|_, object| object.handles += 1);
        ObjectRef { loop_id: self.loop_id, slot: self.slot }
    }
}

impl Drop for ObjectRef {
    #[inline]
    fn drop(&mut self) {
        let slot = self.slot;
        let last = access_quietly(self.loop_id, |l| {
            let object = &mut l.objects.slots[slot as usize];
            object.handles -= 1;
            (object.handles == 0).then(|| {
                l.objects.free.push(slot);
                object.state.take()
            })
        });
        drop(last); // the state's own drop is the user's code: outside
    }
}

impl PartialEq for ObjectRef {
    fn eq(&self, other: &ObjectRef) -> bool {
        (self.loop_id, self.slot) == (other.loop_id, other.slot)
    }
}

/// A counted handle of an object that carries a value of type `S`.
pub(crate) struct TypedRef<S> {
    object: ObjectRef,
    // A handle says nothing about `S` being `Send`: the value never leaves the loop's thread.
    marker: PhantomData<fn() -> S>,
}

impl<S: 'static> TypedRef<S> {
    /// Makes an object with a value in the current loop.
    ///
    /// # Panics
    /// If no loop is running or set on this thread.
    #[track_caller]
    pub(crate) fn new(kind: ObjectKind, state: S) -> TypedRef<S> {
        TypedRef { object: ObjectRef::with_state(kind, Some(State::new(state))), marker: PhantomData }
    }

    /// Lets `f` work on the object and its value; none if its loop is gone, or is closing and has dropped the value.
    ///
    /// # Panics
    /// As [`ObjectRef::access`].
    #[inline(always)]
    #[track_caller]
    pub(crate) fn access<R>(&self, f: impl FnOnce(&mut Rt, &mut Object, &mut S) -> R) -> Option<R> {
        self.object.access(|rt, object| {
            let mut pointer = state_pointer::<S>(object)?;
            // SAFETY: see `state_pointer`.
            Some(f(rt, object, unsafe { pointer.as_mut() }))
        })?
    }

    /// As [`ObjectRef::access_plainly`].
    #[inline(always)]
    pub(crate) fn access_plainly<R>(
        &self,
        f: impl FnOnce(&mut Rt, &mut Object, &mut S) -> Option<R>,
    ) -> Option<R> {
        self.object.access_plainly(|rt, object| {
            let mut pointer = state_pointer::<S>(object)?;
            // SAFETY: see `state_pointer`.
            f(rt, object, unsafe { pointer.as_mut() })
        })
    }

    #[inline(always)]
    pub(crate) fn access_quietly<R>(&self, f: impl FnOnce(&mut Rt, &mut Object, &mut S) -> R) -> Option<R> {
        self.object.access_quietly(|rt, object| {
            let mut pointer = state_pointer::<S>(object)?;
            // SAFETY: see `state_pointer`.
            Some(f(rt, object, unsafe { pointer.as_mut() }))
        })?
    }

    pub(crate) fn object(&self) -> &ObjectRef {
        &self.object
    }
}

/// The value of a typed object; none if its loop is closing and has dropped it already.
///
/// It may be used as `&mut S` while the object is accessed: only `TypedRef::<S>::new` makes such an object, with a
/// value of type `S`; its handles are counted, so neither the slot nor the value is gone or another's; the value has
/// an allocation of its own, so it overlaps with nothing that `Rt` or `Object` hold.
#[inline(always)]
fn state_pointer<S>(object: &Object) -> Option<NonNull<S>> {
    object.state.as_ref().map(|state| state.pointer.cast())
}

impl<S> Clone for TypedRef<S> {
    #[inline]
    fn clone(&self) -> TypedRef<S> {
        TypedRef { object: self.object.clone(), marker: PhantomData }
    }
}
