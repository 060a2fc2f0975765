//! asyncio's faces of the network. What they print tick by tick is compared with CPython's own by the conformance tests;
//! here are the rules that a program can lean on.

mod connecting;
mod datagrams;
mod handles;
mod servers;
mod sock_calls;
mod stream_reader;
mod streams;
mod transports;

use counterpoint_net::Protocol;
use counterpoint_net::Transport;
use counterpoint_runtime::{Error, ErrorContext, EventLoop, Result};
use std::cell::RefCell;
use std::rc::Rc;

/// Words of what happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn say(&self, word: impl Into<String>) {
        self.0.borrow_mut().push(word.into());
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Writes down what the loop's exception handler is told.
    pub(crate) fn errors_of(&self, event_loop: &EventLoop) {
        let log = self.clone();
        event_loop.set_exception_handler(move |_, context: &ErrorContext| {
            let error = context.exception.as_ref().map(ToString::to_string).unwrap_or_default();
            log.say(format!("{}: {error}", context.message));
            Ok(())
        });
    }
}

/// Runs a program whose log is given.
#[track_caller]
pub(crate) fn check<F>(program: impl FnOnce(Log) -> F, expected: &[&str])
where
    F: Future<Output = Result<()>> + 'static,
{
    let log = Log::default();
    let event_loop = EventLoop::new();
    log.errors_of(&event_loop);
    event_loop.run_until_complete(program(log.clone())).unwrap();
    assert_eq!(log.words(), expected);
}

/// A protocol that writes down what it is told.
pub(crate) struct Writing {
    pub(crate) name: &'static str,
    pub(crate) log: Log,
}

impl Writing {
    fn say(&self, word: &str) -> Result<()> {
        self.log.say(format!("{} {word}", self.name));
        Ok(())
    }
}

impl Protocol for Writing {
    fn connection_made(&mut self, _: &Transport) -> Result<()> {
        self.say("made")
    }

    fn data_received(&mut self, data: &[u8]) -> Result<()> {
        self.say(&format!("data {}", String::from_utf8_lossy(data)))
    }

    fn eof_received(&mut self) -> Result<bool> {
        self.say("eof")?;
        Ok(false)
    }

    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        self.say(&format!("lost {}", error.map_or_else(|| "-".to_owned(), ToString::to_string)))
    }

    fn pause_writing(&mut self) -> Result<()> {
        self.say("pause")
    }

    fn resume_writing(&mut self) -> Result<()> {
        self.say("resume")
    }
}
