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

/// Strategies, and whether names and footprints of steps are looked at as well.
const HOW: [(Strategy, bool); 8] = [
    (Strategy::RandomWalk, false),
    (Strategy::RandomWalk, true),
    (Strategy::Pct { depth: 3 }, false),
    (Strategy::Pct { depth: 3 }, true),
    (Strategy::Urw, false),
    (Strategy::Urw, true),
    (Strategy::Surw, true),
    (Strategy::Pos, true),
];

/// One of [`HOW`], as a table names it.
struct How(Strategy, bool);

impl std::fmt::Display for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.0, if self.1 { ", covered" } else { "" })
    }
}

fn hunt(bencher: divan::Bencher<'_, '_>, simulation: Simulation, how: &How, runs: u64) {
    let simulation = simulation.strategy(how.0);
    bencher.counter(divan::counter::ItemsCount::new(runs)).bench(|| {
        let hunted = Hunt::new(&simulation).runs(0..runs).jobs(1).coverage(how.1).start();
        assert!(hunted.passed());
    });
}

#[divan::bench(args = HOW.map(|(strategy, covered)| How(strategy, covered)), sample_count = 20)]
fn two_tasks(bencher: divan::Bencher<'_, '_>, how: &How) {
    hunt(bencher, Simulation::new(lost_update), how, 10_000);
}

#[divan::bench(args = HOW.map(|(strategy, covered)| How(strategy, covered)), sample_count = 10)]
fn a_thousand_tasks(bencher: divan::Bencher<'_, '_>, how: &How) {
    hunt(bencher, Simulation::new(many), how, 50);
}
