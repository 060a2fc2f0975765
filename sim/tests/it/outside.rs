//! What a program asks of the operating system is the run's in a run, and the system's outside of it.
#![cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "these tests are about what the rest of the project does without"
)]

use counterpoint as asyncio;
use counterpoint::explore::{Confirmation, Hunt, Verdict, replay};
use counterpoint::sim::{Failure, FailureKind, Run, Simulation};
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// The variable that tells this binary to print what it sees instead of comparing it.
const PRINT: &str = "COUNTERPOINT_PRINT_SEEN";

/// The order in which a map of the standard library gives its keys.
fn order_of_a_map() -> Vec<u32> {
    (0..20).map(|key| (key, ())).collect::<HashMap<u32, ()>>().into_keys().collect()
}

fn random_bytes() -> [u8; 20] {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970")
}

/// Everything that chance or the clock decides, as text.
fn seen_here() -> String {
    let chance = (random_bytes(), order_of_a_map(), order_of_a_map(), RandomState::new().hash_one("tenor"));
    format!("{chance:?} {:?} {:?}", Instant::now(), since_1970(SystemTime::now()))
}

/// What `look` sees in a run with this seed, and the run.
fn look_in_run<R: Send + 'static>(
    seed: u64,
    look: impl Fn() -> R + Copy + Send + Sync + 'static,
) -> (R, Run) {
    let seen = Arc::new(Mutex::new(None));
    let sink = seen.clone();
    let simulation = Simulation::new(move || {
        let sink = sink.clone();
        async move {
            asyncio::sleep(Duration::from_millis(1_500)).await?;
            *sink.lock().expect("nobody panics with it") = Some(look());
            Ok(())
        }
    });
    let run = simulation.seed(seed).run();
    assert!(run.outcome.is_passed(), "{:?}", run.outcome);
    let seen = seen.lock().expect("nobody panics with it").take();
    (seen.expect("the program looked"), run)
}

fn seen_in_run(seed: u64) -> String {
    look_in_run(seed, seen_here).0
}

#[test]
fn two_processes_see_the_same_in_a_run_of_one_seed() {
    let own = seen_in_run(7);
    if std::env::var_os(PRINT).is_some() {
        println!("seen {own}");
        return;
    }
    let output = Command::new(std::env::current_exe().expect("a test knows its binary"))
        .args(["--exact", "outside::two_processes_see_the_same_in_a_run_of_one_seed", "--nocapture"])
        .env(PRINT, "1")
        .output()
        .expect("the binary of this test runs again");
    let text = String::from_utf8_lossy(&output.stdout);
    let other = text.lines().find_map(|line| line.split_once("seen ")).expect("it printed what it saw").1;
    assert_eq!(own, other);
    assert_ne!(own, seen_in_run(8), "another seed is another run");
}

#[test]
fn the_fiftieth_run_of_a_thread_sees_what_the_first_saw() {
    let first = seen_in_run(3);
    let others: Vec<String> = (100..148).map(seen_in_run).collect();
    assert_eq!(first, seen_in_run(3));
    assert!(!others.contains(&first));
}

#[test]
fn a_map_that_was_made_before_the_run_does_not_decide_it() {
    let alone = look_in_run(3, order_of_a_map).0;
    let after_a_map = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            order_of_a_map();
            look_in_run(3, order_of_a_map).0
        });
        thread.join().expect("it ran")
    });
    assert_eq!(alone, after_a_map);
}

#[test]
fn watching_a_run_does_not_change_the_order_of_its_maps() {
    let simulation = Simulation::new(|| async { Err(asyncio::Error::msg(seen_here())) });
    let message = |run: Run| run.outcome.failure().expect("it always fails").message.clone();
    let unwatched = message(simulation.run());
    assert_eq!(unwatched, message(simulation.clone().trace(true).record(true).run()));
    assert_eq!(unwatched, message(simulation.run()));
}

#[test]
fn a_run_that_asks_for_nothing_stays_on_its_thread() {
    let threads = || {
        let here = std::thread::current().id();
        let ran_here = |look: fn()| {
            look_in_run(1, look);
            look_in_run(2, || std::thread::current().id()).0 == here
        };
        (ran_here(|| ()), ran_here(|| drop(order_of_a_map())))
    };
    // On a thread of its own: that of a test may be spent already.
    let ran_here = std::thread::scope(|scope| scope.spawn(threads).join().expect("it ran"));
    assert_eq!(ran_here, (true, false));
}

