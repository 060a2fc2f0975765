//! A queue of any of the three orders, which a program uses alike.

use asyncio::Result;
use counterpoint as asyncio;

use super::program::Number;
use super::value::{Value, python_bool};

#[derive(Clone)]
pub(crate) enum Queue {
    First(asyncio::Queue<Number>),
    Priority(asyncio::PriorityQueue<Number>),
    Last(asyncio::LifoQueue<Number>),
}

/// The same call on a queue of any order.
macro_rules! each {
    ($queue:expr, $it:ident => $call:expr) => {
        match $queue {
            Queue::First($it) => $call,
            Queue::Priority($it) => $call,
            Queue::Last($it) => $call,
        }
    };
}

impl Queue {
    pub(crate) fn first(max: usize) -> Queue {
        Queue::First(asyncio::Queue::new(max))
    }

    pub(crate) fn priority(max: usize) -> Queue {
        Queue::Priority(asyncio::PriorityQueue::new(max))
    }

    pub(crate) fn last(max: usize) -> Queue {
        Queue::Last(asyncio::LifoQueue::new(max))
    }

    pub(crate) async fn get(&self) -> Result<Number> {
        each!(self, it => it.get().await)
    }

    pub(crate) async fn put(&self, item: Number) -> Result<()> {
        each!(self, it => it.put(item).await)
    }

    pub(crate) async fn join(&self) -> Result<()> {
        each!(self, it => it.join().await)
    }

    pub(crate) fn get_nowait(&self) -> Result<Number> {
        each!(self, it => it.get_nowait())
    }

    pub(crate) fn put_nowait(&self, item: Number) -> Result<()> {
        each!(self, it => it.put_nowait(item)?);
        Ok(())
    }

    pub(crate) fn task_done(&self) -> Result<()> {
        each!(self, it => it.task_done())
    }

    pub(crate) fn shutdown(&self, immediate: bool) {
        each!(self, it => it.shutdown(immediate));
    }

    pub(crate) fn info(&self) -> String {
        each!(self, it => {
            let (empty, full) = (python_bool(it.empty()), python_bool(it.full()));
            format!("size={} empty={empty} full={full}", it.qsize())
        })
    }

    /// Takes the items out, which is the only way to see them; so it counts first.
    pub(crate) fn state(&self) -> String {
        let unfinished = each!(self, it => it.unfinished_tasks());
        let shut = if each!(self, it => it.is_shut_down()) { " shutdown" } else { "" };
        let mut items = Vec::new();
        while let Ok(item) = self.get_nowait() {
            items.push(Value::from(item));
        }
        if let Queue::Last(_) = self {
            items.reverse(); // the newest was taken first; the trace has the oldest first
        }
        format!("items={} unfinished={unfinished}{shut}", Value::List(items))
    }
}
