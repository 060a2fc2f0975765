//! Leaving a task group: `__aenter__` and `__aexit__` around a body, as one future.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Group, TaskGroup};
use crate::ops::Op;
use crate::schedule::Touch;
use crate::waits::{Resumed, Wait};
use crate::{Error, ErrorKind, Result};

pin_project! {
    /// The future that [`TaskGroup::run`] returns.
    #[must_use = "the body runs when this is awaited"]
    pub struct TaskGroupRun<F, R> {
        group: TaskGroup,
        // Of the owner, in its exit.
        wait: Wait,
        stage: Stage<R>,
        #[pin]
        body: Option<F>,
    }

    impl<F, R> PinnedDrop for TaskGroupRun<F, R> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if matches!(this.stage, Stage::Before | Stage::After) {
                return;
            }
            // First what waits: it may have been cancelled by our request to the owner, which is then taken back.
            this.body.set(None);
            this.group.leave_line(this.wait);
            if let Ok(group) = this.group.group() {
                group.abandon();
            }
        }
    }
}

enum Stage<R> {
    Before,
    Body,
    /// The body has ended; children are left.
    Waiting(Exit<R>),
    After,
}

/// `__aexit__` between its suspensions.
struct Exit<R> {
    outcome: Result<R>,
    /// `propagate_cancellation_error`.
    cancelled: Option<Error>,
    /// It has suspended.
    waited: bool,
}

impl<F, R> Future for TaskGroupRun<F, R>
where
    F: Future<Output = Result<R>>,
{
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let mut this = self.project();
        let group = this.group.group()?;
        if let Stage::Before = this.stage {
            group.enter()?;
            *this.stage = Stage::Body;
        }
        if let Stage::Body = this.stage {
            let body = this.body.as_mut().as_pin_mut().expect("a group's body is dropped when it has ended");
            let outcome = ready!(body.poll(cx));
            this.body.set(None);
            *this.stage = Stage::Waiting(group.begin_exit(outcome));
        }
        let Stage::Waiting(exit) = this.stage else {
            unreachable!("a task group is not polled after its end");
        };
        ready!(this.group.poll_completed(&group, this.wait, (&mut exit.cancelled, &mut exit.waited), cx));
        let Stage::Waiting(exit) = std::mem::replace(this.stage, Stage::After) else {
            unreachable!("nothing else changes the stage");
        };
        Poll::Ready(group.finish(exit))
    }
}

impl<F, R> fmt::Debug for TaskGroupRun<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroupRun").field("group", &self.group).finish_non_exhaustive()
    }
}

impl TaskGroup {
    pub(super) fn run_at<F, R>(&self, body: F, place: &'static Location<'static>) -> TaskGroupRun<F, R> {
        TaskGroupRun { group: self.clone(), wait: Wait::new(place), stage: Stage::Before, body: Some(body) }
    }

    /// Waits until no child is left. The wait may be cancelled any number of times: the first cancellation
    /// aborts the group, the others are for the children's own stubbornness.
    fn poll_completed(
        &self,
        group: &Group,
        wait: &mut Wait,
        exit: (&mut Option<Error>, &mut bool),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let (cancelled, waited) = exit;
        let slot = self.group.object().slot();
        loop {
            if !wait.begun() {
                let ended = group.tasks.borrow().is_empty();
                let gives_way = ended && !std::mem::replace(waited, true) && {
                    let gives_way = self.group.access(|rt, _, _| rt.gives_way(wait, cx, Op::Wait, slot));
                    gives_way == Some(true)
                };
                if gives_way {
                    return Poll::Pending;
                }
                self.touch(Touch::Write);
                if ended {
                    return Poll::Ready(());
                }
                *waited = true;
                let _ = self.group.access(|rt, object, _| {
                    rt.wait_in(wait, cx, &mut object.waiters, Op::Wait, slot);
                });
                return Poll::Pending;
            }
            match self.group.access(|rt, object, _| rt.resume_in(wait, cx, &mut object.waiters)) {
                Some(Resumed::Pending) => return Poll::Pending,
                Some(Resumed::Woken | Resumed::GaveWay) => {}
                Some(Resumed::Cancelled(error)) => {
                    self.touch(Touch::Write);
                    if !group.aborting.get() {
                        *cancelled = Some(error);
                        group.abort();
                    }
                }
                None => return Poll::Ready(()),
            }
        }
    }

    fn leave_line(&self, wait: &mut Wait) {
        if wait.begun() {
            let _ = self.group.access_quietly(|rt, object, _| rt.abandon_in(wait, &mut object.waiters));
        }
    }
}

impl Group {
    /// `__aenter__`.
    fn enter(&self) -> Result<()> {
        if self.entered.get() {
            return Err(Error::new(ErrorKind::Runtime, "this task group has already been entered"));
        }
        let Some(parent) = crate::current_task() else {
            return Err(Error::new(ErrorKind::Runtime, "a task group can only be entered inside a task"));
        };
        self.parent.replace(Some(parent));
        self.entered.set(true);
        Ok(())
    }

    fn begin_exit<R>(&self, outcome: Result<R>) -> Exit<R> {
        self.exiting.set(true);
        let mut cancelled = None;
        if let Err(error) = &outcome {
            cancelled = error.is_cancelled().then(|| error.clone());
            if !self.aborting.get() {
                self.abort();
            }
        }
        Exit { outcome, cancelled, waited: false }
    }

    /// The end of `__aexit__`.
    fn finish<R>(&self, exit: Exit<R>) -> Result<R> {
        let Exit { outcome, mut cancelled, .. } = exit;
        let parent = self.parent.borrow().clone().expect("a group that was entered has an owner");
        if self.parent_cancel_requested.get() && parent.uncancel() == 0 {
            cancelled = None;
        }
        let mut errors = self.errors.take();
        if let Some(cancelled) = cancelled
            && errors.is_empty()
        {
            return Err(cancelled);
        }
        let outcome = match outcome {
            Err(error) if !error.is_cancelled() => {
                errors.push(error.clone());
                Err(error)
            }
            outcome => outcome,
        };
        if errors.is_empty() {
            return outcome;
        }
        // A request from outside is pending: put it in again, so that it is delivered at the owner's next
        // await and counted once.
        if parent.cancelling() > 0 {
            parent.uncancel();
            parent.cancel();
        }
        Err(Error::group("unhandled errors in a TaskGroup", errors))
    }

    /// The run was dropped halfway: the children are cancelled, and a request to the owner is taken back.
    fn abandon(&self) {
        self.exiting.set(true);
        self.abandoned.set(true);
        if !self.aborting.get() {
            self.abort();
        }
        if self.parent_cancel_requested.replace(false)
            && let Some(parent) = &*self.parent.borrow()
        {
            parent.uncancel();
        }
    }
}
