//! Context variables: values that follow a task, as Python's `contextvars`.
//!
//! A task, a callback and a done callback each run in a copy of the context in which they were made. A context is a
//! small persistent map, so that copying is one count; and most programs have no variables, so number 0 stands for an
//! empty context that nobody has written to, and costs nothing. It becomes a real one at its first `set`. The copy of a
//! real one without values is number 0 again.

use crate::schedule::Touch;
use crate::slots::{NONE, flag};
use crate::store::{access, access_current, access_quietly};
use crate::waits::Rt;
use crate::{Error, ErrorKind, Result};
use std::any::Any;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// All contexts that are shared, as a thing that is touched: they have no names, and few programs share any.
const SHARED_CONTEXTS: u64 = 0x636F_6E74_6578_7473;

type Values = Vec<(u64, Rc<dyn Any>)>;

/// The contexts of a loop, by number; 0 is nobody's.
#[derive(Default)]
pub(crate) struct Contexts {
    slots: Vec<ContextSlot>,
    free: Vec<u32>,
    /// The context of code outside of any task or callback.
    pub(crate) base: u32,
}

#[derive(Default)]
struct ContextSlot {
    /// None until a variable is set.
    values: Option<Rc<Values>>,
    handles: u32,
    entered: bool,
    /// Several tasks or callbacks may run in it.
    shared: bool,
}

impl Contexts {
    fn insert(&mut self, values: Option<Rc<Values>>) -> u32 {
        let slot = ContextSlot { values, handles: 1, entered: false, shared: false };
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = slot;
            return number;
        }
        if self.slots.is_empty() {
            self.slots.push(ContextSlot::default());
        }
        self.slots.push(slot);
        self.slots.len() as u32 - 1
    }

    /// As [`insert`](Contexts::insert), for one that the program has a handle of.
    fn insert_shared(&mut self, values: Option<Rc<Values>>) -> u32 {
        let number = self.insert(values);
        self.slots[number as usize].shared = true;
        number
    }

    fn values(&self, context: u32) -> Option<&Rc<Values>> {
        if context == NONE { None } else { self.slots[context as usize].values.as_ref() }
    }

    pub(crate) fn has_values(&self) -> bool {
        self.slots.iter().any(|slot| slot.values.is_some())
    }

    /// What a closed loop must drop, outside of any access. The contexts themselves stay: what is dropped after them
    /// gives back its counts.
    pub(crate) fn take_values(&mut self) -> Vec<impl Sized + use<>> {
        self.slots.iter_mut().filter_map(|slot| slot.values.take()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.free.clear();
        self.slots.clear();
        self.base = NONE;
    }
}

impl Rt {
    /// A copy of the current context, for what is made now.
    #[inline(always)]
    pub(crate) fn copy_context(&mut self) -> u32 {
        if self.context == NONE { NONE } else { self.copy_context_rarely() }
    }

    #[cold]
    fn copy_context_rarely(&mut self) -> u32 {
        match self.contexts.values(self.context).map(Rc::clone) {
            None => NONE,
            values => self.contexts.insert(values),
        }
    }

    #[cold]
    pub(crate) fn release_context(&mut self, context: u32) {
        if context == NONE {
            return;
        }
        let slot = &mut self.contexts.slots[context as usize];
        slot.handles -= 1;
        if slot.handles == 0 {
            let values = slot.values.take();
            self.contexts.free.push(context);
            if let Some(values) = values {
                self.discard(Box::new(values));
            }
        }
    }

    /// Gives a slot a context, whose count the caller has raised.
    pub(crate) fn set_slot_context(&mut self, slot: u32, context: u32) {
        let old = std::mem::replace(&mut self.cold[slot as usize].context, context);
        self.release_context(old);
        let flags = &mut self.slot_mut(slot).node.flags;
        *flags = if context == NONE { *flags & !flag::CONTEXT } else { *flags | flag::CONTEXT };
    }

    /// The current context as a real one.
    fn context_for_writing(&mut self) -> u32 {
        if self.context == NONE {
            let context = self.contexts.insert(None);
            self.context = context;
            if self.current == NONE {
                self.contexts.base = context;
            } else {
                self.set_slot_context(self.current, context);
            }
        }
        self.context
    }
}

/// A variable with a value for each context (`contextvars.ContextVar`).
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// static REQUEST: asyncio::ContextVar<u32> = asyncio::ContextVar::new("request");
///
/// asyncio::run(async {
///     REQUEST.set(1);
///     let child = asyncio::create_task(async {
///         let inherited = REQUEST.get();
///         REQUEST.set(2); // in the child's own copy
///         Ok(inherited)
///     });
///     assert_eq!(child.await?, Some(1));
///     assert_eq!(REQUEST.get(), Some(1));
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct ContextVar<T> {
    name: &'static str,
    // Which variable it is, never an order: values are found by it.
    id: OnceLock<u64>,
    marker: PhantomData<fn() -> T>,
}

