//! Proving: all orders, or all within a bound.

use counterpoint as asyncio;
use counterpoint::explore::{Conclusion, Prove, Proved, Reduction, Unprovable, Verdict, prove, replay};
use counterpoint::sim::{FailureKind, Simulation};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn give_way() -> asyncio::Result<()> {
    asyncio::sleep(Duration::ZERO).await
}

/// So many tasks with two critical sections each on one lock.
fn sections(tasks: usize) -> impl Fn() -> Coroutine {
    move || {
        Box::pin(async move {
            let lock = asyncio::Lock::new();
            let task = |lock: asyncio::Lock| async move {
                drop(lock.acquire().await?);
                give_way().await?;
                drop(lock.acquire().await?);
                Ok(())
            };
            asyncio::gather((0..tasks).map(|_| task(lock.clone())).collect::<Vec<_>>()).await?;
            Ok(())
        })
    }
}

fn proved(simulation: &Simulation, reduction: Reduction) -> Proved {
    Prove::new(simulation).reduction(reduction).start().expect("it has no world")
}

#[test]
fn two_sections_of_three_tasks_have_ninety_orders() {
    let three = proved(&Simulation::new(sections(3)), Reduction::Dpor);
    assert_eq!((three.runs, three.redundant), (90, 0), "{three}");
    assert!(three.is_proved(), "{three}");
    assert_eq!(three.behaviours, 90);
    let two = proved(&Simulation::new(sections(2)), Reduction::Dpor);
    assert_eq!((two.runs, two.redundant), (6, 0), "{two}");
}

#[test]
fn without_reduction_every_order_is_run() {
    let all = proved(&Simulation::new(sections(2)), Reduction::None);
    assert!(all.is_proved(), "{all}");
    assert!(all.runs > 6 && all.redundant == 0, "{all}");
}

async fn add_one(counter: Rc<Cell<u32>>) -> asyncio::Result<()> {
    let seen = counter.get();
    give_way().await?;
    counter.set(seen + 1);
    Ok(())
}

/// Fails only if the late one overtakes.
async fn lost_update() -> asyncio::Result<()> {
    let counter = Rc::new(Cell::new(0));
    let late = |counter| async {
        for _ in 0..4 {
            give_way().await?;
        }
        add_one(counter).await
    };
    asyncio::gather((add_one(counter.clone()), late(counter.clone()))).await?;
    assert!(counter.get() == 2, "the counter is {}", counter.get());
    Ok(())
}

#[test]
fn a_failure_comes_with_its_holds_and_a_recording() {
    let simulation = Simulation::new(lost_update);
    let proved = Prove::new(&simulation).bound(1).start().expect("it has no world");
    assert_eq!(proved.conclusion(), Conclusion::Failed);
    let disproof = proved.disproof.expect("it fails");
    assert_eq!(disproof.failure.kind, FailureKind::Panic);
    let watched = disproof.watched.as_ref().expect("it comes back");
    let recording = watched.recording.as_ref().expect("it was recorded");
    assert_eq!(replay(&simulation, recording).verdict, Verdict::Same);
    let shrunk = disproof.shrunk.as_ref().expect("it is shrunk");
    assert_eq!(shrunk.constraints.len(), 1, "{}", shrunk.report());
    assert!(disproof.report().contains("the counter is"));
}

type Coroutine = Pin<Box<dyn Future<Output = asyncio::Result<()>>>>;

/// What runs came to.
type Ends = Arc<Mutex<BTreeSet<String>>>;

/// All that a program can come to, as a search sees it.
fn ends(reduction: Reduction, program: fn(Ends) -> Coroutine) -> (BTreeSet<String>, Proved) {
    let ends = Arc::new(Mutex::new(BTreeSet::new()));
    let kept = Arc::clone(&ends);
    let simulation = Simulation::new(move || program(Arc::clone(&kept)));
    let proved = proved(&simulation, reduction);
    let ends = ends.lock().expect("nobody panics").clone();
    (ends, proved)
}

