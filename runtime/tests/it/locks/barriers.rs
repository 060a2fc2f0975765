use crate::support::{Log, check_order, give_way, panic_of, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Barrier, Result, Task, create_task, run};

/// A task that waits and says with what number it passed, or why not.
fn party(barrier: &Barrier, log: &Log, name: &'static str) -> Task<()> {
    let (barrier, log) = (barrier.clone(), log.clone());
    create_task(async move {
        match barrier.wait().await {
            Ok(index) => log.say(format!("{name}: {index}")),
            Err(error) => log.say(format!("{name}: {}", error.kind().name())),
        }
        Ok(())
    })
}

fn parties<const N: usize>(barrier: &Barrier, log: &Log, names: [&'static str; N]) -> [Task<()>; N] {
    names.map(|name| party(barrier, log, name))
}

#[test]
fn the_last_one_passes_first_and_the_others_in_order() {
    check_order(
        |log| async move {
            let barrier = Barrier::new(3);
            let _parties = parties(&barrier, &log, ["first", "second"]);
            give_way().await?;
            log.say(format!("waiting {} of {}", barrier.n_waiting(), barrier.parties()));
            let index = barrier.wait().await?;
            log.say(format!("main: {index} waiting {}", barrier.n_waiting()));
            settle().await
        },
        &["waiting 2 of 3", "main: 2 waiting 0", "first: 0", "second: 1"],
    );
}

#[test]
fn who_comes_while_it_drains_is_in_the_next_round() {
    check_order(
        |log| async move {
            let barrier = Barrier::new(2);
            let _parties = parties(&barrier, &log, ["first", "second", "third", "fourth"]);
            settle().await
        },
        &["second: 1", "first: 0", "fourth: 1", "third: 0"],
    );
}

#[test]
fn a_cancelled_party_is_awaited_again_and_the_barrier_stays_whole() {
    check_order(
        |log| async move {
            let barrier = Barrier::new(3);
            let [first, _second] = parties(&barrier, &log, ["first", "second"]);
            give_way().await?;
            first.cancel();
            settle().await?;
            log.say(format!("waiting {} broken {}", barrier.n_waiting(), barrier.broken()));
            let _parties = parties(&barrier, &log, ["third", "fourth"]);
            settle().await
        },
        // `second` keeps the number 1, so `third` gets it as well: as in CPython.
        &["first: CancelledError", "waiting 1 broken false", "fourth: 2", "second: 1", "third: 1"],
    );
}

#[test]
fn a_cancelled_party_sends_the_next_one_to_the_back_of_the_line() {
    check_order(
        |log| async move {
            let barrier = Barrier::new(4);
            let [first, _, _] = parties(&barrier, &log, ["first", "second", "third"]);
            give_way().await?;
            first.cancel();
            settle().await?;
            let _parties = parties(&barrier, &log, ["fourth", "fifth"]);
            settle().await
        },
        &["first: CancelledError", "fifth: 3", "third: 2", "second: 1", "fourth: 2"],
    );
}

#[test]
fn a_reset_breaks_who_waits_and_mends_the_barrier() {
    check_order(
        |log| async move {
            let barrier = Barrier::new(3);
            let _parties = parties(&barrier, &log, ["first", "second"]);
            give_way().await?;
            barrier.reset().await?;
            log.say(format!("waiting {} broken {}", barrier.n_waiting(), barrier.broken()));
            let _third = party(&barrier, &log, "third");
            settle().await?;
            log.say(format!("waiting {}", barrier.n_waiting()));
            Ok(())
        },
        &[
            "waiting 0 broken false",
            "first: BrokenBarrierError",
            "second: BrokenBarrierError",
            "waiting 1",
            "third: CancelledError",
        ],
    );
}

#[test]
fn an_aborted_barrier_is_broken_until_it_is_reset() {
    check_order(
        |log| async move {
            let barrier = Barrier::new(2);
            let _first = party(&barrier, &log, "first");
            give_way().await?;
            barrier.abort().await?;
            log.say(format!("waiting {} broken {}", barrier.n_waiting(), barrier.broken()));
            let _second = party(&barrier, &log, "second");
            settle().await?;
            barrier.reset().await?;
            log.say(format!("broken {}", barrier.broken()));
            let _parties = parties(&barrier, &log, ["third", "fourth"]);
            settle().await
        },
        &[
            "waiting 0 broken true",
            "first: BrokenBarrierError",
            "second: BrokenBarrierError",
            "broken false",
            "fourth: 1",
            "third: 0",
        ],
    );
}

#[test]
fn a_barrier_for_one_is_passed_again_and_again() -> Result<()> {
    run(async {
        let barrier = Barrier::new(1);
        for _ in 0..3 {
            assert_eq!(barrier.wait().await?, 0);
        }
        Ok(())
    })
}

#[test]
fn a_barrier_for_nobody_is_refused() {
    let message = panic_of(|| {
        let _ = run(async {
            let _ = Barrier::new(0);
            Ok(())
        });
    });
    assert!(message.contains("parties must be > 0"), "{message}");
}
