//! Waits of streams: asyncio's waiter futures, without a future each.
//!
//! A wait is settled once, with a result or an error, as a future is; the task that waits goes on one tick later. A task
//! that is cancelled meanwhile sees its cancellation, as there.

use counterpoint_runtime::kernel::{self, KernelWait, Line, Waiters};
use counterpoint_runtime::schedule::Touch;
use counterpoint_runtime::{ObjectKind, Op, Result};
use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};

/// The waits of one thing.
pub(super) struct Waits {
    waiters: Waiters,
    open: RefCell<Vec<Open>>,
    next: Cell<u64>,
    /// What names it in footprints.
    key: u64,
}

/// A wait that has begun and whose task has not gone on.
struct Open {
    number: u64,
    settled: Option<Result<()>>,
    /// Its own line, if it must not be woken with others.
    own: Option<Waiters>,
}

impl Waits {
    pub(super) fn new() -> Waits {
        let (waiters, key) = (Waiters::new(ObjectKind::Stream), kernel::new_thing("Stream"));
        Waits { waiters, open: RefCell::default(), next: Cell::new(0), key }
    }

    /// The running step touches what is waited for: the buffer of a reader, the flow of a writer.
    pub(super) fn touch(&self, touch: Touch) {
        kernel::touch(self.key, touch, || "Stream".to_owned());
    }

    pub(super) fn set_name(&self, name: impl Into<String>) {
        self.waiters.set_name(name);
    }

    /// Begins a wait in the common line.
    pub(super) fn begin(&self) -> u64 {
        self.begin_in(None)
    }

    /// Begins a wait that is settled alone.
    pub(super) fn begin_alone(&self) -> u64 {
        let own = (!self.open.borrow().is_empty()).then(|| Waiters::new(ObjectKind::Stream));
        self.begin_in(own)
    }

    fn begin_in(&self, own: Option<Waiters>) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        self.open.borrow_mut().push(Open { number, settled: None, own });
        number
    }

    /// Settles one wait, unless it is settled.
    pub(super) fn settle(&self, number: u64, result: Result<()>) {
        let waiters = {
            let mut open = self.open.borrow_mut();
            let Some(wait) = open.iter_mut().find(|wait| wait.number == number) else { return };
            if wait.settled.is_some() {
                return;
            }
            wait.settled = Some(result);
            wait.own.clone()
        };
        waiters.as_ref().unwrap_or(&self.waiters).wake(Line::Read);
    }

    /// Settles all waits of the common line that are not settled.
    pub(super) fn settle_all(&self, result: &Result<()>) {
        for wait in self.open.borrow_mut().iter_mut() {
            wait.settled.get_or_insert_with(|| result.clone());
        }
        self.waiters.wake(Line::Read);
    }

    /// The result of a wait that has begun.
    pub(super) fn poll(
        &self,
        number: u64,
        wait: &mut KernelWait,
        cx: &mut Context<'_>,
        op: Op,
    ) -> Poll<Result<()>> {
        loop {
            let waiters = self.line_of(number);
            match waiters.as_ref().unwrap_or(&self.waiters).poll_wait(wait, cx, Line::Read, op) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            let mut open = self.open.borrow_mut();
            if let Some(result) =
                open.iter_mut().find(|open| open.number == number).and_then(|open| open.settled.take())
            {
                return Poll::Ready(result);
            }
        }
    }

    /// Forgets a wait, which leaves its line if it stands there.
    pub(super) fn end(&self, number: u64, wait: &mut KernelWait) {
        let waiters = self.line_of(number);
        waiters.as_ref().unwrap_or(&self.waiters).give_up(wait, Line::Read);
        self.open.borrow_mut().retain(|open| open.number != number);
    }

    fn line_of(&self, number: u64) -> Option<Waiters> {
        self.open.borrow().iter().find(|open| open.number == number).and_then(|open| open.own.clone())
    }
}
