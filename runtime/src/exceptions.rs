//! Errors that no caller is there to take: asyncio's exception handler.
//!
//! A callback that fails, an error that nobody retrieved, an error during the shutdown of `run`: each is a context
//! handed to the loop's handler. In Python some of them depend on the garbage collector; here they come when the last
//! handle goes, or when the loop closes, in the order of creation.

use crate::Error;
use crate::Result;
use crate::event_loop::EventLoop;
use crate::slots::Kind;
use crate::store::access_quietly;
use std::rc::Rc;

/// What the exception handler is told (asyncio's context dictionary).
#[derive(Clone, Debug)]
pub struct ErrorContext {
    /// What happened, in asyncio's words.
    pub message: String,
    /// The error.
    pub exception: Option<Error>,
    /// The name of the task it is about.
    pub task: Option<String>,
}

impl ErrorContext {
    /// A context with a message alone.
    pub fn new(message: impl Into<String>) -> ErrorContext {
        ErrorContext { message: message.into(), exception: None, task: None }
    }

    /// The same, with an error.
    pub fn with_exception(self, error: Error) -> ErrorContext {
        ErrorContext { exception: Some(error), ..self }
    }

    /// The same, with the name of a task.
    pub fn with_task(self, task: Option<String>) -> ErrorContext {
        ErrorContext { task, ..self }
    }
}

/// A loop's exception handler.
pub(crate) type ExceptionHandler = Rc<dyn Fn(&EventLoop, &ErrorContext) -> Result<()>>;

/// The handlers of a loop: the one in front, and what stands in for asyncio's default one.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    pub(crate) own: Option<ExceptionHandler>,
    pub(crate) default: Option<ExceptionHandler>,
}

impl Handlers {
    /// Takes them; none if nobody has set one.
    pub(crate) fn take(&mut self) -> Option<Handlers> {
        let some = self.own.is_some() || self.default.is_some();
        some.then(|| std::mem::take(self))
    }
}

impl EventLoop {
    /// Lets `handler` have the errors that nobody else takes. If it fails, the default handler is told of that.
    #[track_caller]
    pub fn set_exception_handler(&self, handler: impl Fn(&EventLoop, &ErrorContext) -> Result<()> + 'static) {
        self.replace_handlers(|handlers| handlers.own.replace(Rc::new(handler)));
    }

    /// Takes the handler back: the default one has the errors again.
    #[track_caller]
    pub fn clear_exception_handler(&self) {
        self.replace_handlers(|handlers| handlers.own.take());
    }

    /// Replaces the default handler, which writes a line to the log (asyncio's overridable
    /// `default_exception_handler`).
    #[track_caller]
    pub fn set_default_exception_handler(
        &self,
        handler: impl Fn(&EventLoop, &ErrorContext) -> Result<()> + 'static,
    ) {
        self.replace_handlers(|handlers| handlers.default.replace(Rc::new(handler)));
    }

    #[track_caller]
    fn replace_handlers(&self, replace: impl FnOnce(&mut Handlers) -> Option<ExceptionHandler>) {
        let old = crate::store::access(self.id(), |l| replace(&mut l.handlers));
        drop(old); // a closure of the program: outside
    }

    /// Hands a context to the exception handler.
    pub fn call_exception_handler(&self, context: &ErrorContext) {
        let handlers = access_quietly(self.id(), |l| l.handlers.clone()).unwrap_or_default();
        let Some(own) = handlers.own else { return self.default_handler(&handlers.default, context) };
        if let Err(error) = own(self, context) {
            let unhandled = ErrorContext::new("Unhandled error in exception handler").with_exception(error);
            self.default_handler(&handlers.default, &unhandled);
        }
    }

    fn default_handler(&self, handler: &Option<ExceptionHandler>, context: &ErrorContext) {
        if let Some(handler) = handler {
            // As in CPython, nothing is left to tell of an error in here.
            let _ = handler(self, context);
            return;
        }
        let (task, error) = (context.task.as_deref(), context.exception.as_ref().map(ToString::to_string));
        tracing::error!(task, error, "{}", context.message);
    }
}

/// Hands a context to a loop's handler, by id.
pub(crate) fn report(loop_id: u64, context: &ErrorContext) {
    if let Some(event_loop) = EventLoop::of(loop_id) {
        event_loop.call_exception_handler(context);
    }
}

/// The last handle of a failed future or task went, and nobody had looked.
#[cold]
pub(crate) fn never_retrieved(loop_id: u64, kind: Kind, error: Error, task: Option<String>) {
    let what = if kind == Kind::Task { "Task" } else { "Future" };
    let message = format!("{what} exception was never retrieved");
    report(loop_id, &ErrorContext::new(message).with_exception(error).with_task(task));
}
