//! What counts as a failure, what it says, and when two are the same.

use counterpoint as asyncio;
use counterpoint::explore::Profile;
use counterpoint::sim::{Failure, FailureKind, Identity, Run, Simulation};
use std::future::Future;
use std::time::Duration;

/// The run of a program in asyncio's order, traced.
fn run_of<Fut>(program: impl Fn() -> Fut + Send + Sync + 'static) -> Run
where
    Fut: Future<Output = asyncio::Result<()>> + 'static,
{
    Simulation::new(program).profile(Profile::Fifo).trace(true).run()
}

#[track_caller]
fn failure_of(run: &Run) -> &Failure {
    run.outcome.failure().unwrap_or_else(|| panic!("it did not fail: {:?}", run.outcome))
}

async fn audit(balance: i32) -> asyncio::Result<()> {
    asyncio::sleep(Duration::ZERO).await?;
    assert!(balance >= 0, "the balance is {balance}");
    Ok(())
}

#[test]
fn a_panic_names_its_task_and_its_place() {
    let run = run_of(|| async { asyncio::create_task(audit(-3)).await });
    let failure = failure_of(&run);
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Panic, "the balance is -3"));
    assert!(failure.task.as_ref().is_some_and(|task| task.ends_with("/failures::audit")), "{failure:?}");
    assert!(failure.place.as_ref().is_some_and(|place| place.contains("failures.rs:")), "{failure:?}");
    let report = run.report();
    assert!(report.starts_with("panic: the balance is -3\n  in `audit`, at "), "{report}");
    assert!(report.contains("goes on, panics"), "{report}");
}

#[test]
fn a_run_after_one_that_panicked_is_as_without_it() {
    let good = Simulation::new(|| async { audit(1).await });
    let alone = good.run();
    let _panicked = run_of(|| async { audit(-1).await });
    let after = good.run();
    assert!(after.outcome.is_passed());
    assert_eq!(alone.fingerprint, after.fingerprint);
}

#[test]
fn a_panic_of_the_test_itself_is_still_printed_by_its_own_hook() {
    let _run = run_of(|| async { audit(-1).await });
    let caught = std::panic::catch_unwind(|| audit_outside(-1));
    assert!(caught.is_err(), "outside of a run nothing is swallowed");
}

fn audit_outside(balance: i32) {
    assert!(balance >= 0, "the balance is {balance}");
}

#[test]
fn an_error_of_the_program_says_where_it_was_made() {
    let run = run_of(|| async {
        "x".parse::<u32>()?;
        Ok(())
    });
    let failure = failure_of(&run);
    assert_eq!(failure.kind, FailureKind::Error);
    assert!(failure.place.as_ref().is_some_and(|place| place.contains("failures.rs:")), "{failure:?}");
}

#[test]
fn a_deadlock_tells_who_waits_for_whom() {
    async fn take(first: asyncio::Lock, second: asyncio::Lock) -> asyncio::Result<()> {
        let _first = first.acquire().await?;
        asyncio::sleep(Duration::ZERO).await?;
        let _second = second.acquire().await?;
        Ok(())
    }
    let run = run_of(|| async {
        let (a, b) = (asyncio::Lock::new().named("a"), asyncio::Lock::new().named("b"));
        let build = |name: &str| asyncio::TaskBuilder::new().name(name.to_owned());
        let teller = build("teller").create_task(take(a.clone(), b.clone()));
        let auditor = build("auditor").create_task(take(b, a));
        teller.await?;
        auditor.await
    });
    assert_eq!(failure_of(&run).kind, FailureKind::Deadlock);
    let report = run.report();
    assert!(report.contains("2 tasks wait for each other and no timer is set"), "{report}");
    assert!(report.contains("`teller` waits for Lock `b`, held by `auditor` since "), "{report}");
}

#[test]
fn an_error_that_nobody_retrieved_is_a_failure() {
    let run = run_of(|| async {
        drop(asyncio::create_task(async { Err::<(), _>(asyncio::Error::msg("disk is full")) }));
        asyncio::sleep(Duration::ZERO).await?;
        asyncio::sleep(Duration::ZERO).await
    });
    let failure = failure_of(&run);
    assert_eq!(failure.kind, FailureKind::Unretrieved);
    assert_eq!(failure.message, "Task exception was never retrieved: disk is full");
}

#[test]
fn tasks_that_are_left_are_a_note_or_a_failure_as_asked() {
    async fn forgetful() -> asyncio::Result<()> {
        let _left = asyncio::create_task(asyncio::sleep(Duration::from_secs(9)));
        asyncio::sleep(Duration::ZERO).await
    }
    let run = Simulation::new(forgetful).run();
    assert!(run.outcome.is_passed());
    assert!(run.notes[0].starts_with("still alive when the program ended: `"), "{:?}", run.notes);
    assert_eq!(run.time.as_nanos(), 0, "it was cancelled, not waited for");
    let strict = Simulation::new(forgetful).tasks_must_end(true).run();
    assert_eq!(failure_of(&strict).kind, FailureKind::TasksLeft);
}

#[test]
fn a_destructor_that_panics_when_the_loop_closes_is_a_failure() {
    struct Fragile;
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("broken");
        }
    }
    let run = run_of(|| async {
        let fragile = Fragile;
        let never = asyncio::get_running_loop()?.create_future::<()>();
        let _ = (never.await, &fragile);
        Ok(())
    });
    assert_eq!(failure_of(&run).kind, FailureKind::Deadlock, "what came first decides");
    assert!(run.notes.iter().any(|note| note.contains("broken")), "{:?}", run.notes);
}

#[test]
fn the_identity_of_a_failure_is_its_kind_and_place_and_not_its_numbers() {
    let identity = |balance| -> Identity {
        failure_of(&run_of(move || async move { audit(balance).await })).identity.clone()
    };
    assert_eq!(identity(-1), identity(-77));
    let other = run_of(|| async { Err(asyncio::Error::msg("the balance is -1")) });
    assert_ne!(identity(-1), failure_of(&other).identity);
}
