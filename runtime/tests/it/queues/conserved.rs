//! Whatever tasks are cancelled, aborted or dropped halfway: what was put is got once, and nobody waits in vain.

use crate::support::{give_way, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Event, EventLoop, LifoQueue, PriorityQueue, Profile, Queue, Result, Task, create_task};
use futures::future::{Either, select};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

#[derive(Clone, Copy, Debug)]
enum Step {
    Put,
    Get,
    PutNowait,
    GetNowait,
    /// These name a task by its number, modulo the tasks there are.
    Cancel(usize),
    Abort(usize),
    /// Its wait loses a race, and is dropped.
    Race(usize),
    GiveWay,
    Shutdown(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..12_usize;
    let step = prop_oneof![
        12 => Just(Step::Put),
        12 => Just(Step::Get),
        4 => Just(Step::PutNowait),
        4 => Just(Step::GetNowait),
        6 => task.clone().prop_map(Step::Cancel),
        4 => task.clone().prop_map(Step::Abort),
        6 => task.prop_map(Step::Race),
        14 => Just(Step::GiveWay),
        1 => any::<bool>().prop_map(Step::Shutdown),
    ];
    prop::collection::vec(step, 0..60)
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Fifo,
    Lifo,
    Priority,
}

/// What went in and what came out, and the tasks that are at it.
#[derive(Clone, Default)]
struct Books {
    put: Rc<RefCell<Vec<u32>>>,
    got: Rc<RefCell<Vec<u32>>>,
    next: Rc<Cell<u32>>,
    waiting_putters: Rc<Cell<usize>>,
    waiting_getters: Rc<Cell<usize>>,
}

/// One more, until it is dropped.
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(count: &Rc<Cell<usize>>) -> Counted {
        count.set(count.get() + 1);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Books {
    fn new_item(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        self.next.get()
    }

    fn putter(&self, queue: &Queue<u32>) -> (Task<()>, Event) {
        let (books, queue, lose, item) = (self.clone(), queue.clone(), Event::new(), self.new_item());
        let lost = lose.clone();
        let task = create_task(async move {
            let _waiting = Counted::new(&books.waiting_putters);
            match select(queue.put(item), pin!(lost.wait())).await {
                Either::Left((put, _)) => put?,
                Either::Right((lost, _)) => return lost,
            }
            books.put.borrow_mut().push(item);
            Ok(())
        });
        (task, lose)
    }

    fn getter(&self, queue: &Queue<u32>) -> (Task<()>, Event) {
        let (books, queue, lose) = (self.clone(), queue.clone(), Event::new());
        let lost = lose.clone();
        let task = create_task(async move {
            let _waiting = Counted::new(&books.waiting_getters);
            let item = match select(queue.get(), pin!(lost.wait())).await {
                Either::Left((item, _)) => item?,
                Either::Right((lost, _)) => return lost,
            };
            books.got.borrow_mut().push(item);
            Ok(())
        });
        (task, lose)
    }
}

async fn play(steps: Vec<Step>, queue: &Queue<u32>) -> Result<()> {
    let (books, mut tasks) = (Books::default(), Vec::new());
    let mut dropped = 0;
    for step in steps {
        let chosen = match step {
            Step::Cancel(n) | Step::Abort(n) | Step::Race(n) if !tasks.is_empty() => {
                Some(&tasks[n % tasks.len()])
            }
            _ => None,
        };
        match (step, chosen) {
            (Step::Put, _) => tasks.push(books.putter(queue)),
            (Step::Get, _) => tasks.push(books.getter(queue)),
            (Step::PutNowait, _) => {
                let item = books.new_item();
                if queue.put_nowait(item).is_ok() {
                    books.put.borrow_mut().push(item);
                }
            }
            (Step::GetNowait, _) => books.got.borrow_mut().extend(queue.get_nowait().ok()),
            (Step::GiveWay, _) => give_way().await?,
            (Step::Shutdown(immediate), _) => {
                dropped += if immediate { queue.qsize() } else { 0 };
                queue.shutdown(immediate);
            }
            (Step::Cancel(_), Some((task, _))) => drop(task.cancel()),
            (Step::Abort(_), Some((task, _))) => drop(task.abort()),
            (Step::Race(_), Some((_, lose))) => lose.set(),
            (_, None) => {}
        }
    }
    for _ in 0..4 {
        settle().await?;
    }
    let (putters, getters) = (books.waiting_putters.get(), books.waiting_getters.get());
    assert!(getters == 0 || queue.empty(), "{getters} wait for an item that is there");
    assert!(putters == 0 || queue.full(), "{putters} wait for a place that is free");
    assert!(
        !queue.is_shut_down() || putters + getters == 0,
        "{putters} and {getters} wait at a shut-down queue"
    );
    assert_eq!(queue.unfinished_tasks(), books.put.borrow().len() - dropped);
    while let Ok(item) = queue.get_nowait() {
        books.got.borrow_mut().push(item);
        settle().await?;
    }
    let (mut put, mut got) = (books.put.take(), books.got.take());
    put.sort_unstable();
    got.sort_unstable();
    assert_eq!(got.len(), put.len() - dropped, "nothing is lost");
    assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "nothing is got twice: {got:?}");
    got.retain(|item| put.binary_search(item).is_err());
    assert!(got.is_empty(), "got and never put: {got:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn items_are_neither_lost_nor_doubled(
        profile in prop_oneof![Just(Profile::Fifo), Just(Profile::AnyReady)],
        seed in 0..1000_u64,
        kind in prop_oneof![Just(Kind::Fifo), Just(Kind::Lifo), Just(Kind::Priority)],
        maxsize in 0..4_usize,
        steps in steps(),
    ) {
        // Watched, the primitives take their general paths; unwatched, those of the usual case.
        let watched = seed.is_multiple_of(2);
    let strategy = if profile == Profile::Fifo { asyncio::Strategy::Fifo } else { asyncio::Strategy::RandomWalk };
        let event_loop =
            EventLoop::builder().profile(profile).strategy(strategy).seed(seed).footprints(watched).step_keys(watched).build();
        let program = async move {
            match kind {
                Kind::Fifo => play(steps, &Queue::new(maxsize)).await,
                Kind::Lifo => play(steps, &LifoQueue::new(maxsize)).await,
                Kind::Priority => play(steps, &PriorityQueue::new(maxsize)).await,
            }
        };
        event_loop.run_until_complete(program).expect("the program itself ends well");
    }
}
