//! `Shared`: a value of the program whose reads and writes are seen.
//!
//! Tasks of one thread may share a `Cell`, and asyncio's rule protects it: nobody else runs between two awaits. But then
//! nobody sees who depends on whom. Strategies that go by conflicts, the exhaustive search and the counts of distinct
//! behaviour know what the library's own objects are used for, and not what lies in a `Cell`. A `Shared` says it.
//!
//! `get`, `set` and their like are plain calls, and cannot suspend. [`read`](Shared::read) and [`write`](Shared::write) are
//! awaits that give way first, in every profile: for state that stands for what other threads or machines change, where
//! each access may come between any two of the others. It is in the call and not a switch of the value, because a place
//! where others may run has to be an await that is seen in the code.
//!
//! The value lies behind an `Rc`, so that the closures of the program run outside of any access to the loop.

use crate::ops::Op;
use crate::schedule::Touch;
use crate::store::{ObjectKind, TypedRef};
use crate::waits::{Resumed, Wait};
use crate::{Error, Result};
use std::cell::{Ref, RefCell, RefMut};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// A value that tasks share, and whose reads and writes belong to the footprints of steps. A clone is the same value.
///
/// It is `Send + Sync` whatever the value is: the value stays with the loop, and goes with it.
///
/// # Panics
/// Every use but a clone and a drop panics in another loop or thread than that in which it was made, and after its loop
/// was closed.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
/// use asyncio::Shared;
///
/// asyncio::run(async {
///     let balance = Shared::new(100).named("balance");
///     let withdrawal = asyncio::create_task({
///         let balance = balance.clone();
///         async move {
///             let seen = balance.get();
///             asyncio::sleep(std::time::Duration::ZERO).await?;
///             balance.set(seen - 10);
///             Ok(())
///         }
///     });
///     withdrawal.await?;
///     assert_eq!(balance.get(), 90);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct Shared<T> {
    value: TypedRef<Rc<RefCell<T>>>,
}

impl<T: 'static> Shared<T> {
    /// Gives a value to the current loop.
    ///
    /// # Panics
    /// Outside of any event loop.
    #[track_caller]
    pub fn new(value: T) -> Shared<T> {
        Shared { value: TypedRef::new(ObjectKind::Shared, Rc::new(RefCell::new(value))) }
    }

    /// Gives it a name for reports.
    pub fn named(self, name: impl Into<String>) -> Shared<T> {
        self.value.object().set_name(name.into());
        self
    }

    /// A clone of the value.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Replaces the value.
    #[track_caller]
    pub fn set(&self, value: T) {
        let old = self.with_mut(|place| std::mem::replace(place, value));
        drop(old);
    }

    /// Lets `f` look at the value.
    ///
    /// # Panics
    /// If the value is being changed by a [`with_mut`](Shared::with_mut) further up.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let value = self.touching(Touch::Read);
        let value = borrow(&value);
        f(&value)
    }

    /// Lets `f` change the value.
    ///
    /// # Panics
    /// If the value is being looked at or changed further up.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let value = self.touching(Touch::Write);
        let mut value = borrow_mut(&value);
        f(&mut value)
    }

    /// Makes the next value from the one that is there, in one go; gives a clone of it.
    #[track_caller]
    pub fn update(&self, f: impl FnOnce(&T) -> T) -> T
    where
        T: Clone,
    {
        self.with_mut(|value| {
            *value = f(value);
            value.clone()
        })
    }

    /// Gives way, then reads: others may run before.
    ///
    /// # Order
    /// One tick, as `sleep(0)`.
    ///
    /// # Cancellation
    /// Nothing is read.
    ///
    /// # Errors
    /// `Cancelled` if the task is cancelled meanwhile.
    #[track_caller]
    pub fn read(&self) -> SharedRead<'_, T>
    where
        T: Clone,
    {
        SharedRead(Access::new(self, Op::Get, Location::caller()))
    }

    /// Gives way, then replaces the value: others may run before.
    ///
    /// # Order
    /// One tick, as `sleep(0)`.
    ///
    /// # Cancellation
    /// Nothing is written, and the new value is dropped.
    ///
    /// # Errors
    /// `Cancelled` if the task is cancelled meanwhile.
    #[track_caller]
    pub fn write(&self, value: T) -> SharedWrite<'_, T> {
        SharedWrite { access: Access::new(self, Op::Put, Location::caller()), value: Some(value) }
    }

    #[track_caller]
    fn touching(&self, touch: Touch) -> Rc<RefCell<T>> {
        let slot = self.value.object().slot();
        let value = self.value.access(|rt, _, value| {
            rt.touch(slot, touch);
            Rc::clone(value)
        });
        match value {
            Some(value) => value,
            None => crate::event_loop::loop_is_closed("a Shared value"),
        }
    }
}

