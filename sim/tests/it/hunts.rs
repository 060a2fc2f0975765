//! Hunting, confirming, recording, replaying.

use counterpoint as asyncio;
use counterpoint::explore::{Confirmation, Hunt, Hunted, Progress, Strategy, Verdict, hunt, replay};
use counterpoint::sim::{Recording, Simulation};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

async fn teller(balance: Rc<Cell<u32>>, late: u32) -> asyncio::Result<()> {
    for _ in 0..late {
        asyncio::sleep(Duration::ZERO).await?;
    }
    let seen = balance.get();
    asyncio::sleep(Duration::ZERO).await?;
    balance.set(seen + 1);
    Ok(())
}

/// Fails in few runs: the late teller must overtake often.
async fn lost_update() -> asyncio::Result<()> {
    let balance = Rc::new(Cell::new(0));
    let (early, late) = (teller(balance.clone(), 0), teller(balance.clone(), 4));
    asyncio::gather((early, late)).await?;
    assert!(balance.get() == 2, "the balance is {}", balance.get());
    Ok(())
}

fn told(hunted: &Hunted) -> Vec<(u64, u64, String)> {
    hunted.findings.iter().map(|finding| (finding.run, finding.count, finding.report())).collect()
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_threads() {
    let simulation = Simulation::new(lost_update).seed(11);
    let with = |jobs, stop| Hunt::new(&simulation).runs(0..400).jobs(jobs).stop_at_first(stop).start();
    for stop in [true, false] {
        let (one, two, five) = (with(1, stop), with(2, stop), with(5, stop));
        assert!(!one.passed());
        assert_eq!(told(&one), told(&two));
        assert_eq!(told(&one), told(&five));
        assert_eq!((one.runs, one.inconclusive), (five.runs, five.inconclusive));
    }
}

#[test]
fn a_finding_is_replayed_from_its_recording() {
    let simulation = Simulation::new(lost_update);
    let finding = &Hunt::new(&simulation).shrink_runs(0).start().findings[0];
    assert_eq!(finding.confirmation, Confirmation::Same);
    assert!(!finding.fails_in_fifo);
    let recording = finding.watched.recording.as_ref().expect("a finding is recorded");
    assert_eq!(recording.run_number(), finding.run);
    let replayed = replay(&simulation, recording);
    assert_eq!(replayed.verdict, Verdict::Same);
    assert_eq!(replayed.run.report(), finding.report());
}

#[test]
fn a_replay_of_another_program_names_the_step_at_which_it_strays() {
    let recording = hunt(&Simulation::new(lost_update), 1000).findings[0].watched.recording.clone();
    let recording = recording.expect("a finding is recorded");
    let shorter = Simulation::new(|| asyncio::sleep(Duration::ZERO));
    let Verdict::Diverged(text) = replay(&shorter, &recording).verdict else {
        panic!("it cannot be the same")
    };
    assert!(text.starts_with("replay diverged at step "), "{text}");
}

#[test]
fn a_failure_that_does_not_come_back_is_reported_as_such() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    // Reads what the seed does not fix: how often it ran in this process.
    let simulation = Simulation::new(|| async {
        let before = RUNS.fetch_add(1, Ordering::Relaxed);
        if before > 0 {
            asyncio::sleep(Duration::from_nanos(u64::from(before))).await?;
            return Ok(());
        }
        Err(asyncio::Error::msg("only once"))
    });
    let hunted = Hunt::new(&simulation).runs(0..1).jobs(1).start();
    let finding = &hunted.findings[0];
    let Confirmation::Differs(how) = &finding.confirmation else { panic!("it came back: {finding:?}") };
    assert!(how.contains("run again it passed") && how.contains("stray did so at step "), "{how}");
    assert!(finding.report().contains("the program failed: only once"), "{}", finding.report());
}

