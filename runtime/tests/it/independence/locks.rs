//! Cells, locks, semaphores, events, conditions, barriers.

use super::harness::kind;
use super::{Op, ends_alike_but_conflicts, independent, order_matters};
use crate::op;
use counterpoint_runtime as asyncio;

use asyncio::create_task;
use std::rc::Rc;

const NOTHING: Op = op!(bench => ());

#[test]
fn cells() {
    let (get, one, two) = (op!(b => b.value.get()), op!(b => b.value.set(1)), op!(b => b.value.set(2)));
    independent("get, get", NOTHING, get, get, get);
    order_matters("get, set", NOTHING, get, one, get);
    order_matters("set, set", NOTHING, one, two, get);
}

const ACQUIRE: Op = op!(b => b.keep(b.lock.acquire().await?));
const RELEASE: Op = op!(b => kind(b.lock.release()));
const LOCKED: Op = op!(b => b.lock.locked());
const HELD: Op = op!(b => b.lock.acquire().await?.leak());

#[test]
fn locks() {
    order_matters("acquire, acquire of a free one", NOTHING, ACQUIRE, ACQUIRE, LOCKED);
    order_matters("acquire, acquire of a held one that is freed then", HELD, ACQUIRE, ACQUIRE, RELEASE);
    order_matters("acquire, release of a free one", NOTHING, ACQUIRE, RELEASE, LOCKED);
    order_matters("release, release", HELD, RELEASE, RELEASE, LOCKED);
    order_matters("locked, acquire", NOTHING, LOCKED, ACQUIRE, LOCKED);
    order_matters("locked, release", HELD, LOCKED, RELEASE, LOCKED);
    independent("locked, locked", HELD, LOCKED, LOCKED, LOCKED);
    let other = op!(b => b.keep(b.other_lock.acquire().await?));
    let both = op!(b => (b.lock.locked(), b.other_lock.locked()));
    independent("acquire, acquire of another", NOTHING, ACQUIRE, other, both);
    independent("release, acquire of another", HELD, RELEASE, other, both);
    ends_alike_but_conflicts(
        "acquire, release of a held one",
        "the lock is free in between in one order alone, for whoever asks whether it is locked",
        HELD,
        ACQUIRE,
        RELEASE,
        LOCKED,
    );
}

const PERMIT: Op = op!(b => b.keep(b.semaphore.acquire().await?));
const GIVE: Op = op!(b => b.semaphore.release());
const VALUE: Op = op!(b => b.semaphore.value());
const ONE: Op = op!(b => b.semaphore.release());
const THREE: Op = op!(b => for _ in 0..3 { b.semaphore.release() });

#[test]
fn semaphores() {
    independent("release, release", NOTHING, GIVE, GIVE, VALUE);
    independent("acquire, acquire with permits to spare", THREE, PERMIT, PERMIT, VALUE);
    independent("acquire, release with permits to spare", THREE, PERMIT, GIVE, VALUE);
    independent("value, value", THREE, VALUE, VALUE, VALUE);
    order_matters("acquire, acquire of the last permit", ONE, PERMIT, PERMIT, VALUE);
    order_matters("value, acquire", THREE, VALUE, PERMIT, VALUE);
    order_matters("value, release", THREE, VALUE, GIVE, VALUE);
    ends_alike_but_conflicts(
        "acquire, release near zero",
        "in one order the task that acquires goes on a step later than it came",
        NOTHING,
        PERMIT,
        GIVE,
        VALUE,
    );
    ends_alike_but_conflicts(
        "release, release with one who waits",
        "who comes between the two sees the wait served or not",
        op!(b => waits(&b)),
        GIVE,
        GIVE,
        VALUE,
    );
}

fn waits(bench: &Rc<super::Bench>) {
    let own = Rc::clone(bench);
    let waiter = create_task(async move {
        own.semaphore.acquire().await?.leak();
        Ok(())
    });
    bench.keep(waiter);
}

#[test]
fn bounded_semaphores() {
    let (take, give) = (op!(b => b.bounded.acquire().await?.leak()), op!(b => kind(b.bounded.release())));
    let value = op!(b => b.bounded.value());
    let taken = |count: u32| -> Op {
        match count {
            1 => op!(b => b.bounded.acquire().await?.leak()),
            _ => op!(b => for _ in 0..2 { b.bounded.acquire().await?.leak() }),
        }
    };
    independent("release, release that are refused", NOTHING, give, give, value);
    order_matters("acquire, release at the bound", NOTHING, take, give, value);
    order_matters("release, release one below the bound", taken(1), give, give, value);
    ends_alike_but_conflicts(
        "acquire, release one below the bound",
        "the same release before two acquires would be refused",
        taken(1),
        take,
        give,
        value,
    );
    ends_alike_but_conflicts(
        "acquire of the last, release",
        "who comes between finds a permit in one order alone",
        taken(2),
        take,
        give,
        value,
    );
}

