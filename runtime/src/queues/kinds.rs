//! `LifoQueue` and `PriorityQueue`: queues with another next item, and in everything else a [`Queue`].

use super::{Order, Queue};
use std::fmt;
use std::ops::Deref;

/// A [`Queue`] that gives the newest item first.
///
/// Has all methods of [`Queue`], into which it dereferences as CPython's is a subclass.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/queues.py`, `LifoQueue`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let stack = asyncio::LifoQueue::new(0);
///     stack.put(1).await?;
///     stack.put(2).await?;
///     assert_eq!(stack.get().await?, 2);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct LifoQueue<T> {
    queue: Queue<T>,
}

impl<T: 'static> LifoQueue<T> {
    /// Makes an empty queue for at most `maxsize` items; 0 is no bound.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(maxsize: usize) -> LifoQueue<T> {
        LifoQueue { queue: Queue::with_order(maxsize, Order::Lifo) }
    }

    /// Gives the queue a name for reports.
    pub fn named(self, name: impl Into<String>) -> LifoQueue<T> {
        LifoQueue { queue: self.queue.named(name) }
    }
}

impl<T> Deref for LifoQueue<T> {
    type Target = Queue<T>;
    fn deref(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T> Clone for LifoQueue<T> {
    fn clone(&self) -> LifoQueue<T> {
        LifoQueue { queue: self.queue.clone() }
    }
}

impl<T: 'static> fmt::Debug for LifoQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.fmt(f)
    }
}

/// A [`Queue`] that gives the least item first; `std::cmp::Reverse` makes that the greatest.
///
/// Has all methods of [`Queue`], into which it dereferences as CPython's is a subclass.
///
/// # Order
/// Equal items leave in the order in which CPython's `heapq` leaves them, which is not the order of coming. For that,
/// put `(priority, number, item)`.
///
/// # Panics
/// If comparing two items uses the very queue that they are in.
///
/// # Source
/// CPython 3.13, `Lib/asyncio/queues.py`, `PriorityQueue`, and `Lib/heapq.py`.
///
/// # Examples
/// ```
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let orders = asyncio::PriorityQueue::new(0);
///     orders.put((2, "ship")).await?;
///     orders.put((1, "pack")).await?;
///     assert_eq!(orders.get().await?, (1, "pack"));
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub struct PriorityQueue<T> {
    queue: Queue<T>,
}

impl<T: Ord + 'static> PriorityQueue<T> {
    /// Makes an empty queue for at most `maxsize` items; 0 is no bound.
    ///
    /// # Panics
    /// Outside of an event loop.
    #[track_caller]
    pub fn new(maxsize: usize) -> PriorityQueue<T> {
        PriorityQueue { queue: Queue::with_order(maxsize, Order::Priority(|a, b| a < b)) }
    }

    /// Gives the queue a name for reports.
    pub fn named(self, name: impl Into<String>) -> PriorityQueue<T> {
        PriorityQueue { queue: self.queue.named(name) }
    }
}

impl<T> Deref for PriorityQueue<T> {
    type Target = Queue<T>;
    fn deref(&self) -> &Queue<T> {
        &self.queue
    }
}

impl<T> Clone for PriorityQueue<T> {
    fn clone(&self) -> PriorityQueue<T> {
        PriorityQueue { queue: self.queue.clone() }
    }
}

impl<T: 'static> fmt::Debug for PriorityQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.fmt(f)
    }
}
