//! Values and errors of a program, and how a trace prints them: as Python prints theirs.

use std::fmt;

use asyncio::{Error, ErrorKind, FutureState};
use counterpoint as asyncio;

use super::program::{Caught, Number};
use crate::difftest_net::errors as network;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Value>),
    /// What `return_exceptions` puts in a list.
    Error(Error),
}

impl From<Number> for Value {
    fn from(number: Number) -> Value {
        number.map_or(Value::None, Value::Int)
    }
}

impl From<Result<Value, Error>> for Value {
    fn from(outcome: Result<Value, Error>) -> Value {
        outcome.unwrap_or_else(Value::Error)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(flag) => f.write_str(python_bool(*flag)),
            Value::Int(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
            Value::List(values) => {
                let words: Vec<String> = values.iter().map(Value::to_string).collect();
                write!(f, "[{}]", words.join(", "))
            }
            Value::Error(error) => f.write_str(&shown(error)),
        }
    }
}

pub(crate) fn python_bool(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

/// The error of a program's own `raise`.
#[derive(Debug)]
pub(crate) struct UserError(pub(crate) String);

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UserError {}

pub(crate) fn user_error(name: &str) -> Error {
    UserError(name.to_owned()).into()
}

/// An error as the trace prints it: one of asyncio's by the name of its class.
pub(crate) fn shown(error: &Error) -> String {
    if let Some(UserError(name)) = error.downcast_ref() {
        return format!("E:{name}");
    }
    if let Some(text) = network::shown(error) {
        return text;
    }
    match error.kind() {
        ErrorKind::Cancelled => match error.message() {
            Some(message) => format!("Cancelled({})", python_string(message)),
            None => "Cancelled".to_owned(),
        },
        ErrorKind::Group => {
            let words: Vec<String> = error.errors().iter().map(shown).collect();
            let class = if holds_cancelled(error) { "BEG" } else { "EG" };
            format!("{class}[{}]", words.join(", "))
        }
        ErrorKind::Timeout => "Timeout".to_owned(),
        ErrorKind::InvalidState => "InvalidStateError".to_owned(),
        ErrorKind::QueueEmpty => "QueueEmpty".to_owned(),
        ErrorKind::QueueFull => "QueueFull".to_owned(),
        ErrorKind::QueueShutDown => "QueueShutDown".to_owned(),
        ErrorKind::BrokenBarrier => "BrokenBarrierError".to_owned(),
        ErrorKind::Runtime => "RuntimeError".to_owned(),
        ErrorKind::Value => "ValueError".to_owned(),
        other => format!("{other:?}: {error}"),
    }
}

/// Python calls a group with a cancellation in it by another name: no `except Exception` takes it.
fn holds_cancelled(error: &Error) -> bool {
    error.is_cancelled() || error.errors().iter().any(holds_cancelled)
}

/// A string as Python's `repr` quotes it.
fn python_string(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push(quote);
    quoted
}

/// Whether an `except` of that kind takes the error.
pub(crate) fn catches(kind: Caught, error: &Error) -> bool {
    match kind {
        Caught::Cancelled => error.is_cancelled(),
        Caught::Timeout => error.kind() == ErrorKind::Timeout,
        Caught::E => error.downcast_ref::<UserError>().is_some(),
        Caught::Group => error.kind() == ErrorKind::Group,
        Caught::Shut => error.kind() == ErrorKind::QueueShutDown,
        Caught::OSError => network::is_os_error(error),
        Caught::Incomplete => error.kind() == ErrorKind::IncompleteRead,
        Caught::Overrun => error.kind() == ErrorKind::LimitOverrun,
        Caught::Exception => !holds_cancelled(error),
        Caught::Base => true,
    }
}

/// Whether a synchronous statement prints this error as its result, in place of raising it.
pub(crate) fn is_result(error: &Error) -> bool {
    network::is_os_error(error)
        || matches!(
            error.kind(),
            ErrorKind::Runtime
                | ErrorKind::BrokenBarrier
                | ErrorKind::Value
                | ErrorKind::InvalidState
                | ErrorKind::QueueEmpty
                | ErrorKind::QueueFull
                | ErrorKind::QueueShutDown
        )
}

/// The state of a future, looked at without taking anything from it.
pub(crate) fn state(future: &asyncio::Future<Value>) -> String {
    match future.state() {
        FutureState::Pending => "pending".to_owned(),
        FutureState::Cancelled => "cancelled".to_owned(),
        FutureState::Failed(error) => format!("exc {}", shown(&error)),
        FutureState::Finished => {
            let value = future.peek(Value::to_string).expect("a finished future has a value");
            format!("val {value}")
        }
    }
}

/// The state of a concurrent future. Its two states of cancellation are one here, as in the trace.
pub(crate) fn concurrent_state(future: &asyncio::concurrent::Future<Value>) -> String {
    if !future.done() {
        return if future.running() { "running" } else { "pending" }.to_owned();
    }
    if future.cancelled() {
        return "cancelled".to_owned();
    }
    match future.result() {
        Ok(value) => format!("val {value}"),
        Err(error) => format!("exc {}", shown(&error)),
    }
}

/// A call's value, or what it raised.
pub(crate) fn outcome(result: Result<impl Into<Value>, Error>) -> String {
    match result {
        Ok(value) => format!("-> {}", value.into()),
        Err(error) => format!("! {}", shown(&error)),
    }
}
