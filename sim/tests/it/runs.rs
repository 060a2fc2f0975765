//! One run: a pure function of its description.

use counterpoint as asyncio;
use counterpoint::explore::{Profile, Strategy};
use counterpoint::sim::{Outcome, Simulation, rng};
use counterpoint::trace::Event;
use rand::{Rng, RngExt};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn three_tasks() -> asyncio::Result<()> {
    let tasks: Vec<_> = (0..3).map(|_| asyncio::create_task(give_way_often())).collect();
    for task in tasks {
        task.await?;
    }
    Ok(())
}

async fn give_way_often() -> asyncio::Result<()> {
    for _ in 0..5 {
        asyncio::sleep(Duration::ZERO).await?;
    }
    Ok(())
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let of_seed = |seed| Simulation::new(three_tasks).seed(seed).run().fingerprint;
    assert_eq!(of_seed(3), of_seed(3));
    assert_ne!(of_seed(3), of_seed(4));
    let on_a_thread = std::thread::scope(|scope| scope.spawn(|| of_seed(3)).join().expect("it ran"));
    assert_eq!(of_seed(3), on_a_thread);
}

#[test]
fn each_run_of_a_seed_is_a_run_of_its_own() {
    let simulation = Simulation::new(three_tasks);
    let prints: Vec<u64> = (0..5).map(|run| simulation.clone().run_number(run).run().fingerprint).collect();
    assert!(prints.windows(2).all(|pair| pair[0] != pair[1]), "{prints:?}");
}

#[test]
fn watching_a_run_does_not_change_it() {
    let simulation = Simulation::new(three_tasks).seed(5);
    let watched = simulation.clone().trace(true).record(true).run();
    assert_eq!(simulation.run().fingerprint, watched.fingerprint);
    assert_eq!(watched.recording.expect("it was recorded").len() as u64, watched.steps);
    assert!(watched.trace.is_some());
}

#[test]
fn the_fifo_strategy_is_asyncios_order_in_every_profile() {
    let run =
        |profile| Simulation::new(three_tasks).strategy(Strategy::Fifo).profile(profile).trace(true).run();
    let lanes = |profile| -> Vec<String> {
        let trace = run(profile).trace.expect("it was traced");
        let steps = trace.into_iter().filter_map(|event| match event {
            Event::Step(step) => Some(step.lane),
            _ => None,
        });
        steps.collect()
    };
    assert_eq!(lanes(Profile::Fifo), lanes(Profile::AnyReady));
}

#[test]
fn a_run_that_goes_on_for_ever_is_inconclusive() {
    let endless = Simulation::new(|| async {
        loop {
            asyncio::sleep(Duration::from_secs(1)).await?;
        }
    });
    let reason = |simulation: Simulation| match simulation.run().outcome {
        Outcome::Inconclusive(reason) => reason,
        outcome => panic!("{outcome:?}"),
    };
    assert_eq!(reason(endless.clone().step_limit(100)), "the program did not end within 100 steps");
    assert_eq!(reason(endless.clone().tick_limit(7)), "the program did not end within 7 ticks of the loop");
    let hour = Duration::from_secs(3600);
    assert_eq!(
        reason(endless.time_limit(hour)),
        "the program did not end within 01:00:00.000 of virtual time"
    );
}

#[test]
fn what_the_program_logs_is_in_the_trace_at_its_step() {
    let simulation = Simulation::new(|| async {
        asyncio::sleep(Duration::from_secs(2)).await?;
        let span = tracing::info_span!("audit");
        let _entered = span.enter();
        tracing::warn!(account = "a", "overdrawn");
        Ok(())
    });
    let trace = simulation.trace(true).run().trace.expect("it was traced");
    let logged: Vec<_> = trace
        .iter()
        .filter_map(|event| match event {
            Event::Log { task: Some(task), time, text } => {
                Some((task.as_str(), time.to_string(), text.as_str()))
            }
            _ => None,
        })
        .collect();
    let expected = "WARN audit: overdrawn account=\"a\"";
    assert_eq!(logged.len(), 1, "{trace:?}");
    assert!(logged[0].0.contains("what_the_program_logs"), "{logged:?}");
    assert_eq!((logged[0].1.as_str(), logged[0].2), ("00:00:02.000", expected));
}

/// Each of `tasks` tasks draws twice; the numbers of the task named `watched`.
fn numbers_of_watched(others: u32) -> Vec<u64> {
    let drawn = Arc::new(Mutex::new(Vec::new()));
    let sink = drawn.clone();
    let run = Simulation::new(move || {
        let sink = sink.clone();
        async move {
            for _ in 0..others {
                asyncio::create_task(async { Ok(rng().next_u64()) }).await?;
            }
            let watched = asyncio::TaskBuilder::new().name("watched").create_task(async move {
                let first = rng().next_u64();
                asyncio::sleep(Duration::ZERO).await?;
                Ok([first, rng().next_u64()])
            });
            let numbers = watched.await?;
            sink.lock().expect("one thread").extend(numbers);
            Ok(())
        }
    });
    assert!(run.run().outcome.is_passed());
    drawn.lock().expect("one thread").clone()
}

#[test]
fn one_more_task_moves_no_number_of_another() {
    let alone = numbers_of_watched(0);
    assert_ne!(alone[0], alone[1]);
    assert_eq!(alone, numbers_of_watched(3));
}

#[test]
fn the_random_numbers_serve_the_distributions_of_rand() {
    let seen = Rc::new(RefCell::new(0));
    let simulation = Simulation::new(|| async {
        let rolled: u32 = rng().random_range(1..=6);
        assert!((1..=6).contains(&rolled) && rng().below(3) < 3);
        Ok(())
    });
    for seed in 0..20 {
        *seen.borrow_mut() += u32::from(simulation.clone().seed(seed).run().outcome.is_passed());
    }
    assert_eq!(seen.take(), 20);
}