#[test]
fn a_clock_shows_virtual_time_in_a_run() {
    let (wall, run) = look_in_run(1, SystemTime::now);
    assert_eq!(since_1970(wall), Duration::from_millis(946_684_801_500));
    assert_eq!(run.time.as_nanos(), 1_500_000_000);
    let hour_ago = || Instant::now().checked_sub(Duration::from_secs(3_600));
    assert!(look_in_run(1, hour_ago).0.is_some(), "one can go back from the monotonic clock");
}

#[test]
fn an_instant_grows_with_virtual_time_and_not_with_computing() {
    let run = Simulation::new(|| async {
        let start = Instant::now();
        (0..10_000).for_each(|number| drop(std::hint::black_box(vec![number])));
        assert_eq!(start.elapsed(), Duration::ZERO);
        asyncio::sleep(Duration::from_secs(3_600)).await?;
        assert_eq!(start.elapsed(), Duration::from_secs(3_600));
        asyncio::get_running_loop()?.charge(Duration::from_millis(5));
        assert_eq!(start.elapsed(), Duration::from_millis(3_600_005));
        Ok(())
    })
    .run();
    assert!(run.outcome.is_passed(), "{:?}", run.outcome);
}

#[test]
fn a_run_begins_at_the_same_moment_whatever_ran_before() {
    look_in_run(1, || ());
    let program = || {
        let before_the_loop = since_1970(SystemTime::now());
        async move { Err(asyncio::Error::msg(format!("{before_the_loop:?}"))) }
    };
    let run = Simulation::new(program).run();
    assert_eq!(failure_of(&run).message, "946684800s");
}

#[test]
fn the_outside_is_real_outside_of_a_run() {
    let of_thread = || std::thread::scope(|scope| scope.spawn(order_of_a_map).join().expect("it ran"));
    assert_ne!(of_thread(), of_thread());
    assert_ne!(random_bytes(), random_bytes());
    let (wall, _) = look_in_run(1, SystemTime::now);
    // Whenever this is run, it is later than when it was written, and than the clock of a run.
    let written = Duration::from_secs(1_750_000_000);
    assert!(since_1970(SystemTime::now()) > written && since_1970(wall) < written);
    let start = Instant::now();
    while start.elapsed() == Duration::ZERO {}
}

#[test]
fn a_run_within_a_run_hides_the_outer_one() {
    let program = || {
        let bytes = random_bytes();
        let inner = look_in_run(5, random_bytes).0;
        let text = format!("{bytes:?} {inner:?} {:?} {:?}", random_bytes(), since_1970(SystemTime::now()));
        async move { Err(asyncio::Error::msg(text)) }
    };
    let simulation = Simulation::new(program);
    let message = |simulation: &Simulation| failure_of(&simulation.run()).message.clone();
    let first = message(&simulation);
    assert_eq!(first, message(&simulation), "on a thread that is spent as well");
    assert!(first.contains(&format!("{:?}", look_in_run(5, random_bytes).0)), "{first}");
    assert!(first.ends_with("946684800s"), "{first}");
}

#[track_caller]
fn failure_of(run: &Run) -> &Failure {
    run.outcome.failure().unwrap_or_else(|| panic!("it did not fail: {:?}", run.outcome))
}

