//! Whatever tasks are cancelled, aborted or dropped halfway: permits are conserved, and nobody waits beside a free one.

use crate::support::{give_way, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Condition, Event, EventLoop, Lock, Profile, Result, Semaphore, Task, create_task};
use futures::future::{Either, select};
use proptest::prelude::*;
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask,
    /// These name a task by its number, modulo the tasks there are.
    Cancel(usize),
    Abort(usize),
    /// Its wait loses a race, and is dropped.
    Race(usize),
    Release(usize),
    GiveWay,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..12_usize;
    let step = prop_oneof![
        3 => Just(Step::Ask),
        2 => task.clone().prop_map(Step::Cancel),
        1 => task.clone().prop_map(Step::Abort),
        1 => task.clone().prop_map(Step::Race),
        3 => task.prop_map(Step::Release),
        4 => Just(Step::GiveWay),
    ];
    prop::collection::vec(step, 0..40)
}

fn event_loops() -> impl Strategy<Value = (Profile, u64)> {
    (prop_oneof![Just(Profile::Fifo), Just(Profile::AnyReady)], 0..1000_u64)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Holding,
    Ended,
}

/// A task that takes a permit and holds it until it is told to go.
struct Holder {
    task: Task<()>,
    state: Rc<Cell<State>>,
    go: Event,
    lose: Event,
}

/// Ends a holder's state however its task ends.
struct Ends(Rc<Cell<State>>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.set(State::Ended);
    }
}

impl Holder {
    fn new<A>(acquire: A) -> Holder
    where
        A: AsyncFnOnce(Event, Rc<Cell<State>>, Event) -> Result<()> + 'static,
    {
        let (go, lose, state) = (Event::new(), Event::new(), Rc::new(Cell::new(State::Waiting)));
        let task = create_task({
            let (go, lose, state) = (go.clone(), lose.clone(), state.clone());
            // Made here, so that it ends with a task that never runs as well.
            let ends = Ends(state.clone());
            async move {
                let _ends = ends;
                acquire(lose, state, go).await
            }
        });
        Holder { task, state, go, lose }
    }
}

async fn play(steps: Vec<Step>, ask: impl Fn() -> Holder, free: impl Fn() -> bool) -> Result<()> {
    let mut holders: Vec<Holder> = Vec::new();
    let check = |holders: &[Holder]| {
        let waiting = holders.iter().filter(|holder| holder.state.get() == State::Waiting).count();
        assert!(waiting == 0 || !free(), "{waiting} wait although there is something free");
    };
    for step in steps {
        let chosen = match step {
            Step::Cancel(n) | Step::Abort(n) | Step::Race(n) | Step::Release(n) if !holders.is_empty() => {
                Some(&holders[n % holders.len()])
            }
            _ => None,
        };
        match (step, chosen) {
            (Step::Ask, _) => holders.push(ask()),
            (Step::GiveWay, _) => give_way().await?,
            (Step::Cancel(_), Some(holder)) => drop(holder.task.cancel()),
            (Step::Abort(_), Some(holder)) => drop(holder.task.abort()),
            (Step::Race(_), Some(holder)) => holder.lose.set(),
            (Step::Release(_), Some(holder)) => holder.go.set(),
            (_, None) => {}
        }
    }
    for _ in 0..4 {
        settle().await?;
    }
    check(&holders);
    for holder in &holders {
        holder.go.set();
    }
    for _ in 0..4 {
        settle().await?;
    }
    assert!(holders.iter().all(|holder| holder.state.get() == State::Ended), "all who waited were served");
    Ok(())
}

fn run_on((profile, seed): (Profile, u64), program: impl Future<Output = Result<()>> + 'static) {
    // Watched, the primitives take their general paths; unwatched, those of the usual case.
    let watched = seed.is_multiple_of(2);
    let strategy =
        if profile == Profile::Fifo { asyncio::Strategy::Fifo } else { asyncio::Strategy::RandomWalk };
    let event_loop = EventLoop::builder()
        .profile(profile)
        .strategy(strategy)
        .seed(seed)
        .footprints(watched)
        .step_keys(watched)
        .build();
    event_loop.run_until_complete(program).expect("the program itself ends well");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn permits_are_conserved(on in event_loops(), permits in 1..4_u32, steps in steps()) {
        run_on(on, async move {
            let semaphore = Semaphore::new(permits);
            let ask = || {
                let semaphore = semaphore.clone();
                Holder::new(async move |lose: Event, state: Rc<Cell<State>>, go: Event| {
                    let permit = match select(pin!(semaphore.acquire()), pin!(lose.wait())).await {
                        Either::Left((permit, _)) => permit?,
                        Either::Right((lost, _)) => return lost,
                    };
                    state.set(State::Holding);
                    go.wait().await?;
                    drop(permit);
                    Ok(())
                })
            };
            play(steps, ask, || semaphore.value() > 0).await?;
            assert_eq!((semaphore.value(), semaphore.locked()), (permits, false));
            Ok(())
        });
    }

    #[test]
    fn a_lock_is_never_lost(on in event_loops(), steps in steps()) {
        run_on(on, async move {
            let lock = Lock::new();
            let ask = || {
                let lock = lock.clone();
                Holder::new(async move |lose: Event, state: Rc<Cell<State>>, go: Event| {
                    let guard = match select(pin!(lock.acquire()), pin!(lose.wait())).await {
                        Either::Left((guard, _)) => guard?,
                        Either::Right((lost, _)) => return lost,
                    };
                    state.set(State::Holding);
                    go.wait().await?;
                    drop(guard);
                    Ok(())
                })
            };
            play(steps, ask, || !lock.locked()).await?;
            assert!(!lock.locked());
            Ok(())
        });
    }

    /// Notifications as permits: a task that asks consumes one, and a notification is never lost with a task that ends.
    #[test]
    fn a_lock_given_up_by_a_condition_is_never_lost(on in event_loops(), steps in steps()) {
        run_on(on, async move {
            let (condition, permits) = (Condition::new(), Rc::new(Cell::new(2_u32)));
            let ask = || {
                let (condition, permits) = (condition.clone(), permits.clone());
                Holder::new(async move |lose: Event, state: Rc<Cell<State>>, go: Event| {
                    let take = async {
                        let _guard = condition.acquire().await?;
                        condition.wait_for(|| permits.get() > 0).await?;
                        permits.set(permits.get() - 1);
                        Ok::<(), asyncio::Error>(())
                    };
                    match select(pin!(take), pin!(lose.wait())).await {
                        Either::Left((taken, _)) => taken?,
                        Either::Right((lost, _)) => return lost,
                    }
                    let back = Back(permits, condition.clone());
                    state.set(State::Holding);
                    go.wait().await?;
                    drop(back);
                    Ok(())
                })
            };
            play(steps, ask, || permits.get() > 0).await?;
            assert_eq!((permits.get(), condition.locked()), (2, false));
            Ok(())
        });
    }
}

/// A permit of the program's own, given back and notified of in a task of its own, because that has to wait.
struct Back(Rc<Cell<u32>>, Condition);

impl Drop for Back {
    fn drop(&mut self) {
        let (permits, condition) = (self.0.clone(), self.1.clone());
        create_task(async move {
            let _guard = condition.acquire().await?;
            permits.set(permits.get() + 1);
            condition.notify(1)
        });
    }
}
