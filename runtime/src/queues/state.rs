//! What the object of a queue carries, and what an operation does to it inside one access to the loop.

use super::items::Order;
use crate::ErrorKind;
use crate::schedule::Touch;
use crate::slots::List;
use crate::store::Object;
use crate::waits::Rt;
use std::collections::VecDeque;

/// The items, and who waits for all of them to be done.
pub(super) struct State<T> {
    pub(super) items: VecDeque<T>,
    pub(super) order: Order<T>,
    /// Items that were put and not yet reported as done. The event `_finished` of CPython is set while this is 0.
    pub(super) unfinished: u64,
    pub(super) joiners: List,
    pub(super) shut_down: bool,
    /// The items are with somebody who compares them, and `items` is empty: from `Heap::take` to its drop.
    pub(super) comparing: bool,
}

/// What came of trying to put.
pub(super) enum Put<T> {
    Done,
    Refused(ErrorKind, T),
    /// There is room, and the place is found by comparing.
    Compare(fn(&T, &T) -> bool, T),
}

/// What came of trying to get.
pub(super) enum Get<T> {
    Item(T),
    Refused(ErrorKind),
    /// There is an item, and the next one is found by comparing.
    Compare(fn(&T, &T) -> bool),
}

/// Is the queue open, and first in, first out? The usual case, told by the object alone: `hold` is 0.
#[inline(always)]
pub(super) fn is_plain(object: &Object) -> bool {
    object.hold == 0
}

impl<T> State<T> {
    /// How a put would touch the queue that has room: nobody sees it if items lie before this one and room stays behind it.
    pub(super) fn touch_of_put(&self, object: &Object) -> Touch {
        if self.shut_down || is_full(object) {
            return Touch::Read; // it is refused
        }
        let fits = object.extra == 0 || object.count + 1 < object.extra;
        let unseen =
            fits && object.count > 0 && object.waiters.is_empty() && matches!(self.order, Order::Fifo);
        if unseen { Touch::Put } else { Touch::Write }
    }

    /// How a get would touch the queue.
    pub(super) fn touch_of_get(&self, object: &Object) -> Touch {
        let unseen = object.count > 1
            && !is_full(object)
            && object.others.is_empty()
            && matches!(self.order, Order::Fifo);
        match object.count {
            0 => Touch::Read, // it is refused
            _ if unseen => Touch::Get,
            _ => Touch::Write,
        }
    }
}

/// From here on it is not: it has another order, or was shut down.
pub(super) fn mark_special(object: &mut Object) {
    object.hold = 1;
}

impl<T> State<T> {
    pub(super) fn new(order: Order<T>) -> State<T> {
        State {
            items: VecDeque::new(),
            order,
            unfinished: 0,
            joiners: List::EMPTY,
            shut_down: false,
            comparing: false,
        }
    }

    #[inline(always)]
    pub(super) fn put(&mut self, rt: &mut Rt, object: &mut Object, item: T) -> Put<T> {
        if self.shut_down {
            return Put::Refused(ErrorKind::QueueShutDown, item);
        }
        if is_full(object) {
            return Put::Refused(ErrorKind::QueueFull, item);
        }
        if let Order::Priority(less) = self.order {
            return Put::Compare(less, item);
        }
        self.items.push_back(item);
        self.added(rt, object);
        Put::Done
    }

    /// An item more is in the queue.
    #[inline(always)]
    pub(super) fn added(&mut self, rt: &mut Rt, object: &mut Object) {
        object.count = self.items.len() as u32;
        self.unfinished += 1;
        if !object.waiters.is_empty() {
            rt.pop_wake(&mut object.waiters);
        }
    }

    #[inline(always)]
    pub(super) fn get(&mut self, rt: &mut Rt, object: &mut Object) -> Get<T> {
        if object.count == 0 {
            return Get::Refused(if self.shut_down {
                ErrorKind::QueueShutDown
            } else {
                ErrorKind::QueueEmpty
            });
        }
        let item = match self.order {
            Order::Fifo => self.items.pop_front(),
            Order::Lifo => self.items.pop_back(),
            Order::Priority(less) => return Get::Compare(less),
        };
        self.removed(rt, object);
        Get::Item(item.expect("`count` is the number of items"))
    }

    /// An item less is in the queue.
    #[inline(always)]
    pub(super) fn removed(&mut self, rt: &mut Rt, object: &mut Object) {
        object.count = self.items.len() as u32;
        if !object.others.is_empty() {
            rt.pop_wake(&mut object.others);
        }
    }

    pub(super) fn wake_joiners(&mut self, rt: &mut Rt) {
        crate::locks::wake_all(rt, self.joiners);
    }
}

/// A queue without a bound never is.
#[inline(always)]
pub(super) fn is_full(object: &Object) -> bool {
    object.extra != 0 && object.count >= object.extra
}
