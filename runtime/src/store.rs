//! What handles point at: the loops of this thread, and the objects that a loop owns.
//!
//! A handle holds ids alone: a loop's id, which never repeats, and a slot. So handles are `Send + Sync` without any
//! `unsafe`, and code with `Send` bounds compiles unchanged. The loop owns the value and counts the handles.
//!
//! [`access`] is the one door from an id to a loop. **Nothing of the user runs behind it**: no closure, no `Drop`,
//! `Clone` or `Ord` of the program's types. Values are taken out first and dropped after. In debug builds a flag
//! asserts it. What has to call foreign code from inside (cloning a foreign waker) shuts the door meanwhile: see
//! [`outside`].
//!
//! | the handle's loop is | use | clone, drop |
//! |---|---|---|
//! | the current one | yes | yes |
//! | another one of this thread, none is running | yes | yes |
//! | another one of this thread, one is running | a panic by name | yes |
//! | closed | `None`: the handle is inert | nothing |
//! | another thread's | a panic by name | nothing |
#![allow(unsafe_code, reason = "one dereference behind `access`, and the typed state behind an id")]

use crate::event_loop::{EventLoop, Loop};
use crate::lanes;
use crate::slots::List;
use crate::waits::Rt;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bits of a loop's id that say on which thread it lives.
const THREAD_SHIFT: u32 = 40;
static NEXT_THREAD: AtomicU64 = AtomicU64::new(1);

#[derive(Clone, Copy)]
struct Current {
    id: u64,
    pointer: *mut Loop,
}

impl Current {
    const NOBODY: Current = Current { id: 0, pointer: std::ptr::null_mut() };
}

thread_local! {
    // Const initialised and without a destructor: an access is a load.
    static CURRENT: Cell<Current> = const { Cell::new(Current::NOBODY) };
    /// The door is shut: foreign code runs while a loop is borrowed.
    static SHUT: Cell<bool> = const { Cell::new(false) };
    #[cfg(debug_assertions)]
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// The last id given out on this thread: its thread's number above, a count below.
    static LAST_ID: Cell<u64> = const { Cell::new(0) };
    static LOOPS: RefCell<Vec<(u64, NonNull<Loop>)>> = const { RefCell::new(Vec::new()) };
    /// How many loops run as other threads of the program.
    static THREADS: Cell<i32> = const { Cell::new(0) };
    /// The allocation of a closed loop, for the next one.
    #[expect(clippy::vec_box, reason = "a loop stays where it is: handles find it by its address")]
    static SPARE: RefCell<Vec<Box<Loop>>> = const { RefCell::new(Vec::new()) };
}

/// Lets `f` work on a loop; none if the loop is gone.
///
/// # Panics
/// If the loop belongs to another thread, or is another one than the running one.
#[inline(always)]
#[track_caller]
pub(crate) fn access<R>(loop_id: u64, f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
    let current = CURRENT.get();
    let pointer = if current.id == loop_id { current.pointer } else { elsewhere(loop_id)? };
    Some(enter(pointer, f))
}

/// As [`access`], for clones and drops: never panics, and reaches every loop of this thread.
#[inline(always)]
pub(crate) fn access_quietly<R>(loop_id: u64, f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
    let current = CURRENT.get();
    let pointer = if current.id == loop_id { current.pointer } else { find(loop_id)? };
    Some(enter(pointer, f))
}

/// Lets `f` work on the loop that is current on this thread, running or set.
#[inline(always)]
pub(crate) fn access_current<R>(f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
    let current = CURRENT.get();
    (current.id != 0).then(|| enter(current.pointer, f))
}

#[inline(always)]
fn enter<R>(pointer: *mut Loop, f: impl FnOnce(&mut Loop) -> R) -> R {
    #[cfg(debug_assertions)]
    let _inside = Inside::new();
    // SAFETY: the pointer comes from `CURRENT` or `LOOPS`, which hold a loop from its registration to its close, so
    // it is alive; loops never leave their thread. It is the only reference: no code of the user and no second access
    // runs inside `f` (asserted above in debug builds, where the whole test suite runs), and `outside` shuts the door.
    f(unsafe { &mut *pointer })
}

#[cfg(debug_assertions)]
struct Inside;

#[cfg(debug_assertions)]
impl Inside {
    fn new() -> Inside {
        assert!(!INSIDE.replace(true), "an access to the loop within an access");
        Inside
    }
}

#[cfg(debug_assertions)]
impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// Runs foreign code from inside an access, with the door shut: whatever of ours it calls finds no loop.
#[cold]
pub(crate) fn outside<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(Current);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
            SHUT.set(false);
        }
    }
    let _restore = Restore(CURRENT.replace(Current::NOBODY));
    SHUT.set(true);
    f()
}

fn find(loop_id: u64) -> Option<*mut Loop> {
    if SHUT.get() {
        return None;
    }
    LOOPS
        .try_with(|loops| {
            loops.borrow().iter().find(|entry| entry.0 == loop_id).map(|entry| entry.1.as_ptr())
        })
        .ok()
        .flatten()
}

