//! What handles point at: the loops of this thread; in `objects`, what a loop owns.
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
#![allow(unsafe_code, reason = "one dereference behind `access`")]

mod objects;

pub use objects::ObjectKind;
pub(crate) use objects::{Object, ObjectRef, Objects, TypedRef};

use crate::clock;
use crate::event_loop::{EventLoop, Loop};
use std::cell::{Cell, RefCell};
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
    /// The loop that was looked up last: handles of a loop that is not current are mostly of the same one. Without a
    /// pointer once it is closed.
    static FOUND: Cell<Current> = const { Cell::new(Current::NOBODY) };
    /// The door is shut: foreign code runs while a loop is borrowed.
    static SHUT: Cell<bool> = const { Cell::new(false) };
    #[cfg(debug_assertions)]
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// The last id given out on this thread: its thread's number above, a count below.
    static LAST_ID: Cell<u64> = const { Cell::new(0) };
    static LOOPS: RefCell<Register> = const { RefCell::new(Register(Vec::new())) };
    /// Loops that were made ready while another one was current.
    static WOKEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    /// The list above is not empty. A flag of its own: it is looked at after every turn of a process.
    static ANY_WOKEN: Cell<bool> = const { Cell::new(false) };
    /// How many loops run as other threads of the program.
    static THREADS: Cell<i32> = const { Cell::new(0) };
    /// The allocation of a closed loop, for the next one.
    #[expect(clippy::vec_box, reason = "a loop stays where it is: handles find it by its address")]
    static SPARE: RefCell<Vec<Box<Loop>>> = const { RefCell::new(Vec::new()) };
}

/// The loops of a thread, by id. Ids count up, so they are in its order: a world may have ten thousand loops.
struct Register(Vec<(u64, NonNull<Loop>)>);

impl Register {
    fn index_of(&self, loop_id: u64) -> Option<usize> {
        self.0.binary_search_by_key(&loop_id, |entry| entry.0).ok()
    }
}

impl Drop for Register {
    fn drop(&mut self) {
        // The thread ends. What is dropped after this finds no loop any more.
        FOUND.set(Current::NOBODY);
    }
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
    let pointer = if current.id == loop_id { current.pointer } else { find_rarely(loop_id)? };
    Some(enter(pointer, f))
}

/// As [`access_quietly`], for who asks mostly while the loop is not the current one.
#[inline]
pub(crate) fn look_at<R>(loop_id: u64, f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
    Some(enter(find(loop_id)?, f))
}

/// Lets `f` work on the loop that is current on this thread, running or set.
#[inline(always)]
pub(crate) fn access_current<R>(f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
    let current = CURRENT.get();
    (current.id != 0).then(|| enter(current.pointer, f))
}

/// As [`access_current`], for who may be called from anywhere: none where debug builds would see an access within an
/// access.
pub(crate) fn access_current_if_free<R>(f: impl FnOnce(&mut Loop) -> R) -> Option<R> {
    #[cfg(debug_assertions)]
    if INSIDE.get() {
        return None;
    }
    access_current(f)
}

#[inline(always)]
fn enter<R>(pointer: *mut Loop, f: impl FnOnce(&mut Loop) -> R) -> R {
    #[cfg(debug_assertions)]
    let _inside = Inside::new();
    // SAFETY: the pointer comes from `CURRENT`, `FOUND` or `LOOPS`, which hold a loop at most from its registration to
    // its close, so it is alive; loops never leave their thread. It is the only reference: no code of the user and no second access
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

#[inline]
fn find(loop_id: u64) -> Option<*mut Loop> {
    if SHUT.get() {
        return None;
    }
    let found = FOUND.get();
    if found.id != loop_id {
        return find_in_register(loop_id);
    }
    (!found.pointer.is_null()).then_some(found.pointer)
}

/// Out of line, so that those who mostly have the current loop keep their usual path short.
#[cold]
#[inline(never)]
fn find_rarely(loop_id: u64) -> Option<*mut Loop> {
    find(loop_id)
}

#[inline(never)]
fn find_in_register(loop_id: u64) -> Option<*mut Loop> {
    let pointer = LOOPS
        .try_with(|loops| {
            let loops = loops.borrow();
            Some(loops.0[loops.index_of(loop_id)?].1.as_ptr())
        })
        .ok()
        .flatten()?;
    FOUND.set(Current { id: loop_id, pointer });
    Some(pointer)
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

/// The allocation of a closed loop, if one was kept.
pub(crate) fn take_spare() -> Option<Box<Loop>> {
    SPARE.with_borrow_mut(Vec::pop)
}

/// Registers a new loop on this thread, whose id never repeats, once it has begun under that id.
pub(crate) fn register(mut made: Box<Loop>, begin: impl FnOnce(&mut Loop, u64)) -> u64 {
    let mut last = LAST_ID.get();
    if last == 0 {
        last = NEXT_THREAD.fetch_add(1, Ordering::Relaxed) << THREAD_SHIFT;
    }
    let id = last + 1;
    LAST_ID.set(id);
    begin(&mut made, id);
    let pointer = NonNull::from(Box::leak(made));
    LOOPS.with_borrow_mut(|loops| loops.0.push((id, pointer)));
    FOUND.set(Current { id, pointer: pointer.as_ptr() });
    id
}

/// Takes a closed loop out of the register. From here on its handles are inert.
pub(crate) fn unregister(loop_id: u64) -> Option<Box<Loop>> {
    let pointer = LOOPS.with_borrow_mut(|loops| {
        let index = loops.index_of(loop_id)?;
        Some(loops.0.remove(index).1)
    })?;
    if CURRENT.get().id == loop_id {
        CURRENT.set(Current::NOBODY);
    }
    FOUND.set(Current { id: loop_id, ..Current::NOBODY });
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
    let guard = CurrentGuard(CURRENT.replace(current));
    tell_time();
    guard
}

/// The clocks of this thread show the time of the loop that has become current; without one they stand still.
fn tell_time() {
    let _ = access_current(|l| clock::tell(l.rt.now));
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
        tell_time();
    }
}

pub(crate) fn is_registered(loop_id: u64) -> bool {
    CURRENT.get().id == loop_id || find(loop_id).is_some()
}

/// The id of the current loop, 0 if there is none.
pub(crate) fn current_id() -> u64 {
    CURRENT.get().id
}

/// A loop was made ready; if it is not the current one, the driver of many loops is to hear of it.
pub(crate) fn note_woken(loop_id: u64) {
    if CURRENT.get().id != loop_id {
        let _ = WOKEN.try_with(|woken| {
            let mut woken = woken.borrow_mut();
            if woken.last() != Some(&loop_id) {
                woken.push(loop_id);
                ANY_WOKEN.set(true);
            }
        });
    }
}

/// Moves the loops that were woken from without into `woken`.
#[inline]
pub(crate) fn take_woken_loops(woken: &mut Vec<u64>) {
    if ANY_WOKEN.replace(false) {
        WOKEN.with_borrow_mut(|noted| woken.append(noted));
    }
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
    let ids: Vec<u64> = LOOPS.with_borrow(|loops| loops.0.iter().map(|entry| entry.0).collect());
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
    let ids: Vec<u64> =
        LOOPS.try_with(|loops| loops.borrow().0.iter().map(|entry| entry.0).collect()).ok()?;
    ids.into_iter().find(|id| access_quietly(*id, |l| l.rt.tag == tag) == Some(true))
}