fn same_ends(program: fn(Ends) -> Coroutine) {
    let (all, without) = ends(Reduction::None, program);
    let (reduced, with) = ends(Reduction::Dpor, program);
    assert!(without.is_proved() && with.is_proved(), "{without}\n{with}");
    assert_eq!(all, reduced);
    assert!(with.runs <= without.runs, "{with}\n{without}");
}

#[test]
fn reduction_finds_every_order_of_a_queue() {
    same_ends(|ends| {
        Box::pin(async move {
            let queue = asyncio::Queue::new(1);
            let put = |queue: asyncio::Queue<u32>, item| async move {
                queue.put(item).await?;
                queue.put(item + 10).await
            };
            let got = Rc::new(RefCell::new(Vec::new()));
            let get = |queue: asyncio::Queue<u32>, got: Rc<RefCell<Vec<u32>>>| async move {
                for _ in 0..4 {
                    let item = queue.get().await?;
                    got.borrow_mut().push(item);
                }
                Ok(())
            };
            asyncio::gather((put(queue.clone(), 1), put(queue.clone(), 2), get(queue.clone(), got.clone())))
                .await?;
            ends.lock().expect("nobody panics").insert(format!("{:?}", got.borrow()));
            Ok(())
        })
    });
}

#[test]
fn reduction_finds_every_moment_of_a_cancellation() {
    same_ends(|ends| {
        Box::pin(async move {
            let (lock, done) = (asyncio::Lock::new(), Rc::new(Cell::new(0)));
            let work = |lock: asyncio::Lock, done: Rc<Cell<u32>>| async move {
                for _ in 0..2 {
                    let _held = lock.acquire().await?;
                    done.set(done.get() + 1);
                    give_way().await?;
                }
                Ok(())
            };
            let one = asyncio::create_task(work(lock.clone(), done.clone()));
            let cancelled = one.clone();
            let other = asyncio::create_task(async move { Ok(cancelled.cancel()) });
            let asked = other.await?;
            let ended = one.await.is_ok();
            let locked = lock.locked();
            ends.lock().expect("nobody panics").insert(format!("{asked} {ended} {locked} {}", done.get()));
            Ok(())
        })
    });
}

#[test]
fn a_program_in_a_world_is_refused_with_a_reason() {
    let simulation = Simulation::with_world(|_| async { Ok(()) });
    let refused = prove(&simulation).expect_err("it has a world");
    assert_eq!(refused, Unprovable::World);
    assert!(refused.to_string().contains("hosts"));
}

#[test]
fn a_budget_that_is_spent_says_what_was_covered() {
    let simulation = Simulation::new(sections(4));
    let some = Prove::new(&simulation).runs(1_200).start().expect("it has no world");
    assert_eq!((some.conclusion(), some.runs), (Conclusion::Inconclusive, 1_200), "{some}");
    let holds = some.holds.as_ref().expect("few holds were tried");
    assert_eq!(holds.complete, Some(1), "{some}");
    assert!(
        some.to_string().contains("all orders with at most 1 hold were tried, of those with 2 "),
        "{some}"
    );
}

#[test]
fn a_bound_is_proved_alone() {
    let simulation = Simulation::new(sections(3));
    let one = Prove::new(&simulation).bound(1).start().expect("it has no world");
    assert!(one.is_proved() && !one.whole, "{one}");
    assert!(one.to_string().contains("all orders with at most 1 hold were tried ("), "{one}");
}

#[test]
fn asyncios_own_order_is_one_run() {
    let simulation = Simulation::new(lost_update).profile(counterpoint::explore::Profile::Fifo);
    let proved = prove(&simulation).expect("it has no world");
    assert!(proved.is_proved() && proved.runs == 1, "{proved}");
}

#[test]
fn a_run_that_reaches_a_limit_proves_nothing() {
    let simulation = Simulation::new(sections(2)).step_limit(4);
    let proved = prove(&simulation).expect("it has no world");
    assert_eq!(proved.conclusion(), Conclusion::Inconclusive);
    assert!(proved.to_string().contains("reached a limit"), "{proved}");
}
