//! Two tasks, one operation each, in both orders.

use crate::support::settle;
use counterpoint_runtime as asyncio;

use asyncio::schedule::{Seen, Touched, conflict};
use asyncio::{
    AnyTask, Barrier, BoundedSemaphore, Condition, Context, Event, EventLoop, Future, Lock, Profile, Queue,
    Result, Semaphore, Shared, Strategy, TaskBuilder, concurrent, create_task,
};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::pin::Pin;
use std::rc::Rc;

/// One object of each kind, and room for what the operations get.
pub struct Bench {
    pub lock: Lock,
    pub other_lock: Lock,
    /// Without permits.
    pub semaphore: Semaphore,
    /// With all of its three.
    pub bounded: BoundedSemaphore,
    pub event: Event,
    pub condition: Condition,
    /// For three parties.
    pub barrier: Barrier,
    /// Empty, for four items.
    pub queue: Queue<u32>,
    pub future: Future<u32>,
    /// Sleeps for an hour.
    pub sleeper: AnyTask,
    pub value: Shared<u32>,
    pub context: Context,
    pub promised: concurrent::Future<u32>,
    pub words: RefCell<Vec<String>>,
    /// The task of the first operation.
    pub one: RefCell<Option<AnyTask>>,
    /// A task that waits for something.
    pub waiter: RefCell<Option<AnyTask>>,
    kept: RefCell<Vec<Box<dyn Any>>>,
}

impl Bench {
    fn new() -> Bench {
        let hour = std::time::Duration::from_secs(3600);
        Bench {
            lock: Lock::new(),
            other_lock: Lock::new(),
            semaphore: Semaphore::new(0),
            bounded: BoundedSemaphore::new(3),
            event: Event::new(),
            condition: Condition::new(),
            barrier: Barrier::new(3),
            queue: Queue::new(4),
            future: Future::new(),
            sleeper: create_task(asyncio::sleep(hour)).any(),
            value: Shared::new(0),
            context: Context::new(),
            promised: concurrent::Future::new(),
            words: RefCell::default(),
            one: RefCell::default(),
            waiter: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    /// Holds something until the bench goes.
    pub fn keep(&self, held: impl Any) {
        self.kept.borrow_mut().push(Box::new(held));
    }

    pub fn say(&self, word: impl Into<String>) {
        self.words.borrow_mut().push(word.into());
    }
}

pub type Boxed<T> = Pin<Box<dyn std::future::Future<Output = Result<T>>>>;

/// An operation, or what is done before or after: in words, what it returned.
pub type Op = fn(Rc<Bench>) -> Boxed<String>;

/// Writes an operation: `op!(bench => expression)`; what it gives is put into words, errors by their kind.
#[macro_export]
macro_rules! op {
    ($bench:ident => $body:expr) => {
        |$bench: std::rc::Rc<$crate::independence::Bench>| -> $crate::independence::Boxed<String> {
            Box::pin(async move {
                let _ = &$bench;
                Ok(format!("{:?}", $body))
            })
        }
    };
}

/// An error by its kind, for comparing.
pub fn kind<T: Debug>(result: Result<T>) -> String {
    result.map_or_else(|error| error.kind().name().to_owned(), |value| format!("{value:?}"))
}

/// How a run ended: what each operation returned, if it did, and what is to be seen then.
#[derive(Debug, PartialEq)]
struct Ended {
    one: Option<String>,
    other: Option<String>,
    state: String,
}

/// From this state, these two, seen so.
struct Pair {
    before: Op,
    one: Op,
    other: Op,
    after: Op,
}

/// Runs both; whether their steps conflicted is none if one of them did not run.
fn run(pair: &Pair, swapped: bool) -> (Ended, Option<bool>) {
    let event_loop =
        EventLoop::builder().profile(Profile::AnyReady).strategy(Strategy::Fifo).seen(true).build();
    let lanes = Rc::new([Cell::new(0), Cell::new(0)]);
    let (ops, own) = ([pair.one, pair.other], Rc::clone(&lanes));
    let (before, after) = (pair.before, pair.after);
    let ended = event_loop.run_until_complete(async move {
        let bench = Rc::new(Bench::new());
        before(Rc::clone(&bench)).await?;
        settle().await?;
        let results = Rc::new([Cell::new(None), Cell::new(None)]);
        let spawn = |index: usize| {
            let (bench, results, lanes) = (Rc::clone(&bench), Rc::clone(&results), Rc::clone(&own));
            let name = ["one", "other"][index];
            TaskBuilder::new().name(name).create_task(async move {
                lanes[index].set(asyncio::running_step().expect("a step runs").lane_hash);
                let result = ops[index](bench).await?;
                results[index].set(Some(result));
                Ok(())
            })
        };
        let tasks = if swapped {
            let other = spawn(1);
            [spawn(0), other]
        } else {
            [spawn(0), spawn(1)]
        };
        bench.one.replace(Some(tasks[0].any()));
        settle().await?;
        let state = after(Rc::clone(&bench)).await?;
        settle().await?;
        let [one, other] = [results[0].take(), results[1].take()];
        let words = bench.words.take().join(", ");
        Ok(Ended { one, other, state: format!("{state} {words}") })
    });
    let ended = ended.expect("the program itself ends well");
    let seen = event_loop.take_seen().expect("it was asked for");
    let [one, other] = [first_step(&seen, lanes[0].get()), first_step(&seen, lanes[1].get())];
    let conflicts = one.zip(other).map(|(one, other)| conflict(one, other));
    (ended, conflicts)
}

fn first_step(seen: &Seen, lane: u64) -> Option<&[Touched]> {
    let step = seen.steps().iter().find(|step| lane != 0 && step.name.lane == lane)?;
    Some(seen.touched(step))
}

/// The two commute, and their footprints say so, whichever comes first.
#[track_caller]
pub fn independent(name: &str, before: Op, one: Op, other: Op, after: Op) {
    let pair = Pair { before, one, other, after };
    let (forwards, backwards) = (run(&pair, false), run(&pair, true));
    assert_eq!(forwards.0, backwards.0, "{name}: both orders end alike");
    assert_eq!((forwards.1, backwards.1), (Some(false), Some(false)), "{name}: the footprints say so");
}

/// The two end differently in the two orders, and their footprints conflict in each order in which both run.
#[track_caller]
pub fn order_matters(name: &str, before: Op, one: Op, other: Op, after: Op) {
    let pair = Pair { before, one, other, after };
    let (forwards, backwards) = (run(&pair, false), run(&pair, true));
    assert_ne!(forwards.0, backwards.0, "{name}: the orders end differently");
    assert_eq!(forwards.1, Some(true), "{name}: the footprints say so");
    assert_ne!(backwards.1, Some(false), "{name}: the footprints say so in the other order");
}

/// The two end alike, and are said to conflict all the same: `why` says what would be lost otherwise.
#[track_caller]
pub fn ends_alike_but_conflicts(name: &str, why: &str, before: Op, one: Op, other: Op, after: Op) {
    let pair = Pair { before, one, other, after };
    let (forwards, backwards) = (run(&pair, false), run(&pair, true));
    assert_eq!(forwards.0, backwards.0, "{name}: both orders end alike");
    assert!([forwards.1, backwards.1].contains(&Some(true)), "{name}: kept, because {why}");
}
