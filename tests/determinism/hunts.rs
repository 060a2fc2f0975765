//! Run i of a hunt is the same alone, on one thread and on two, whatever it learned.

use counterpoint as asyncio;
use counterpoint::explore::{Hunt, Sampling, Strategy};
use counterpoint::sim::Simulation;
use std::time::Duration;

/// A program whose runs all fail, each with what it did in its message: so a hunt tells of every one.
fn simulation() -> Simulation {
    Simulation::new(|| async {
        let queue = asyncio::Queue::new(2);
        let lock = asyncio::Lock::new();
        let workers: Vec<_> = (0..4u64)
            .map(|number| {
                let (queue, lock) = (queue.clone(), lock.clone());
                asyncio::create_task(async move {
                    for _ in 0..3 {
                        let held = lock.acquire().await?;
                        asyncio::sleep(Duration::ZERO).await?;
                        drop(held);
                        queue.put(number).await?;
                    }
                    Ok(())
                })
            })
            .collect();
        let mut got = String::new();
        for _ in 0..12 {
            got.push(char::from(b'a' + queue.get().await? as u8));
        }
        for worker in workers {
            worker.await?;
        }
        panic!("{got}");
    })
    .seed(11)
}

/// The fingerprints of the runs that failed first in each way.
fn hunted(simulation: &Simulation, jobs: usize) -> Vec<(u64, u64)> {
    let hunted = Hunt::new(simulation).runs(0..540).jobs(jobs).stop_at_first(false).shrink_runs(0).start();
    hunted.findings.iter().map(|finding| (finding.run, finding.watched.fingerprint)).collect()
}

#[test]
fn a_run_of_a_hunt_is_the_same_alone_and_on_any_number_of_threads() {
    for sampling in [Sampling::Portfolio, Strategy::Surw.into()] {
        let simulation = simulation().strategy(sampling);
        let found = hunted(&simulation, 1);
        assert_eq!(hunted(&simulation, 2), found, "{sampling}");
        // Of each epoch some: alone, a run makes those that it learns from.
        for (run, fingerprint) in found.iter().rev().step_by(12) {
            assert_eq!(
                simulation.clone().run_number(*run).run().fingerprint,
                *fingerprint,
                "{sampling}, run {run}"
            );
        }
        let last = found.last().expect("every run fails").0;
        assert!(last >= 512, "runs of every epoch were looked at, up to {last}");
    }
}