/// The run of a program whose task `worker` does something after a second, traced.
fn run_of_worker<Fut>(work: impl Fn() -> Fut + Clone + Send + Sync + 'static) -> Run
where
    Fut: Future<Output = asyncio::Result<()>> + 'static,
{
    let program = move || {
        let work = work.clone();
        async move {
            let worker = async move {
                asyncio::sleep(Duration::from_secs(1)).await?;
                work().await
            };
            asyncio::TaskBuilder::new().name("worker").create_task(worker).await
        }
    };
    Simulation::new(program).trace(true).run()
}

#[test]
fn a_thread_that_is_started_in_a_run_fails_it() {
    let run = run_of_worker(|| async {
        std::thread::spawn(|| ());
        Ok(())
    });
    let failure = failure_of(&run);
    assert_eq!(failure.kind, FailureKind::Outside);
    assert!(failure.message.starts_with("thread started by `"), "{}", failure.message);
    assert!(failure.message.ends_with("/worker`"), "{}", failure.message);
    assert_eq!(failure.time.to_string(), "00:00:01.000");
    let report = run.report();
    assert!(report.starts_with("outside world: thread started by `worker`\n  in step "), "{report}");
    assert!(report.contains("note: panic: failed to spawn thread"), "what it led to: {report}");
}

#[test]
fn a_thread_that_could_not_be_started_and_was_not_missed_fails_the_run_all_the_same() {
    let run = run_of_worker(|| async {
        assert!(std::thread::Builder::new().spawn(|| ()).is_err(), "it is refused");
        asyncio::sleep(Duration::from_secs(9)).await
    });
    assert_eq!(failure_of(&run).kind, FailureKind::Outside);
    assert_eq!(failure_of(&run).time.to_string(), "00:00:01.000", "when it was started");
}

#[test]
fn a_real_socket_that_is_opened_in_a_run_fails_it() {
    let run = run_of_worker(|| async {
        let refused = std::net::UdpSocket::bind("127.0.0.1:0").expect_err("it is refused");
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
        std::os::unix::net::UnixDatagram::unbound().expect_err("it is refused");
        std::net::TcpListener::bind("[::1]:0")?;
        Ok(())
    });
    let failure = failure_of(&run);
    assert_eq!(failure.kind, FailureKind::Outside);
    assert!(failure.message.starts_with("real socket opened by `"), "{}", failure.message);
    std::net::UdpSocket::bind("127.0.0.1:0").expect("outside of a run it is the system's");
}

#[test]
fn a_thread_of_a_destructor_at_the_end_fails_the_run() {
    struct Flushes;
    impl Drop for Flushes {
        fn drop(&mut self) {
            let _ = std::thread::Builder::new().spawn(|| ());
        }
    }
    let program = || async {
        let flushes = Flushes;
        let waits = async move {
            let _held = flushes;
            asyncio::sleep(Duration::from_secs(1)).await
        };
        drop(asyncio::create_task(waits));
        asyncio::sleep(Duration::ZERO).await
    };
    assert_eq!(failure_of(&Simulation::new(program).run()).kind, FailureKind::Outside);
}

#[test]
fn a_use_of_the_outside_is_found_confirmed_and_replayed() {
    let program = || async {
        let worker = async {
            let _ = std::thread::Builder::new().spawn(|| ());
            Ok(())
        };
        asyncio::TaskBuilder::new().name("worker").create_task(worker).await
    };
    let simulation = Simulation::new(program);
    let hunted = Hunt::new(&simulation).runs(0..20).start();
    let finding = hunted.findings.first().expect("every run fails");
    assert_eq!((finding.run, &finding.confirmation), (0, &Confirmation::Same));
    let recording = finding.watched.recording.as_ref().expect("it was recorded");
    assert_eq!(replay(&simulation, recording).verdict, Verdict::Same);
}

/// Fails where the first key of a map is small: a bug that only the order of a map decides.
async fn leans_on_the_order_of_a_map() -> asyncio::Result<()> {
    let keys: HashSet<u32> = (0..8).collect();
    let first = keys.iter().next().expect("it has keys");
    assert!(*first > 0, "zero came first");
    asyncio::sleep(Duration::ZERO).await
}

#[test]
fn a_hunt_finds_the_same_bug_of_a_map_with_one_thread_and_with_two() {
    let simulation = Simulation::new(leans_on_the_order_of_a_map);
    let hunt = |jobs| Hunt::new(&simulation).runs(0..100).stop_at_first(false).jobs(jobs).start();
    let (one, two) = (hunt(1), hunt(2));
    assert_eq!(one.findings.len(), 1, "zero comes first in some runs");
    let told =
        |finding: &counterpoint::explore::Finding| (finding.run, finding.count, finding.confirmation.clone());
    assert_eq!(told(&one.findings[0]), told(&two.findings[0]));
    assert_eq!(one.findings[0].confirmation, Confirmation::Same);
}

#[test]
fn a_hunt_tells_of_every_run_however_many_threads_it_took() {
    let told = std::sync::atomic::AtomicU64::new(0);
    let progress = |progress: counterpoint::explore::Progress| {
        told.fetch_max(progress.runs, std::sync::atomic::Ordering::Relaxed);
    };
    let simulation =
        Simulation::new(|| async { order_of_a_map().first().map(|_| ()).ok_or(asyncio::Error::msg("none")) });
    Hunt::new(&simulation).runs(0..50).on_progress(&progress).start();
    assert_eq!(told.into_inner(), 50);
}

#[test]
fn a_run_inside_of_a_running_loop_is_refused_on_a_spent_thread_too() {
    let inner = || std::panic::catch_unwind(|| Simulation::new(|| async { Ok(()) }).run()).is_err();
    let program = move || async move {
        assert!(inner());
        order_of_a_map();
        assert!(inner());
        Ok(())
    };
    let run = Simulation::new(program).run();
    assert!(run.outcome.is_passed(), "{:?}", run.outcome);
}
