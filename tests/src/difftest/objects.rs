//! The objects of a program, and what can be done to them without waiting.

use std::collections::BTreeMap;

use asyncio::{EventLoop, Result, concurrent};
use counterpoint as asyncio;

use super::program::{Name, ObjectSpec};
use super::queues::Queue;
use super::value::{Value, concurrent_state, python_bool, state};

#[derive(Clone)]
pub(crate) enum Object {
    Lock(asyncio::Lock),
    Event(asyncio::Event),
    Condition(asyncio::Condition),
    Semaphore(asyncio::Semaphore),
    BoundedSemaphore(asyncio::BoundedSemaphore),
    Queue(Queue),
    Barrier(asyncio::Barrier),
    Future(asyncio::Future<Value>),
    Executor(asyncio::Executor),
    Concurrent(concurrent::Future<Value>),
}

impl Object {
    /// Makes what the program asks for; a condition may ask for the lock of an object made before.
    pub(crate) fn new(spec: &ObjectSpec, event_loop: &EventLoop, made: &BTreeMap<Name, Object>) -> Object {
        match spec {
            ObjectSpec::Lock => Object::Lock(asyncio::Lock::new()),
            ObjectSpec::Event => Object::Event(asyncio::Event::new()),
            ObjectSpec::Condition(None) => Object::Condition(asyncio::Condition::new()),
            ObjectSpec::Condition(Some(lock)) => match made.get(lock) {
                Some(Object::Lock(lock)) => Object::Condition(asyncio::Condition::with_lock(lock)),
                _ => panic!("a condition asks for lock `{lock}`, which is not made before it"),
            },
            ObjectSpec::Semaphore(n) => Object::Semaphore(asyncio::Semaphore::new(*n)),
            ObjectSpec::BoundedSemaphore(n) => Object::BoundedSemaphore(asyncio::BoundedSemaphore::new(*n)),
            ObjectSpec::Queue(max) => Object::Queue(Queue::first(*max)),
            ObjectSpec::PriorityQueue(max) => Object::Queue(Queue::priority(*max)),
            ObjectSpec::LifoQueue(max) => Object::Queue(Queue::last(*max)),
            ObjectSpec::Barrier(parties) => Object::Barrier(asyncio::Barrier::new(*parties)),
            ObjectSpec::Future => Object::Future(event_loop.create_future()),
            ObjectSpec::Executor(workers) => Object::Executor(asyncio::Executor::new(*workers)),
            ObjectSpec::Concurrent => Object::Concurrent(concurrent::Future::new()),
        }
    }

    pub(crate) fn queue(&self) -> &Queue {
        match self {
            Object::Queue(queue) => queue,
            _ => panic!("a statement for queues names another object"),
        }
    }

    pub(crate) fn event(&self) -> &asyncio::Event {
        match self {
            Object::Event(event) => event,
            _ => panic!("a statement for events names another object"),
        }
    }

    pub(crate) fn condition(&self) -> &asyncio::Condition {
        match self {
            Object::Condition(condition) => condition,
            _ => panic!("a statement for conditions names another object"),
        }
    }

    pub(crate) fn barrier(&self) -> &asyncio::Barrier {
        match self {
            Object::Barrier(barrier) => barrier,
            _ => panic!("a statement for barriers names another object"),
        }
    }

    pub(crate) fn future(&self) -> &asyncio::Future<Value> {
        match self {
            Object::Future(future) => future,
            _ => panic!("a statement for futures names another object"),
        }
    }

    pub(crate) fn concurrent(&self) -> &concurrent::Future<Value> {
        match self {
            Object::Concurrent(future) => future,
            _ => panic!("a statement for concurrent futures names another object"),
        }
    }

    pub(crate) fn executor(&self) -> &asyncio::Executor {
        match self {
            Object::Executor(executor) => executor,
            _ => panic!("a job names an object that is no executor"),
        }
    }

    /// Acquires a lock, condition or semaphore and keeps it, as Python's `acquire` does.
    pub(crate) async fn acquire(&self) -> Result<Value> {
        match self {
            Object::Lock(lock) => lock.acquire().await?.leak(),
            Object::Condition(condition) => condition.acquire().await?.leak(),
            Object::Semaphore(semaphore) => semaphore.acquire().await?.leak(),
            Object::BoundedSemaphore(semaphore) => semaphore.acquire().await?.leak(),
            _ => panic!("`acquire` names an object that nobody can hold"),
        }
        Ok(Value::Bool(true))
    }

    pub(crate) fn release(&self) -> Result<()> {
        match self {
            Object::Lock(lock) => lock.release(),
            Object::Condition(condition) => condition.release(),
            Object::Semaphore(semaphore) => {
                semaphore.release();
                Ok(())
            }
            Object::BoundedSemaphore(semaphore) => semaphore.release(),
            _ => panic!("`release` names an object that nobody can hold"),
        }
    }

    /// `async with` entered: a barrier is waited at, anything else acquired.
    pub(crate) async fn enter(&self) -> Result<()> {
        match self {
            Object::Barrier(barrier) => barrier.wait().await.map(drop),
            held => held.acquire().await.map(drop),
        }
    }

    /// `async with` left.
    pub(crate) fn exit(&self) -> Result<()> {
        match self {
            Object::Barrier(_) => Ok(()),
            held => held.release(),
        }
    }

    /// What a program may ask while it runs.
    pub(crate) fn info(&self) -> String {
        let flag = python_bool;
        match self {
            Object::Queue(queue) => queue.info(),
            Object::Semaphore(semaphore) => format!("locked={}", flag(semaphore.locked())),
            Object::BoundedSemaphore(semaphore) => format!("locked={}", flag(semaphore.locked())),
            other => other.state(),
        }
    }

    /// The state that stands at the end of the trace. Reading it empties a queue.
    pub(crate) fn state(&self) -> String {
        let flag = python_bool;
        match self {
            Object::Lock(lock) => format!("locked={}", flag(lock.locked())),
            Object::Condition(condition) => format!("locked={}", flag(condition.locked())),
            Object::Event(event) => format!("set={}", flag(event.is_set())),
            Object::Semaphore(it) => format!("value={} locked={}", it.value(), flag(it.locked())),
            Object::BoundedSemaphore(it) => format!("value={} locked={}", it.value(), flag(it.locked())),
            Object::Queue(queue) => queue.state(),
            Object::Barrier(it) => format!("waiting={} broken={}", it.n_waiting(), flag(it.broken())),
            Object::Future(future) => state(future),
            Object::Executor(it) => {
                format!("busy={} queued={} shut={}", it.busy(), it.queued(), flag(it.is_shut_down()))
            }
            Object::Concurrent(future) => concurrent_state(future),
        }
    }
}