#[cold]
#[inline(never)]
#[track_caller]
fn elsewhere(loop_id: u64) -> Option<*mut Loop> {
    if loop_id != 0 && loop_id >> THREAD_SHIFT != LAST_ID.get() >> THREAD_SHIFT {
        panic!(
            "a handle was used on another thread than the one its event loop runs on.\n\
             A simulation is one thread; use `call_soon_threadsafe` or `to_thread`, whose closures run on it."
        );
    }
    let pointer = find(loop_id)?;
    let current = CURRENT.get();
    if current.id != 0 {
        let running = enter(current.pointer, |l| l.running.then(|| l.name.clone()));
        if let Some(running) = running {
            let own = enter(pointer, |l| l.name.clone());
            panic!(
                "a handle of event loop `{own}` was used in event loop `{running}`.\n\
                 Objects are bound to the loop they were made in; between loops use `call_soon_threadsafe` or \
                 `run_coroutine_threadsafe`."
            );
        }
    }
    Some(pointer)
}

/// Registers a new loop on this thread, made anew or from the allocation of a closed one; its id never repeats.
pub(crate) fn register(make: impl FnOnce(Option<Box<Loop>>, u64) -> Box<Loop>) -> u64 {
    let mut last = LAST_ID.get();
    if last == 0 {
        last = NEXT_THREAD.fetch_add(1, Ordering::Relaxed) << THREAD_SHIFT;
    }
    let id = last + 1;
    LAST_ID.set(id);
    let spare = SPARE.with_borrow_mut(Vec::pop);
    let pointer = NonNull::from(Box::leak(make(spare, id)));
    LOOPS.with_borrow_mut(|loops| loops.push((id, pointer)));
    id
}

/// Takes a closed loop out of the register. From here on its handles are inert.
pub(crate) fn unregister(loop_id: u64) -> Option<Box<Loop>> {
    let pointer = LOOPS.with_borrow_mut(|loops| {
        let index = loops.iter().position(|entry| entry.0 == loop_id)?;
        Some(loops.swap_remove(index).1)
    })?;
    if CURRENT.get().id == loop_id {
        CURRENT.set(Current::NOBODY);
    }
    // SAFETY: `register` leaked this box, and the entry that led to it is gone: nobody else can free or reach it.
    Some(unsafe { Box::from_raw(pointer.as_ptr()) })
}

/// Keeps the allocations of a loop that was reset for the next one.
pub(crate) fn keep_spare(spare: Box<Loop>) {
    SPARE.with_borrow_mut(|spares| {
        if spares.len() < 4 {
            spares.push(spare);
        }
    });
}

/// Makes a loop the current one of this thread until the guard goes; 0 is none.
pub(crate) fn make_current(loop_id: u64) -> CurrentGuard {
    let pointer = if loop_id == 0 { None } else { find(loop_id) };
    let current = pointer.map_or(Current::NOBODY, |pointer| Current { id: loop_id, pointer });
    CurrentGuard(CURRENT.replace(current))
}

/// Restores the loop that was current before.
pub(crate) struct CurrentGuard(Current);

impl CurrentGuard {
    /// The new loop stays current.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for CurrentGuard {
    fn drop(&mut self) {
        // The loop may have been closed meanwhile.
        let alive = self.0.id != 0 && find(self.0.id).is_some();
        CURRENT.set(if alive { self.0 } else { Current::NOBODY });
    }
}

pub(crate) fn is_registered(loop_id: u64) -> bool {
    CURRENT.get().id == loop_id || find(loop_id).is_some()
}

/// The id of the current loop, 0 if there is none.
pub(crate) fn current_id() -> u64 {
    CURRENT.get().id
}

/// How many loops of this thread run as other threads of the program.
pub(crate) fn threads_count() -> i32 {
    THREADS.get()
}

/// One more or one less of them.
pub(crate) fn count_threads(by: i32) {
    THREADS.set(THREADS.get() + by);
}

/// The loops of this thread that run as other threads of the program, in the order in which they were made.
pub(crate) fn loops_in_threads() -> Vec<EventLoop> {
    let ids: Vec<u64> = LOOPS.with_borrow(|loops| loops.iter().map(|entry| entry.0).collect());
    let mut ids: Vec<u64> =
        ids.into_iter().filter(|id| access_quietly(*id, |l| l.in_thread) == Some(true)).collect();
    ids.sort_unstable();
    ids.into_iter().filter_map(EventLoop::of).collect()
}

/// The loop of this thread whose words carry this tag.
pub(crate) fn loop_with_tag(tag: u16) -> Option<u64> {
    if SHUT.get() {
        return None;
    }
    let ids: Vec<u64> = LOOPS.try_with(|loops| loops.borrow().iter().map(|entry| entry.0).collect()).ok()?;
    ids.into_iter().find(|id| access_quietly(*id, |l| l.rt.tag == tag) == Some(true))
}

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
    /// Names the object through edits: the hash of its kind, its creator's lane, and its number there.
    #[expect(dead_code, reason = "step keys name an object by its slot as yet, which an edit may move")]
    pub(crate) key: u64,
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
            self.cold.push(ObjectCold { key: 0, nth: 0, place: cold.place, name: None });
        }
        self.slots.push(object);
        self.cold.push(cold);
        self.slots.len() as u32 - 1
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
            let cold = ObjectCold { key, nth, place, name: None };
            ObjectRef { loop_id: l.id, slot: l.objects.insert(kind, state, cold) }
        });
        made.unwrap_or_else(|| crate::event_loop::no_loop_here(kind.name()))
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

    /// Gives the object a name for reports.
    pub(crate) fn set_name(&self, name: String) {
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
