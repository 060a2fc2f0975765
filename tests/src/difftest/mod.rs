//! The difftest language: small programs that run on CPython's asyncio and on our loop alike.
//!
//! A program is JSON, its meaning is written down in `tests/conformance/LANGUAGE.md`, and the trace that
//! it prints names every observable step with its tick and time. `interp.py` beside that page prints
//! the trace of real asyncio; this module is an ordinary user of our API that prints ours. They must be
//! equal, line by line.
//!
//! From the inside out: `program`, `expression` and `sync` are what a program is; `machine` keeps the
//! names and the trace of one run; `statements`, `sync` and `awaitables` run it; `drive` drives the loop.
//! Around it, `compare` says where two traces part, `fresh` compares with a live CPython, and `smaller`
//! makes a program that differs small.

pub(crate) mod awaitables;
mod closing;
mod command;
mod compare;
mod cpython;
pub(crate) mod drive;
mod expression;
mod fresh;
mod generate;
mod handlers;
pub(crate) mod machine;
mod objects;
mod ordered;
pub(crate) mod program;
mod queues;
pub(crate) mod seconds;
mod smaller;
pub(crate) mod statements;
pub(crate) mod sync;
pub(crate) mod value;

#[cfg(test)]
mod tests;

use counterpoint::{EventLoop, EventLoopBuilder};

pub use command::run_command;
pub use compare::Difference;
pub use cpython::{Language, NotFound};
pub use fresh::{compare_fresh, compare_one};
pub use generate::generated;
pub use program::Program;

/// What a run of a program comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The lines of its trace.
    pub lines: Vec<String>,
    /// The hash over the steps of its loop.
    pub fingerprint: u64,
}

impl Program {
    /// Runs the program on a loop of its own, in asyncio's order; the lines of its trace.
    ///
    /// # Panics
    /// The program names a function or an object that it does not have.
    pub fn run(&self) -> Vec<String> {
        self.run_on(EventLoop::builder()).lines
    }

    /// Runs the program on a loop of its own, made as the builder says.
    ///
    /// # Panics
    /// As [`run`](Program::run).
    pub fn run_on(&self, builder: EventLoopBuilder) -> Ran {
        drive::run(self, builder)
    }

    /// As [`run`](Program::run), on a thread of its own, so that a panic ends this program only.
    ///
    /// # Errors
    /// The message of the panic.
    pub fn run_apart(&self) -> Result<Vec<String>, String> {
        let run = std::thread::scope(|scope| scope.spawn(|| self.run()).join());
        run.map_err(|payload| {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("not with a text").to_owned()
        })
    }
}
