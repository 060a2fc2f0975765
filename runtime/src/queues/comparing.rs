//! Comparing the items of a priority queue, outside of any access to the loop: `Ord` is the program's code.

use super::Queue;
use super::items::{heap_pop, heap_push};
use std::collections::VecDeque;

/// The items of a priority queue, taken out to be compared; back in the queue when it is dropped, a panic included.
struct Heap<'a, T: 'static> {
    queue: &'a Queue<T>,
    items: VecDeque<T>,
}

impl<T: 'static> Drop for Heap<'_, T> {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.items);
        let _ = self.queue.state.access_quietly(|_, object, state| {
            object.count = items.len() as u32;
            state.comparing = false;
            state.items = items;
        });
    }
}

impl<'a, T: 'static> Heap<'a, T> {
    #[track_caller]
    fn take(queue: &'a Queue<T>) -> Heap<'a, T> {
        let items = queue.take_items();
        let _ = queue.state.access(|_, _, state| state.comparing = true);
        Heap { queue, items }
    }
}

impl<T: 'static> Queue<T> {
    /// Puts an item in for which there is room.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(super) fn put_by_comparing(&self, item: T, less: fn(&T, &T) -> bool) {
        let mut heap = Heap::take(self);
        heap_push(&mut heap.items, item, less);
        drop(heap);
        let _ = self.state.access(|rt, object, state| state.added(rt, object));
    }

    /// Takes the least item; there is one.
    #[cold]
    #[inline(never)]
    #[track_caller]
    pub(super) fn get_by_comparing(&self, less: fn(&T, &T) -> bool) -> T {
        let mut heap = Heap::take(self);
        let item = heap_pop(&mut heap.items, less).expect("`count` is the number of items");
        drop(heap);
        let _ = self.state.access(|rt, object, state| state.removed(rt, object));
        item
    }

    /// Takes all items out; `count` still counts them.
    #[track_caller]
    pub(super) fn take_items(&self) -> VecDeque<T> {
        let items =
            self.state.access(|_, _, state| (!state.comparing).then(|| std::mem::take(&mut state.items)));
        items.unwrap_or_else(|| Some(VecDeque::new())).unwrap_or_else(|| panic!("{COMPARING}"))
    }
}

const COMPARING: &str = "an item of a PriorityQueue used the queue while it was being compared.\n\
     `Ord` of what is put into the queue must only look at the two items.";
