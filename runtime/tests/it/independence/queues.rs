//! Queues, by how full they are.

use super::harness::kind;
use super::{Op, ends_alike_but_conflicts, independent, order_matters};
use crate::op;

const EMPTY: Op = op!(bench => ());
const TWO: Op = op!(b => for item in [1, 2] { b.queue.put_nowait(item)? });
const FULL: Op = op!(b => for item in 1..=4 { b.queue.put_nowait(item)? });

const PUT_SEVEN: Op = op!(b => kind(b.queue.put(7).await));
const PUT_EIGHT: Op = op!(b => kind(b.queue.put(8).await));
const PUT_AT_ONCE: Op = op!(b => kind(b.queue.put_nowait(7).map_err(asyncio_error)));
const GET: Op = op!(b => kind(b.queue.get().await));
const GET_AT_ONCE: Op = op!(b => kind(b.queue.get_nowait()));
const SIZE: Op = op!(b => b.queue.qsize());
const DONE: Op = op!(b => kind(b.queue.task_done()));
const JOIN: Op = op!(b => kind(b.queue.join().await));
const SHUTDOWN: Op = op!(b => b.queue.shutdown(false));
/// Everything that is in it, in order.
const DRAIN: Op = op!(b => {
    let mut items = Vec::new();
    while let Ok(item) = b.queue.get_nowait() {
        items.push(item);
    }
    (items, b.queue.unfinished_tasks())
});

fn asyncio_error<T: 'static>(refused: counterpoint_runtime::Refused<T>) -> counterpoint_runtime::Error {
    refused.into()
}

#[test]
fn different_ends_of_a_queue_that_is_neither_empty_nor_full() {
    independent("put, get", TWO, PUT_SEVEN, GET, DRAIN);
    independent("put_nowait, get_nowait", TWO, PUT_AT_ONCE, GET_AT_ONCE, DRAIN);
    order_matters("put, put", TWO, PUT_SEVEN, PUT_EIGHT, DRAIN);
    order_matters("get, get", TWO, GET, GET, DRAIN);
}

#[test]
fn the_ends_meet_in_a_queue_that_is_empty_or_full() {
    order_matters("put, get_nowait of an empty one", EMPTY, PUT_SEVEN, GET_AT_ONCE, DRAIN);
    order_matters("get, put_nowait of a full one", FULL, GET, PUT_AT_ONCE, DRAIN);
    order_matters("get, get of an empty one", EMPTY, GET, GET, PUT_SEVEN);
    ends_alike_but_conflicts(
        "put, get of an empty one",
        "in one order the task that gets goes on a step later, and may be robbed",
        EMPTY,
        PUT_SEVEN,
        GET,
        DRAIN,
    );
    ends_alike_but_conflicts(
        "put, get of a full one",
        "in one order the task that puts goes on a step later, and may find it full again",
        FULL,
        PUT_SEVEN,
        GET,
        DRAIN,
    );
}

#[test]
fn looks_at_a_queue() {
    independent("qsize, qsize", TWO, SIZE, SIZE, SIZE);
    order_matters("qsize, put", TWO, SIZE, PUT_SEVEN, DRAIN);
    order_matters("qsize, get", TWO, SIZE, GET, DRAIN);
    independent("put_nowait, put_nowait that are refused", FULL, PUT_AT_ONCE, PUT_AT_ONCE, DRAIN);
    independent("get_nowait, get_nowait that are refused", EMPTY, GET_AT_ONCE, GET_AT_ONCE, DRAIN);
}

#[test]
fn what_is_unfinished() {
    independent("join, join", TWO, JOIN, JOIN, SIZE);
    order_matters("unfinished_tasks, task_done", TWO, op!(b => b.queue.unfinished_tasks()), DONE, DRAIN);
    ends_alike_but_conflicts(
        "task_done, task_done",
        "a queue has one kind of touch for its items and its count, and the last of them wakes who joins",
        TWO,
        DONE,
        DONE,
        DRAIN,
    );
    ends_alike_but_conflicts(
        "task_done, join",
        "the task that joins goes on a step later in one order",
        op!(b => b.queue.put_nowait(1)?),
        DONE,
        JOIN,
        DRAIN,
    );
}

#[test]
fn the_end_of_a_queue() {
    order_matters("shutdown, put", TWO, SHUTDOWN, PUT_SEVEN, DRAIN);
    let none = op!(b => kind(b.queue.get().await));
    ends_alike_but_conflicts(
        "shutdown, get of an empty one",
        "the task that gets learns of it a step later in one order",
        EMPTY,
        SHUTDOWN,
        none,
        SIZE,
    );
}