#[track_caller]
fn borrow<T>(value: &RefCell<T>) -> Ref<'_, T> {
    value.try_borrow().unwrap_or_else(|_| panic!("{IN_USE}"))
}

#[track_caller]
fn borrow_mut<T>(value: &RefCell<T>) -> RefMut<'_, T> {
    value.try_borrow_mut().unwrap_or_else(|_| panic!("{IN_USE}"))
}

const IN_USE: &str = "a Shared value was used inside of its own `with`, `with_mut` or `update`.\n\
     Use what the closure is given.";

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared { value: self.value.clone() }
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.value.object().slot();
        let value = self.value.access_quietly(|rt, _, value| {
            rt.touch(slot, Touch::Read);
            Rc::clone(value)
        });
        match value {
            Some(value) => match value.try_borrow() {
                Ok(value) => write!(f, "{} [{:?}]", self.value.object().name(), *value),
                Err(_) => write!(f, "{} [in use]", self.value.object().name()),
            },
            None => write!(f, "a Shared value of a closed event loop"),
        }
    }
}

/// An access that gives way first.
struct Access<'a, T: 'static> {
    shared: &'a Shared<T>,
    wait: Wait,
    op: Op,
    over: bool,
}

impl<'a, T: 'static> Access<'a, T> {
    fn new(shared: &'a Shared<T>, op: Op, place: &'static Location<'static>) -> Access<'a, T> {
        Access { shared, wait: Wait::new(place), op, over: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        assert!(!self.over, "an access of a Shared value is not polled after its end");
        let Access { shared, wait, op, over } = self;
        let object = shared.value.object();
        let slot = object.slot();
        let polled = object.access(|rt, _| {
            if !wait.begun() {
                rt.suspend_once(wait, cx, *op, slot);
                return Poll::Pending;
            }
            match rt.resume(wait, cx) {
                Resumed::Pending => Poll::Pending,
                Resumed::Cancelled(error) => Poll::Ready(Err(error)),
                Resumed::Woken | Resumed::GaveWay => Poll::Ready(Ok(())),
            }
        });
        let polled = polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())));
        *over = polled.is_ready();
        polled
    }
}

impl<T: 'static> Drop for Access<'_, T> {
    fn drop(&mut self) {
        if self.wait.begun() {
            let wait = &mut self.wait;
            let _ = self.shared.value.object().access_quietly(|rt, _| rt.abandon(wait));
        }
    }
}

/// The future of [`Shared::read`].
#[must_use = "nothing is read until it is awaited"]
pub struct SharedRead<'a, T: 'static>(Access<'a, T>);

impl<T: Clone + 'static> Future for SharedRead<'_, T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let SharedRead(access) = self.get_mut();
        ready!(access.poll(cx))?;
        Poll::Ready(Ok(access.shared.get()))
    }
}

/// The future of [`Shared::write`].
#[must_use = "nothing is written until it is awaited"]
pub struct SharedWrite<'a, T: 'static> {
    access: Access<'a, T>,
    value: Option<T>,
}

// The value is moved out, never pinned.
impl<T: 'static> Unpin for SharedWrite<'_, T> {}

impl<T: 'static> Future for SharedWrite<'_, T> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let SharedWrite { access, value } = self.get_mut();
        ready!(access.poll(cx))?;
        access.shared.set(value.take().expect("a value is written once"));
        Poll::Ready(Ok(()))
    }
}
