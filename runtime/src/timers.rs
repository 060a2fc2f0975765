//! Deadlines, soonest first.
//!
//! Each tick asks two questions: which timers are due, and when is the next one? Time itself is not kept here (see
//! `clock`), and nothing runs from here: a due timer moves to the ready queue.
//!
//! Equal deadlines fire in the order of CPython's `heapq`, which is not the order they were set in: five sleeps of
//! one second wake as 0, 2, 4, 1, 3. Programs that lean on that order meet it here as they would in Python, so the
//! sift of that algorithm is followed move by move.
//!
//! A cancelled timer stays until it comes to the top, and takes part in the ties. When more than half of over a
//! hundred are cancelled the heap is rebuilt. A timer that was cancelled *and* came due was never counted out by
//! CPython: the count leaks, the rebuild can come early, and since a rebuild may reorder ties, the leak is kept.

/// An entry: the deadline in nanoseconds, and the wait that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) at: u64,
    pub(crate) slot: u32,
    /// The count of the slot's waits when it was set: another count now means that it was cancelled.
    pub(crate) wait: u32,
}

#[derive(Default)]
pub(crate) struct Timers {
    heap: Vec<Timer>,
    /// CPython's `_timer_cancelled_count`.
    pub(crate) cancelled_count: usize,
}

impl Timers {
    pub(crate) fn clear(&mut self) {
        self.heap.clear();
        self.cancelled_count = 0;
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<Timer> {
        self.heap.first().copied()
    }

    pub(crate) fn push(&mut self, timer: Timer) {
        self.heap.push(timer);
        self.sift_down(0, self.heap.len() - 1);
    }

    pub(crate) fn pop(&mut self) -> Option<Timer> {
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first_mut() else { return Some(last) };
        let popped = std::mem::replace(first, last);
        self.sift_up(0);
        Some(popped)
    }

    /// Gives the entry of one wait, named by slot and count, to another: it keeps its place and its deadline.
    #[cold]
    pub(crate) fn move_entry(&mut self, from: (u32, u32), to: (u32, u32)) {
        if let Some(timer) = self.heap.iter_mut().find(|timer| (timer.slot, timer.wait) == from) {
            (timer.slot, timer.wait) = to;
        }
    }

    /// What CPython does before it looks at the deadlines: rebuild if most are cancelled, else drop the cancelled
    /// ones at the top. `is_cancelled` tells by the slot.
    pub(crate) fn clean(&mut self, is_cancelled: impl Fn(&Timer) -> bool) {
        if self.heap.len() > 100 && self.cancelled_count * 2 > self.heap.len() {
            self.heap.retain(|timer| !is_cancelled(timer));
            for index in (0..self.heap.len() / 2).rev() {
                self.sift_up(index);
            }
            self.cancelled_count = 0;
            return;
        }
        while self.cancelled_count > 0 && self.heap.first().is_some_and(&is_cancelled) {
            self.cancelled_count -= 1;
            self.pop();
        }
    }

    /// heapq's `_siftdown`: towards the root while it is smaller.
    fn sift_down(&mut self, start: usize, mut position: usize) {
        let item = self.heap[position];
        while position > start {
            let parent = (position - 1) / 2;
            if item.at >= self.heap[parent].at {
                break;
            }
            self.heap[position] = self.heap[parent];
            position = parent;
        }
        self.heap[position] = item;
    }

    /// heapq's `_siftup`: to a leaf along the smaller children, and back up from there.
    fn sift_up(&mut self, start: usize) {
        let (end, mut position) = (self.heap.len(), start);
        let item = self.heap[position];
        let mut child = 2 * position + 1;
        while child < end {
            let right = child + 1;
            if right < end && self.heap[child].at >= self.heap[right].at {
                child = right;
            }
            self.heap[position] = self.heap[child];
            position = child;
            child = 2 * position + 1;
        }
        self.heap[position] = item;
        self.sift_down(start, position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timer(at: u64, slot: u32) -> Timer {
        Timer { at, slot, wait: 0 }
    }

    fn order_of(count: u32) -> Vec<u32> {
        let mut timers = Timers::default();
        (0..count).for_each(|slot| timers.push(timer(1, slot)));
        std::iter::from_fn(|| timers.pop()).map(|timer| timer.slot).collect()
    }

    #[test]
    fn equal_deadlines_fire_in_the_order_of_heapq() {
        assert_eq!(order_of(5), [0, 2, 4, 1, 3]);
        assert_eq!(order_of(8), [0, 2, 6, 5, 7, 4, 1, 3]);
        assert_eq!(order_of(10), [0, 2, 6, 9, 8, 5, 7, 4, 1, 3]);
    }

    #[test]
    fn most_of_a_hundred_cancelled_rebuilds_the_heap() {
        let mut timers = Timers::default();
        (0..101).for_each(|slot| timers.push(timer(u64::from(slot), slot)));
        timers.cancelled_count = 51;
        timers.clean(|timer| timer.slot % 2 == 0);
        assert_eq!((timers.heap.len(), timers.cancelled_count), (50, 0));
        assert_eq!(timers.pop().map(|timer| timer.slot), Some(1));
    }

    #[test]
    fn few_cancelled_stay_until_they_are_on_top() {
        let mut timers = Timers::default();
        (0..4).for_each(|slot| timers.push(timer(u64::from(slot), slot)));
        timers.cancelled_count = 2;
        timers.clean(|timer| timer.slot == 0 || timer.slot == 2);
        assert_eq!((timers.heap.len(), timers.cancelled_count), (3, 1));
    }

    proptest! {
        #[test]
        fn timers_come_out_soonest_first(deadlines in prop::collection::vec(0u64..50, 0..200)) {
            let mut timers = Timers::default();
            deadlines.iter().enumerate().for_each(|(slot, at)| timers.push(timer(*at, slot as u32)));
            let out: Vec<u64> = std::iter::from_fn(|| timers.pop()).map(|timer| timer.at).collect();
            let mut sorted = deadlines.clone();
            sorted.sort_unstable();
            prop_assert_eq!(out, sorted);
        }
    }
}
