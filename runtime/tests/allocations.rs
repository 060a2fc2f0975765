//! Steps of a run allocate nothing once the loop has its room, and take no lock and no atomic operation.
//!
//! *No allocation* is counted here: the allocator of this test counts the calls of each thread. A program warms up, so
//! that vectors have grown to their size, then does the same again; the second part must not allocate.
//!
//! *No atomic operation* is not measured. It is known from the source: a handle holds ids and is counted in the loop's
//! own memory, the loop is found through a thread-local, and a waker is a word. `tests/tidy/permissions.rs` lists the
//! files of the runtime that name a lock, an atomic or an `Arc` at all, with the moment in which a run reaches it, and
//! fails for any other file. What the steps below reach of that list is one relaxed load a tick (has another thread
//! woken anything?), which on every machine we build for is an ordinary load.
#![allow(unsafe_code, reason = "a global allocator that counts")]

use counterpoint_runtime::{EventLoop, EventLoopBuilder, Lock, Profile, Queue, Result, Strategy};
use counterpoint_runtime::{create_task, sleep};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came; the count is a thread-local without a destructor, which
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

const TASKS: usize = 10;
/// Gives way: time stands still while anything is ready.
const YIELD: Duration = Duration::ZERO;
const ROUNDS: usize = 200;

/// Runs `operation` in ten tasks under both profiles, and looks at it now and again, with a pause in between that lets
/// it go on: the second half must not allocate.
#[track_caller]
fn check_steady<F>(pause: Duration, operation: fn(usize) -> F)
where
    F: Future<Output = Result<()>> + 'static,
{
    let random = EventLoop::builder().seed(3).profile(Profile::AnyReady).strategy(Strategy::RandomWalk);
    for builder in [EventLoop::builder(), random] {
        let (first, second) = allocations_of(builder.clone(), pause, operation);
        assert_eq!(second, 0, "{builder:?}: {second} allocations once warm, {first} before");
    }
}

fn allocations_of<F>(builder: EventLoopBuilder, pause: Duration, operation: fn(usize) -> F) -> (u64, u64)
where
    F: Future<Output = Result<()>> + 'static,
{
    let event_loop = builder.build();
    let counted = event_loop.run_until_complete(async move {
        let begun = ALLOCATIONS.get();
        let tasks: Vec<_> = (0..TASKS).map(|index| create_task(operation(index))).collect();
        // All tasks are far from their beginning and their end when we look.
        for _ in 0..ROUNDS / 4 {
            sleep(pause).await?;
        }
        let warm = ALLOCATIONS.get();
        for _ in 0..ROUNDS / 4 {
            sleep(pause).await?;
        }
        let end = ALLOCATIONS.get();
        assert!(tasks.iter().all(|task| !task.done()), "the tasks ended before the count");
        for task in &tasks {
            task.await?;
        }
        Ok((warm - begun, end - warm))
    });
    counted.expect("the program ends")
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    let boxed = std::hint::black_box(Box::new(7));
    assert_eq!(ALLOCATIONS.get() - before, 1);
    drop(boxed);
    let (first, _) = allocations_of(EventLoop::builder(), YIELD, |_| yields());
    assert!(first >= TASKS as u64, "each task is one allocation at least: {first}");
}

async fn yields() -> Result<()> {
    for _ in 0..ROUNDS * 20 {
        sleep(Duration::ZERO).await?;
    }
    Ok(())
}

#[test]
fn a_step_that_gives_way_allocates_nothing() {
    check_steady(YIELD, |_| yields());
}

#[test]
fn a_sleep_allocates_nothing() {
    check_steady(Duration::from_millis(10), |index| async move {
        for _ in 0..ROUNDS * 20 {
            sleep(Duration::from_millis(1 + index as u64)).await?;
        }
        Ok(())
    });
}

#[test]
fn a_lock_cycle_allocates_nothing() {
    check_steady(YIELD, |_| async {
        let lock = Lock::new();
        let (mine, theirs) = (lock.clone(), lock);
        let other = create_task(cycles(theirs));
        cycles(mine).await?;
        other.await
    });
}

async fn cycles(lock: Lock) -> Result<()> {
    for _ in 0..ROUNDS * 20 {
        let guard = lock.acquire().await?;
        sleep(Duration::ZERO).await?;
        drop(guard);
    }
    Ok(())
}

#[test]
fn a_queue_round_trip_allocates_nothing() {
    check_steady(YIELD, |_| async {
        let (requests, answers) = (Queue::new(0), Queue::new(0));
        let (inbox, outbox) = (requests.clone(), answers.clone());
        let server = create_task(async move {
            while let Some(request) = inbox.get().await? {
                outbox.put_nowait(request + 1)?;
            }
            Ok(())
        });
        for round in 0..ROUNDS * 20 {
            requests.put_nowait(Some(round))?;
            assert_eq!(answers.get().await?, round + 1);
        }
        requests.put_nowait(None)?;
        server.await
    });
}
