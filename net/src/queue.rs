//! The kernel's queue of events: by time, and among equal times in the order in which they were made.

use counterpoint_runtime::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events to come. The heap holds small entries; the events stay where they are until their time.
pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
    made: u64,
}

impl<E> Default for Queue<E> {
    fn default() -> Queue<E> {
        Queue { heap: BinaryHeap::new(), events: Vec::new(), free: Vec::new(), made: 0 }
    }
}

impl<E> Queue<E> {
    #[inline]
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.events[slot as usize] = Some(event);
                slot
            }
            None => {
                self.events.push(Some(event));
                self.events.len() as u32 - 1
            }
        };
        self.made += 1;
        self.heap.push(Reverse((at.as_nanos(), self.made, slot)));
    }

    /// When the next one is due.
    #[inline]
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| Instant::from_nanos(*at))
    }

    /// Takes the next one if it is due.
    #[inline]
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(Instant, E)> {
        let Reverse((at, _, _)) = *self.heap.peek()?;
        if at > now.as_nanos() {
            return None;
        }
        let Reverse((_, _, slot)) = self.heap.pop()?;
        self.free.push(slot);
        Some((Instant::from_nanos(at), self.events[slot as usize].take()?))
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn events_come_by_time_and_then_in_the_order_in_which_they_were_made(
            times in prop::collection::vec(0u64..20, 0..100),
        ) {
            let mut queue = Queue::default();
            for (index, at) in times.iter().enumerate() {
                queue.push(Instant::from_nanos(*at), index);
            }
            let mut expected: Vec<(u64, usize)> =
                times.iter().enumerate().map(|(index, at)| (*at, index)).collect();
            expected.sort_unstable();
            let mut popped = Vec::new();
            while let Some((at, index)) = queue.pop_due(Instant::from_nanos(20)) {
                popped.push((at.as_nanos(), index));
            }
            prop_assert_eq!(popped, expected);
        }
    }
}
