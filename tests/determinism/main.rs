//! Determinism: one seed is one run, in one process and in two, and from one version to the next.
//!
//! Programs are those of the difftest language, made up by its strategy from a fixed source of numbers, so that every
//! machine runs the same ones. `COUNTERPOINT_PROGRAMS` sets how many (2,000 if it is not set).

mod hunts;
mod pinned;
mod worlds;

use counterpoint::explore::{Profile, Strategy};
use counterpoint::{EventLoop, EventLoopBuilder};
use counterpoint_tests::difftest::{Program, generated};
use std::process::Command;

/// The variable that tells this binary to print its digest instead of comparing it.
const PRINT: &str = "COUNTERPOINT_PRINT_DIGEST";

fn programs_count() -> usize {
    std::env::var("COUNTERPOINT_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000)
}

fn loop_for(profile: Profile, seed: u64) -> EventLoopBuilder {
    EventLoop::builder().seed(seed).profile(profile).strategy(Strategy::RandomWalk)
}

/// The digest of all runs of the programs under a profile, each run twice; a difference is named.
fn digest(profile: Profile) -> u64 {
    let mut digest = 0u64;
    for (seed, text) in (0..).zip(generated(programs_count())) {
        let program = Program::from_json(&text).expect("what the strategy makes is a program");
        let first = program.run_on(loop_for(profile, seed));
        let second = program.run_on(loop_for(profile, seed));
        assert_eq!(first, second, "under {profile}, seed {seed}, two runs of one program differ:\n{text}");
        digest = digest.rotate_left(7) ^ first.fingerprint;
        for byte in first.lines.iter().flat_map(|line| line.bytes()) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
    digest
}

/// The digest that another process comes to.
fn digest_elsewhere(test: &str) -> u64 {
    let binary = std::env::current_exe().expect("a test knows its binary");
    let output = Command::new(binary)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(PRINT, "1")
        .output()
        .expect("the binary of this test runs again");
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text
        .lines()
        .find_map(|line| line.split_once("digest "))
        .and_then(|(_, digest)| u64::from_str_radix(digest.trim(), 16).ok());
    found.unwrap_or_else(|| panic!("the other process printed no digest:\n{text}"))
}

fn check(profile: Profile, test: &str) {
    let own = digest(profile);
    if std::env::var_os(PRINT).is_some() {
        println!("digest {own:016x}");
        return;
    }
    assert_eq!(own, digest_elsewhere(test), "under {profile} two processes differ");
}

#[test]
fn a_seed_is_one_run_under_fifo() {
    check(Profile::Fifo, "a_seed_is_one_run_under_fifo");
}

#[test]
fn a_seed_is_one_run_under_any_ready() {
    check(Profile::AnyReady, "a_seed_is_one_run_under_any_ready");
}

#[test]
fn other_seeds_are_other_runs() {
    let text = generated(200).into_iter().max_by_key(String::len).expect("there are programs");
    let program = Program::from_json(&text).expect("what the strategy makes is a program");
    let mut fingerprints: Vec<u64> =
        (0..50).map(|seed| program.run_on(loop_for(Profile::AnyReady, seed)).fingerprint).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert!(fingerprints.len() > 1, "fifty seeds gave one order");
}
