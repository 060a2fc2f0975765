//! Tasks in line for a thing of the kernel: a socket that is to be readable, a connection that is to be up.
//!
//! Two lines, one for each direction, as a socket has them. A wake wakes all of a line, and each looks again: readiness
//! is a hint, as everywhere. A wait is the task's own slot, so it allocates nothing.

use crate::ops::Op;
use crate::schedule::Touch;
use crate::slots::NONE;
use crate::store::{Object, ObjectKind, ObjectRef, access, access_current, access_quietly};
use crate::waits::{Resumed, Rt, Wait};
use crate::{Error, Result};
use std::panic::Location;
use std::task::{Context, Poll};

/// Which of the two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Those who wait until something can be read.
    Read,
    /// Those who wait until something can be written.
    Write,
}

/// A thing of the kernel that tasks of one loop wait for. A clone is the same.
#[derive(Clone)]
pub struct Waiters {
    object: ObjectRef,
}

/// One wait of one task in a line: part of a future written by hand.
pub struct KernelWait {
    wait: Wait,
    /// It may outlive the task in which it began.
    apart: bool,
    /// What it stands in line for, if it was told to hold it.
    held: Option<(Waiters, Line)>,
    /// The loop in which it gives way, and stands in no line; 0 if it does not.
    gives_way_in: u64,
}

impl KernelWait {
    /// A wait that has not begun; `place` is where in the program.
    pub const fn new(place: &'static Location<'static>) -> KernelWait {
        KernelWait { wait: Wait::new(place), apart: false, held: None, gives_way_in: 0 }
    }

    /// One that is kept from one poll to the next by something that may go to another task meanwhile: a stream under a
    /// trait of another crate. A future that ends with its wait needs it not, and is cheaper.
    pub const fn apart(place: &'static Location<'static>) -> KernelWait {
        KernelWait { wait: Wait::new(place), apart: true, held: None, gives_way_in: 0 }
    }

    /// Has it begun, and not ended?
    #[inline]
    pub fn begun(&self) -> bool {
        self.wait.begun()
    }

    /// Begins, and holds what it stands in line for: so it can go on and end without it being looked up again.
    ///
    /// # Errors
    /// `Runtime` if the loop is closed.
    pub fn begin(&mut self, waiters: Waiters, cx: &mut Context<'_>, line: Line, op: Op) -> Poll<Result<()>> {
        let polled = waiters.poll_wait(self, cx, line, op);
        if polled.is_pending() {
            self.held = Some((waiters, line));
        }
        polled
    }

    /// As [`Waiters::poll_wait`], of what it holds; pending for ever if it holds nothing.
    ///
    /// # Errors
    /// As [`Waiters::poll_wait`].
    #[inline]
    pub fn go_on(&mut self, cx: &mut Context<'_>, op: Op) -> Poll<Result<()>> {
        let Some((waiters, line)) = self.held.take() else { return Poll::Pending };
        let polled = waiters.poll_wait(self, cx, line, op);
        if polled.is_pending() {
            self.held = Some((waiters, line));
        }
        polled
    }

    /// Under `every-await`: the wait is fresh and its thing is ready, and it gives way before it looks. False in every other
    /// profile. While it is true, poll [`end_giving_way`](KernelWait::end_giving_way) until it is ready, then look again
    /// without asking this.
    #[inline]
    pub fn gives_way(&mut self, cx: &mut Context<'_>, op: Op) -> bool {
        let gives_way = access_current(|l| {
            let gives_way = match self.apart {
                true => l.rt.gives_way_apart(&mut self.wait, cx, op, NONE),
                false => l.rt.gives_way(&mut self.wait, cx, op, NONE),
            };
            gives_way.then_some(l.id)
        });
        self.gives_way_in = gives_way.flatten().unwrap_or(0);
        self.gives_way_in != 0
    }

    /// Does it give way, and stands in no line?
    #[inline]
    pub fn is_giving_way(&self) -> bool {
        self.gives_way_in != 0
    }

    /// Waits until it has given way.
    ///
    /// # Errors
    /// `Cancelled`; `Runtime` if the loop is closed.
    pub fn end_giving_way(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let resumed = access(self.gives_way_in, |l| l.rt.resume(&mut self.wait, cx));
        if !matches!(resumed, Some(Resumed::Pending)) {
            self.gives_way_in = 0;
        }
        match resumed {
            Some(Resumed::Pending) => Poll::Pending,
            Some(Resumed::Cancelled(error)) => Poll::Ready(Err(error)),
            Some(Resumed::Woken | Resumed::GaveWay) => Poll::Ready(Ok(())),
            None => Poll::Ready(Err(Error::loop_is_closed())),
        }
    }

