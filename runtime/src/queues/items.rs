//! What a queue holds, and which item is next.
//!
//! A priority queue is CPython's `heapq`, step by step: equal items leave in the order in which *that* algorithm leaves
//! them, not in the order of coming. Comparing is the program's code (`Ord` of its type), so it must not run inside an
//! access to the loop: see `Queue::put_nowait`, which takes the items out for as long as it compares.

use std::collections::VecDeque;

/// Which item is taken next.
pub(super) enum Order<T> {
    /// The oldest.
    Fifo,
    /// The newest.
    Lifo,
    /// The least, by this `<`.
    Priority(fn(&T, &T) -> bool),
}

// Derived, these would ask for `T: Clone`.
impl<T> Clone for Order<T> {
    fn clone(&self) -> Order<T> {
        *self
    }
}

impl<T> Copy for Order<T> {}

/// `heapq.heappush`.
pub(super) fn heap_push<T>(heap: &mut VecDeque<T>, item: T, less: fn(&T, &T) -> bool) {
    heap.push_back(item);
    let last = heap.len() - 1;
    sift_down(heap, last, less);
}

/// `heapq.heappop`; none if the heap is empty.
pub(super) fn heap_pop<T>(heap: &mut VecDeque<T>, less: fn(&T, &T) -> bool) -> Option<T> {
    let item = heap.swap_remove_back(0)?;
    if !heap.is_empty() {
        sift_up(heap, less);
    }
    Some(item)
}

/// `heapq._siftdown`: towards the root while less than the parent. Swaps, so that a comparison that panics loses nothing.
fn sift_down<T>(heap: &mut VecDeque<T>, mut index: usize, less: fn(&T, &T) -> bool) {
    while index > 0 {
        let parent = (index - 1) / 2;
        if !less(&heap[index], &heap[parent]) {
            break;
        }
        heap.swap(index, parent);
        index = parent;
    }
}

/// `heapq._siftup`: from the root to a leaf along the smaller children, then up again to where it belongs.
fn sift_up<T>(heap: &mut VecDeque<T>, less: fn(&T, &T) -> bool) {
    let mut index = 0;
    let mut child = 1;
    while child < heap.len() {
        let right = child + 1;
        if right < heap.len() && !less(&heap[child], &heap[right]) {
            child = right;
        }
        heap.swap(index, child);
        index = child;
        child = 2 * index + 1;
    }
    sift_down(heap, index, less);
}