const SET: Op = op!(b => b.event.set());
const CLEAR: Op = op!(b => b.event.clear());
const IS_SET: Op = op!(b => b.event.is_set());
const AWAIT_EVENT: Op = op!(b => b.event.wait().await?);

#[test]
fn events() {
    independent("set, set", NOTHING, SET, SET, IS_SET);
    independent("set, set of one that is set", SET, SET, SET, IS_SET);
    independent("is_set, is_set", SET, IS_SET, IS_SET, IS_SET);
    independent("wait, wait", NOTHING, AWAIT_EVENT, AWAIT_EVENT, SET);
    independent("wait, wait of one that is set", SET, AWAIT_EVENT, AWAIT_EVENT, IS_SET);
    independent("clear, clear of one that is not set", NOTHING, CLEAR, CLEAR, IS_SET);
    order_matters("set, clear", NOTHING, SET, CLEAR, IS_SET);
    order_matters("clear, wait", SET, CLEAR, AWAIT_EVENT, IS_SET);
    order_matters("clear, is_set", SET, CLEAR, IS_SET, IS_SET);
    order_matters("set, is_set", NOTHING, SET, IS_SET, IS_SET);
    ends_alike_but_conflicts(
        "set, wait",
        "the task that waits goes on a step later in one order",
        NOTHING,
        SET,
        AWAIT_EVENT,
        IS_SET,
    );
    ends_alike_but_conflicts(
        "clear, clear of one that is set",
        "clears are rare, and a kind of touch of their own is not worth it",
        SET,
        CLEAR,
        CLEAR,
        IS_SET,
    );
    let waiter = op!(b => {
        let own = Rc::clone(&b);
        b.keep(create_task(async move { own.event.wait().await }));
    });
    ends_alike_but_conflicts(
        "set, set with one who waits",
        "the wake has one cause, and the order of the two decides which",
        waiter,
        SET,
        SET,
        IS_SET,
    );
}

const OWNED: Op = op!(b => b.condition.acquire().await?.leak());
const NOTIFY: Op = op!(b => kind(b.condition.notify(1)));
const AWAIT_CONDITION: Op = op!(b => b.condition.wait().await?);

#[test]
fn conditions() {
    independent("notify, notify without waits", OWNED, NOTIFY, NOTIFY, NOTHING);
    order_matters("wait, notify", OWNED, AWAIT_CONDITION, NOTIFY, NOTHING);
    let waiters = op!(b => {
        for word in ["first", "second"] {
            let own = Rc::clone(&b);
            b.keep(create_task(async move {
                let guard = own.condition.acquire().await?;
                own.condition.wait().await?;
                own.say(word);
                drop(guard);
                Ok(())
            }));
        }
        for _ in 0..4 {
            asyncio::sleep(std::time::Duration::ZERO).await?;
        }
        b.condition.acquire().await?.leak();
    });
    ends_alike_but_conflicts(
        "notify, notify with two who wait",
        "each wake has one cause, and the order decides who wakes whom",
        waiters,
        NOTIFY,
        NOTIFY,
        op!(b => kind(b.condition.release())),
    );
}

#[test]
fn barriers() {
    let wait = op!(b => kind(b.barrier.wait().await));
    let (abort, inside) = (op!(b => kind(b.barrier.abort().await)), op!(b => b.barrier.n_waiting()));
    order_matters("wait, wait", NOTHING, wait, wait, wait);
    order_matters("wait, n_waiting", NOTHING, wait, inside, inside);
    independent("n_waiting, n_waiting", NOTHING, inside, inside, inside);
    let reset = op!(b => kind(b.barrier.reset().await));
    order_matters("abort, reset", NOTHING, abort, reset, op!(b => b.barrier.broken()));
    let passed = op!(b => {
        for _ in 0..2 {
            let own = Rc::clone(&b);
            b.keep(create_task(async move { own.barrier.wait().await }));
        }
    });
    order_matters("wait of the last party, abort", passed, wait, abort, inside);
}