static NEXT_VARIABLE: AtomicU64 = AtomicU64::new(1);

impl<T: Clone + 'static> ContextVar<T> {
    /// Makes a variable; its name is for people.
    pub const fn new(name: &'static str) -> ContextVar<T> {
        ContextVar { name, id: OnceLock::new(), marker: PhantomData }
    }

    fn id(&self) -> u64 {
        *self.id.get_or_init(|| NEXT_VARIABLE.fetch_add(1, Ordering::Relaxed))
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The value in the current context; none if it was never set there, or outside of any loop.
    pub fn get(&self) -> Option<T> {
        let id = self.id();
        let value = access_current(|l| {
            l.rt.touch_context(Touch::Read);
            let values = l.rt.contexts.values(l.rt.context)?;
            values.iter().find(|entry| entry.0 == id).map(|entry| Rc::clone(&entry.1))
        })??;
        Some(value.downcast_ref::<T>().expect("a variable holds values of its own type").clone())
    }

    /// Sets the value in the current context. The token can set it back.
    ///
    /// # Panics
    /// Outside of any event loop.
    #[track_caller]
    pub fn set(&self, value: T) -> ContextToken<T> {
        self.put(Some(Rc::new(value)))
    }

    /// Sets the value back to what it was before the `set` that gave the token.
    ///
    /// # Errors
    /// `Runtime` if the token was used already, `Value` if it was made in another context; it can then be used there.
    pub fn reset(&self, token: &ContextToken<T>) -> Result<()> {
        let refused = access(token.loop_id, |l| {
            if token.used.get() {
                let message = format!("the token of ContextVar `{}` has been used already", self.name);
                return Some(Error::new(ErrorKind::Runtime, message));
            }
            if l.rt.context != token.context || self.id() != token.variable {
                let message = format!("the token of ContextVar `{}` was made in another context", self.name);
                return Some(Error::new(ErrorKind::Value, message));
            }
            None
        });
        match refused {
            None => return Err(Error::loop_is_closed()),
            Some(Some(error)) => return Err(error),
            Some(None) => token.used.set(true),
        }
        self.put(token.old.clone());
        Ok(())
    }

    #[track_caller]
    fn put(&self, value: Option<Rc<dyn Any>>) -> ContextToken<T> {
        let id = self.id();
        let made = access_current(|l| {
            let context = l.rt.context_for_writing();
            l.rt.touch_context(Touch::Write);
            let values = l.rt.contexts.slots[context as usize].values.get_or_insert_default();
            let values = Rc::make_mut(values);
            let place = values.iter().position(|entry| entry.0 == id);
            let old = match (place, value) {
                (Some(index), Some(value)) => Some(std::mem::replace(&mut values[index].1, value)),
                (Some(index), None) => Some(values.remove(index).1),
                (None, Some(value)) => {
                    values.push((id, value));
                    None
                }
                (None, None) => None,
            };
            // The token holds the context, so that its number is not another's meanwhile.
            l.rt.contexts.slots[context as usize].handles += 1;
            let marker = PhantomData;
            ContextToken {
                loop_id: l.id,
                context,
                variable: id,
                used: std::cell::Cell::new(false),
                old,
                marker,
            }
        });
        match made {
            Some(made) => made,
            None => crate::event_loop::no_loop_here("ContextVar::set"),
        }
    }
}

/// What a variable was before it was set (`contextvars.Token`).
pub struct ContextToken<T> {
    loop_id: u64,
    context: u32,
    variable: u64,
    used: std::cell::Cell<bool>,
    old: Option<Rc<dyn Any>>,
    marker: PhantomData<fn() -> T>,
}

impl<T> Drop for ContextToken<T> {
    fn drop(&mut self) {
        let _ = access_quietly(self.loop_id, |l| l.rt.release_context(self.context));
    }
}

/// A mapping of variables to values that code can be run in (`contextvars.Context`). A clone is the same context.
pub struct Context {
    pub(crate) loop_id: u64,
    pub(crate) number: u32,
}

impl Context {
    /// Makes an empty context.
    ///
    /// # Panics
    /// Outside of any event loop.
    #[expect(clippy::new_without_default, reason = "it needs a loop, which a default does not say")]
    #[track_caller]
    pub fn new() -> Context {
        Context::with_values(|_| None)
    }

    #[track_caller]
    fn with_values(values: impl FnOnce(&mut Rt) -> Option<Rc<Values>>) -> Context {
        let made = access_current(|l| {
            let values = values(&mut l.rt);
            Context { loop_id: l.id, number: l.rt.contexts.insert_shared(values) }
        });
        match made {
            Some(made) => made,
            None => crate::event_loop::no_loop_here("Context"),
        }
    }

    /// An empty context of a loop that need not be the current one.
    pub(crate) fn empty_of(loop_id: u64) -> Context {
        let number = access(loop_id, |l| l.rt.contexts.insert(None));
        Context { loop_id, number: number.unwrap_or(NONE) }
    }

