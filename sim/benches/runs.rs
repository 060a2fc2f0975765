//! Runs a second: a hunt's reach. `cargo bench -p counterpoint --bench runs`.
//!
//! `lost_update` is two tasks that read, give way and write; `many` a thousand tasks that give way five times each. Both on
//! one thread, each run with a seed of its own, as a hunt makes them.

use counterpoint as asyncio;
use counterpoint::explore::{Hunt, Strategy};
use counterpoint::sim::Simulation;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

fn main() {
    divan::main();
}

async fn teller(counter: Rc<Cell<u64>>) -> asyncio::Result<()> {
    let seen = counter.get();
    asyncio::sleep(Duration::ZERO).await?;
    counter.set(seen + 1);
    Ok(())
}

async fn lost_update() -> asyncio::Result<()> {
    let counter = Rc::new(Cell::new(0));
    let first = asyncio::create_task(teller(counter.clone()));
    let second = asyncio::create_task(teller(counter));
    first.await?;
    second.await
}

async fn many() -> asyncio::Result<()> {
    let tasks: Vec<_> = (0..1000)
        .map(|_| {
            asyncio::create_task(async {
                for _ in 0..5 {
                    asyncio::sleep(Duration::ZERO).await?;
                }
                Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    Ok(())
}

fn hunt(bencher: divan::Bencher<'_, '_>, simulation: Simulation, runs: u64) {
    bencher.counter(divan::counter::ItemsCount::new(runs)).bench(|| {
        let hunted = Hunt::new(&simulation).runs(0..runs).jobs(1).start();
        assert!(hunted.passed());
    });
}

#[divan::bench(args = [Strategy::RandomWalk])]
fn two_tasks(bencher: divan::Bencher<'_, '_>, strategy: Strategy) {
    hunt(bencher, Simulation::new(lost_update).strategy(strategy), 10_000);
}

#[divan::bench(args = [Strategy::RandomWalk])]
fn a_thousand_tasks(bencher: divan::Bencher<'_, '_>, strategy: Strategy) {
    hunt(bencher, Simulation::new(many).strategy(strategy), 20);
}