#[test]
fn a_recording_in_a_file_is_the_recording() {
    let recording = Simulation::new(lost_update).record(true).run().recording.expect("it was recorded");
    let path = std::env::temp_dir().join(format!("counterpoint-{}.recording", std::process::id()));
    recording.write(&path).expect("the folder for temporary files can be written");
    let read = Recording::read(&path);
    std::fs::remove_file(&path).expect("it was written");
    assert_eq!(read, Ok(recording));
    let error = Recording::read(&path).expect_err("it is gone").to_string();
    assert!(error.starts_with("the recording cannot be opened: "), "{error}");
}

#[test]
fn a_hunt_that_finds_nothing_says_so_and_tells_its_progress() {
    let made = AtomicU32::new(0);
    let count = |progress: Progress| {
        made.fetch_max(progress.runs as u32, Ordering::Relaxed);
    };
    let simulation = Simulation::new(|| async { Ok(()) });
    let hunted = Hunt::new(&simulation).runs(5..105).jobs(3).on_progress(&count).start();
    hunted.assert_passed();
    assert_eq!((hunted.runs, made.into_inner()), (100, 100));
}

/// A flag that one task sets after a while, and another one polls.
async fn polls() -> asyncio::Result<()> {
    let flag = Rc::new(Cell::new(false));
    let setter = asyncio::create_task({
        let flag = flag.clone();
        async move {
            asyncio::sleep(Duration::ZERO).await?;
            flag.set(true);
            Ok(())
        }
    });
    while !flag.get() {
        asyncio::sleep(Duration::ZERO).await?;
    }
    setter.await
}

#[test]
fn a_strategy_by_priorities_lets_nobody_wait_for_ever() {
    for strategy in
        [Strategy::Pct { depth: 3 }, Strategy::Pos, Strategy::Urw, Strategy::Surw, Strategy::Reversal]
    {
        let simulation = Simulation::new(polls).strategy(strategy).step_limit(2_000);
        let hunted = Hunt::new(&simulation).runs(0..200).start();
        hunted.assert_passed();
        assert_eq!(hunted.inconclusive, 0, "{strategy}: {:?}", hunted.inconclusive_reason);
    }
}

#[test]
fn a_run_that_goes_on_for_ever_says_how_long_it_did_so_fairly() {
    let simulation = Simulation::new(|| async {
        loop {
            asyncio::sleep(Duration::ZERO).await?;
        }
    });
    let reason = |strategy: Strategy, steps: u64| {
        let run = simulation.clone().strategy(strategy).step_limit(steps).run();
        run.report()
    };
    let says = |text: String, words: &str| assert!(text.contains(words), "{text}");
    says(
        reason(Strategy::Surw, 50_000),
        "within 50000 steps, the last 30000 of them in a fair order: it runs for ever",
    );
    says(reason(Strategy::Surw, 4_000), "the last 2000 of them in a fair order");
    says(reason(Strategy::RandomWalk, 50_000), "within 50000 steps, all of them in a fair order");
    assert_eq!(reason(Strategy::Surw, 10), "inconclusive: the program did not end within 10 steps\n");
}

#[test]
fn what_a_hunt_covered_is_the_same_on_any_number_of_threads() {
    let hunted = |jobs| {
        let simulation = Simulation::new(lost_update);
        Hunt::new(&simulation).runs(0..300).jobs(jobs).stop_at_first(false).start()
    };
    let (one, three) = (hunted(1), hunted(3));
    assert_eq!(one.covered, three.covered);
    let covered = one.covered.expect("it was not turned off");
    assert!(covered.behaviours > 1);
    assert_eq!(covered.yields.iter().map(|share| share.runs).sum::<u64>(), 300);
    assert_eq!(covered.yields.iter().map(|share| share.new_behaviours).sum::<u64>(), covered.behaviours);
    let simulation = Simulation::new(lost_update);
    assert!(Hunt::new(&simulation).coverage(false).start().covered.is_none());
}