    /// The context that a task or callback was given; an empty one if nobody has written to it.
    pub(crate) fn of_slot(loop_id: u64, slot: u32) -> Context {
        let number = access(loop_id, |l| match l.rt.cold[slot as usize].context {
            NONE => l.rt.contexts.insert_shared(None),
            context => l.rt.share_context(context),
        });
        Context { loop_id, number: number.unwrap_or(NONE) }
    }

    /// The context of a task that does not run now; none if it is done and has written to none.
    pub(crate) fn left_by(loop_id: u64, slot: u32) -> Option<Context> {
        let number = access_quietly(loop_id, |l| {
            let rt = &mut l.rt;
            match rt.cold[slot as usize].context {
                NONE if rt.slot(slot).is(flag::DONE) => None,
                NONE => {
                    let context = rt.contexts.insert(None);
                    rt.set_slot_context(slot, context);
                    Some(rt.share_context(context))
                }
                context => Some(rt.share_context(context)),
            }
        });
        Some(Context { loop_id, number: number?? })
    }

    /// Has anybody written to the context of code outside of tasks?
    pub(crate) fn is_written_in(loop_id: u64) -> bool {
        access_quietly(loop_id, |l| l.rt.context != NONE) == Some(true)
    }

    /// A copy with the same values, that changes on its own from here.
    pub fn copy(&self) -> Context {
        let number = access(self.loop_id, |l| {
            let values = l.rt.contexts.values(self.number).map(Rc::clone);
            l.rt.contexts.insert_shared(values)
        });
        Context { loop_id: self.loop_id, number: number.unwrap_or(NONE) }
    }

    /// Runs `f` in this context: what it sets stays here.
    ///
    /// # Errors
    /// `Runtime` if code runs in this context already.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> Result<R> {
        let entered = access(self.loop_id, |l| l.rt.enter_context(self.number));
        let before = entered.ok_or_else(Error::loop_is_closed)?.ok_or_else(|| {
            Error::new(ErrorKind::Runtime, "cannot enter this context: code runs in it already")
        })?;
        let _restore = Restore { loop_id: self.loop_id, context: self.number, before };
        Ok(f())
    }
}

struct Restore {
    loop_id: u64,
    context: u32,
    before: Before,
}

/// The context that code ran in before, and whether it was marked as entered then.
pub(crate) struct Before {
    context: u32,
    entered: bool,
}

impl Drop for Restore {
    fn drop(&mut self) {
        let _ = access_quietly(self.loop_id, |l| l.rt.leave_context(self.context, &self.before));
    }
}

impl Rt {
    /// Makes a context the current one; none if code runs in it already.
    fn enter_context(&mut self, context: u32) -> Option<Before> {
        // The context of a running task is marked only once another is entered on top of it.
        if context == self.context
            || std::mem::replace(&mut self.contexts.slots[context as usize].entered, true)
        {
            return None;
        }
        let below = std::mem::replace(&mut self.context, context);
        let mark = (below != NONE).then(|| &mut self.contexts.slots[below as usize].entered);
        let entered = mark.is_some_and(|mark| std::mem::replace(mark, true));
        Some(Before { context: below, entered })
    }

    fn leave_context(&mut self, context: u32, before: &Before) {
        self.contexts.slots[context as usize].entered = false;
        self.context = before.context;
        if before.context != NONE {
            self.contexts.slots[before.context as usize].entered = before.entered;
        }
    }

    /// Raises the count of a context for a slot that is given it.
    pub(crate) fn share_context(&mut self, context: u32) -> u32 {
        let slot = &mut self.contexts.slots[context as usize];
        slot.handles += 1;
        slot.shared = true;
        context
    }

    /// The running step uses its context, which another task may share.
    #[inline]
    fn touch_context(&mut self, touch: Touch) {
        if self.watches_footprints()
            && self.contexts.slots.get(self.context as usize).is_some_and(|slot| slot.shared)
        {
            self.touch_thing(SHARED_CONTEXTS, touch, || "the shared contexts".into());
        }
    }
}

impl Clone for Context {
    fn clone(&self) -> Context {
        let _ = access_quietly(self.loop_id, |l| l.rt.share_context(self.number));
        Context { loop_id: self.loop_id, number: self.number }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = access_quietly(self.loop_id, |l| l.rt.release_context(self.number));
    }
}

/// A copy of the current context (`contextvars.copy_context`).
///
/// # Panics
/// Outside of any event loop.
#[track_caller]
pub fn copy_context() -> Context {
    Context::with_values(|rt| rt.contexts.values(rt.context).map(Rc::clone))
}

/// As [`copy_context`]; none if nobody has written to the current one.
#[track_caller]
pub(crate) fn copy_written_context() -> Option<Context> {
    match access_current(|l| l.rt.context != NONE) {
        Some(false) => None,
        Some(true) => Some(copy_context()),
        None => crate::event_loop::no_loop_here("Context"),
    }
}