    /// Leaves the line that it holds; what it stood in, if nobody stands there any more.
    pub fn end(&mut self) -> Option<(Waiters, Line)> {
        if self.gives_way_in != 0 {
            let _ = access_quietly(self.gives_way_in, |l| l.rt.abandon(&mut self.wait));
            self.gives_way_in = 0;
        }
        let (waiters, line) = self.held.take()?;
        waiters.give_up(self, line);
        (!waiters.is_waited(line)).then_some((waiters, line))
    }
}

impl Waiters {
    /// Makes one in the current loop. `kind` is what reports call it.
    ///
    /// # Panics
    /// If no loop is running or set on this thread.
    #[track_caller]
    pub fn new(kind: ObjectKind) -> Waiters {
        Waiters { object: ObjectRef::new(kind) }
    }

    /// Gives it a name for reports: a deadlock says who waits for what.
    pub fn set_name(&self, name: impl Into<String>) {
        self.object.describe(name.into());
    }

    pub(crate) fn slot(&self) -> u32 {
        self.object.slot()
    }

    /// Stands in line until the line is woken. Ready after a wake: look again, and wait again if it was in vain.
    ///
    /// # Cancellation
    /// Gives the error of kind `Cancelled`; the wait is over.
    ///
    /// # Errors
    /// `Cancelled`; `Runtime` if the loop is closed.
    pub fn poll_wait(
        &self,
        wait: &mut KernelWait,
        cx: &mut Context<'_>,
        line: Line,
        op: Op,
    ) -> Poll<Result<()>> {
        let slot = self.object.slot();
        let polled = self.object.access(|rt, object| {
            rt.touch(slot, Touch::Read);
            let list = line.of(object);
            if !wait.wait.begun() {
                match wait.apart {
                    true => rt.wait_apart(&mut wait.wait, cx, list, op, slot),
                    false => rt.wait_in(&mut wait.wait, cx, list, op, slot),
                }
                return Poll::Pending;
            }
            match rt.resume_in(&mut wait.wait, cx, list) {
                Resumed::Pending => Poll::Pending,
                Resumed::Woken | Resumed::GaveWay => Poll::Ready(Ok(())),
                Resumed::Cancelled(error) => Poll::Ready(Err(error)),
            }
        });
        polled.unwrap_or_else(|| Poll::Ready(Err(Error::loop_is_closed())))
    }

    /// Leaves the line: for the drop of a future that waits, and for one whose wait has become needless.
    pub fn give_up(&self, wait: &mut KernelWait, line: Line) {
        if wait.wait.begun() {
            let _ = self.object.access_quietly(|rt, object| {
                rt.touch(self.object.slot(), Touch::Read);
                rt.abandon_in(&mut wait.wait, line.of(object));
            });
        }
    }

    /// Wakes all of a line from within its loop: they run a tick later.
    pub fn wake(&self, line: Line) {
        let _ = self.object.access_quietly(|rt, object| {
            rt.touch(self.object.slot(), Touch::Write);
            wake(rt, object, line);
        });
    }

    /// The running step uses the thing, or is told of it.
    pub fn touch(&self, touch: Touch) {
        let _ = self.object.access_quietly(|rt, _| rt.touch(self.object.slot(), touch));
    }

    /// Does anybody stand in this line?
    pub fn is_waited(&self, line: Line) -> bool {
        self.object.access_quietly(|_, object| !line.of(object).is_empty()).unwrap_or(false)
    }
}

impl Line {
    fn of(self, object: &mut Object) -> &mut crate::slots::List {
        match self {
            Line::Read => &mut object.waiters,
            Line::Write => &mut object.others,
        }
    }
}

pub(super) fn wake(rt: &mut Rt, object: &mut Object, line: Line) {
    let mut node = rt.first(line.of(object));
    while node != NONE {
        let next = rt.next(node);
        if rt.is_pending(node) {
            rt.wake(node);
        }
        node = next;
    }
}

impl std::fmt::Debug for Waiters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.object.name())
    }
}

impl ObjectKind {
    /// Is it a thing of the kernel?
    pub fn is_of_the_kernel(self) -> bool {
        matches!(self, ObjectKind::Socket | ObjectKind::Stream | ObjectKind::Server | ObjectKind::Process)
    }
}
