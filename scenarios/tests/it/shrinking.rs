//! What is found is shrunk: few constraints, few runs, each of them necessary; a token brings the failure back.

use crate::{bugs, program};
use counterpoint::explore::{Hunt, Matched, Shrunk, Token, TokenVerdict, replay_token};
use counterpoint::sim::Simulation;

/// The first failure of a bug under a seed, shrunk.
fn shrunk(simulation: &Simulation, seed: u64) -> Option<Shrunk> {
    let simulation = simulation.clone().seed(seed);
    let hunted = Hunt::new(&simulation).runs(0..2_000).coverage(false).start();
    let finding = hunted.findings.into_iter().next()?;
    Some(finding.shrunk.expect("what comes back can be shrunk"))
}

#[track_caller]
fn check_token(simulation: &Simulation, token: &Token) {
    let read: Token = token.to_string().parse().expect("it was written as a token");
    assert_eq!(read, *token);
    for _ in 0..3 {
        let replayed = replay_token(simulation, &read).expect("it is of this simulation");
        assert_eq!(replayed.verdict, TokenVerdict::Same(Matched::Exactly), "{token}");
        assert!(replayed.unmet.is_empty() && replayed.run.outcome.failure().is_some(), "{token}");
    }
}

/// The value below which so many in a hundred are.
fn percentile(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    values[(values.len() - 1) * percent / 100]
}

#[test]
fn failures_shrink_to_few_constraints_in_few_runs_and_tokens_bring_them_back() {
    let (mut constraints, mut runs) = (Vec::new(), Vec::new());
    for scenario in bugs() {
        let simulation = program(&scenario);
        for shrunk in [1, 2].into_iter().filter_map(|seed| shrunk(&simulation, seed)) {
            assert!(shrunk.is_proven && !shrunk.is_exhausted, "`{}`: {}", scenario.name(), shrunk.sentence);
            assert_eq!(shrunk.constraints.len(), shrunk.token.len(), "`{}`", scenario.name());
            check_token(&simulation, &shrunk.token);
            constraints.push(shrunk.constraints.len() as u64);
            runs.push(shrunk.runs);
        }
    }
    assert!(percentile(&mut constraints, 50) <= 2, "{constraints:?}");
    assert!(percentile(&mut constraints, 90) <= 4, "{constraints:?}");
    assert!(percentile(&mut runs, 50) < 50, "{runs:?}");
}

/// The report of a bug's first failure, with lines of the source left out: they move.
fn report(name: &str) -> String {
    let scenario = bugs().into_iter().find(|scenario| scenario.name() == name).expect("there is such a bug");
    let shrunk = shrunk(&program(&scenario), 0).expect("it is found");
    let mut text = String::new();
    let mut rest = shrunk.report();
    while let Some(at) = rest.find(".rs:") {
        let (before, line) = rest.split_at(at + ".rs:".len());
        text.push_str(before);
        rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    }
    let text = (text + rest).replace("scenarios/src/", "").replace(".rs:", ".rs");
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[track_caller]
fn check_report(name: &str, expected: &str) {
    let (found, expected) = (report(name), expected.trim_start_matches('\n'));
    assert!(found == expected, "the report of `{name}` is now\n{found}\ninstead of\n{expected}");
}

#[test]
fn the_report_of_an_order_shows_who_came_before_whom() {
    check_report("lost-update", LOST_UPDATE);
}

#[test]
fn the_report_of_a_deadlock_shows_who_waits_for_whom() {
    check_report("abba", ABBA);
}

#[test]
fn the_report_of_a_late_packet_names_it() {
    check_report("msg-reorder-stale", MSG_REORDER_STALE);
}

const LOST_UPDATE: &str = "
panic: two deposits of 1 were made, but the balance is 1
  in `buggy`, at bugs/lost_update.rs
  in step 7, at 00:00:00.000

It fails if and only if `late_teller` goes on (bugs/lost_update.rs) before `teller` goes on (bugs/lost_update.rs).
asyncio runs what is ready in turn and never in this order; trio or a runtime with several threads may (profile any-ready).
From step 4 on it is too late: each of 20 other continuations fails.

All steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.

   1  ●      buggy        starts, creates `teller` and `late_teller`, waits for Task `teller`  bugs/lost_update.rs
   2  │ ● │  teller       starts, gives way                                                    bugs/lost_update.rs
   3  │ │ ●  late_teller  starts, gives way                                                    bugs/lost_update.rs
   4  │ │ ◆  late_teller  goes on, gives way                                                   bugs/lost_update.rs
                          ▲ comes before `teller` goes on (bugs/lost_update.rs)
                          ran before `teller`, which was ready earlier
   5  │ ● │  teller       goes on, ends                                                        bugs/lost_update.rs
                          ▼ comes after `late_teller` goes on (bugs/lost_update.rs)
   6  │   ●  late_teller  goes on, ends                                                        bugs/lost_update.rs
   7  ●      buggy        has the end of Task `teller`, panics                                 bugs/lost_update.rs

Without that it passes. All steps, oldest first.

   1  ●      buggy        starts, creates `teller` and `late_teller`, waits for Task `teller`  bugs/lost_update.rs
   2  │ ● │  teller       starts, gives way                                                    bugs/lost_update.rs
   3  │ │ ●  late_teller  starts, gives way                                                    bugs/lost_update.rs
   4  │ ● │  teller       goes on, ends                                                        bugs/lost_update.rs
                          ▲ comes before `late_teller` goes on (bugs/lost_update.rs)
   5  │   ●  late_teller  goes on, gives way                                                   bugs/lost_update.rs
                          ▼ comes after `teller` goes on (bugs/lost_update.rs)
   6  ●   │  buggy        has the end of Task `teller`, waits for Task `late_teller`           bugs/lost_update.rs
   7  │   ●  late_teller  goes on, ends                                                        bugs/lost_update.rs
   8  ●      buggy        has the end of Task `late_teller`, ends                              bugs/lost_update.rs
";

const ABBA: &str = "
deadlock at 00:00:00.000 (step 8): 2 tasks wait for each other and no timer is set
  `buggy` waits for Task `teller`, at bugs/abba.rs
  `teller` waits for Lock `ledger`, held by `auditor` since bugs/abba.rs, at bugs/abba.rs  [cycle]
  `auditor` waits for Lock `accounts`, held by `teller` since bugs/abba.rs, at bugs/abba.rs  [cycle]

It fails if and only if `auditor` goes on (lib.rs) for the 2nd time before `teller` starts (bugs/abba.rs).
asyncio runs what is ready in turn and never in this order; trio or a runtime with several threads may (profile any-ready).
From step 6 on it is too late: each of 20 other continuations fails.

All steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.

   1  ●      buggy    starts, creates `teller` and `auditor`, waits for Task `teller`  bugs/abba.rs
   2  │ │ ◆  auditor  starts, gives way                                                lib.rs
                      ran before `teller`, which was ready earlier
   3  │ │ ◆  auditor  goes on, gives way                                               lib.rs
                      ran before `teller`, which was ready earlier
   4  │ │ ◆  auditor  goes on, gives way                                               lib.rs
                      ▲ comes before `teller` starts (bugs/abba.rs)
                      ran before `teller`, which was ready earlier
   5  │ ● │  teller   starts, gives way                                                lib.rs
                      ▼ comes after `auditor` goes on (lib.rs) for the 2nd time
   6  │ │ ●  auditor  goes on, gives way                                               lib.rs
   7  │ ● │  teller   goes on, waits for Lock `ledger`, held by `auditor`              bugs/abba.rs
   8  │ │ ●  auditor  goes on, waits for Lock `accounts`, held by `teller`             bugs/abba.rs

Without that it passes. All steps, oldest first.

   1  ●      buggy    starts, creates `teller` and `auditor`, waits for Task `teller`  bugs/abba.rs
   2  │ ● │  teller   starts, gives way                                                lib.rs
                      ▲ comes before `auditor` goes on (lib.rs) for the 2nd time
   3  │ │ ●  auditor  starts, gives way                                                lib.rs
   4  │ ● │  teller   goes on, ends                                                    lib.rs
   5  │   ●  auditor  goes on, gives way                                               lib.rs
   6  ●   │  buggy    has the end of Task `teller`, waits for Task `auditor`           bugs/abba.rs
   7  │   ●  auditor  goes on, gives way                                               lib.rs
                      ▼ comes after `teller` starts (bugs/abba.rs)
   8  │   ●  auditor  goes on, gives way                                               lib.rs
   9  │   ●  auditor  goes on, ends                                                    lib.rs
  10  ●      buggy    has the end of Task `auditor`, ends                              bugs/abba.rs
";

const MSG_REORDER_STALE: &str = "
panic: update 4 was the last, but the display shows update 3
  in `ticker_and_display`, at bugs/msg_reorder_stale.rs
  in step 28, at 00:00:01.060

It fails if and only if the 3rd packet from ticker to display (datagram of 1 bytes) takes 59 ms instead of 40 ms.
The order of steps is asyncio's own (profile fifo); only the network is out of the ordinary.

All steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.

   1  00:00:00.000        ●      ticker_and_display    starts, creates `display` and `ticker`, waits for Process `ticker`  bugs/msg_reorder_stale.rs
                                                       display starts
                                                       ticker starts
   2                      │ ● │  display               starts, waits for a Future
   3                      │ │ ●  ticker                starts, waits for a Future
   8                      │ ● │  display               has the result of a Future, sleeps                                  bugs/msg_reorder_stale.rs
   9                      │ │ ●  ticker                has the result of a Future, waits for a Future
  13                      │ │ ●  ticker                has the result of a Future, sleeps                                  bugs/msg_reorder_stale.rs
                                                       log: sends update 1
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
  14  00:00:00.015        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  15                      │ │ ●  ticker                has slept, sleeps                                                   bugs/msg_reorder_stale.rs
                                                       log: sends update 2
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
  16  00:00:00.030        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  17                      │ │ ●  ticker                has slept, sleeps                                                   bugs/msg_reorder_stale.rs
                                                       log: sends update 3
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
      00:00:00.040000023  │ │ │                        display:9 ◄─ ticker:48837  datagram of 1 bytes
  18                      │ │ │  callback of the loop  runs
                                                       log of `display`: update 1 is here
  19  00:00:00.045        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  20                      │ │ ●  ticker                has slept, sleeps                                                   bugs/msg_reorder_stale.rs
                                                       log: sends update 4
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
      00:00:00.055000023  │ │ │                        display:9 ◄─ ticker:48837  datagram of 1 bytes
  21                      │ │ │  callback of the loop  runs
                                                       log of `display`: update 2 is here
  22  00:00:00.060        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  23                      │ │ ●  ticker                has slept, ends                                                     bugs/msg_reorder_stale.rs
                          │ │                          ticker ends
  24                      ● │    ticker_and_display    is through `exit` of Process `ticker`, sleeps                       bugs/msg_reorder_stale.rs
      00:00:00.085000023  │ │                          display:9 ◄─ ticker:48837  datagram of 1 bytes
  25                      │ │    callback of the loop  runs
                                                       log of `display`: update 4 is here
      00:00:00.089257759  │ │                          display:9 ◄─ ticker:48837  datagram of 1 bytes
  26                      │ │    callback of the loop  runs
                                                       log of `display`: update 3 is here
  27  00:00:01.060        ○ │    ticker_and_display    its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  28                      ● │    ticker_and_display    has slept, panics                                                   bugs/msg_reorder_stale.rs

Without that it passes. All steps, oldest first.

   1  00:00:00.000        ●      ticker_and_display    starts, creates `display` and `ticker`, waits for Process `ticker`  bugs/msg_reorder_stale.rs
                                                       display starts
                                                       ticker starts
   2                      │ ● │  display               starts, waits for a Future
   3                      │ │ ●  ticker                starts, waits for a Future
   8                      │ ● │  display               has the result of a Future, sleeps                                  bugs/msg_reorder_stale.rs
   9                      │ │ ●  ticker                has the result of a Future, waits for a Future
  13                      │ │ ●  ticker                has the result of a Future, sleeps                                  bugs/msg_reorder_stale.rs
                                                       log: sends update 1
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
  14  00:00:00.015        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  15                      │ │ ●  ticker                has slept, sleeps                                                   bugs/msg_reorder_stale.rs
                                                       log: sends update 2
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
  16  00:00:00.030        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  17                      │ │ ●  ticker                has slept, sleeps                                                   bugs/msg_reorder_stale.rs
                                                       log: sends update 3
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
      00:00:00.040000023  │ │ │                        display:9 ◄─ ticker:48837  datagram of 1 bytes
  18                      │ │ │  callback of the loop  runs
                                                       log of `display`: update 1 is here
  19  00:00:00.045        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  20                      │ │ ●  ticker                has slept, sleeps                                                   bugs/msg_reorder_stale.rs
                                                       log: sends update 4
                                                       ticker:48837 ─► display:9  datagram of 1 bytes
      00:00:00.055000023  │ │ │                        display:9 ◄─ ticker:48837  datagram of 1 bytes
  21                      │ │ │  callback of the loop  runs
                                                       log of `display`: update 2 is here
  22  00:00:00.060        │ │ ○  ticker                its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  23                      │ │ ●  ticker                has slept, ends                                                     bugs/msg_reorder_stale.rs
                          │ │                          ticker ends
  24                      ● │    ticker_and_display    is through `exit` of Process `ticker`, sleeps                       bugs/msg_reorder_stale.rs
      00:00:00.070000023  │ │                          display:9 ◄─ ticker:48837  datagram of 1 bytes
  25                      │ │    callback of the loop  runs
                                                       log of `display`: update 3 is here
      00:00:00.085000023  │ │                          display:9 ◄─ ticker:48837  datagram of 1 bytes
  26                      │ │    callback of the loop  runs
                                                       log of `display`: update 4 is here
  27  00:00:01.060        ○ │    ticker_and_display    its timer is due: it is ready                                       bugs/msg_reorder_stale.rs
  28                      ● │    ticker_and_display    has slept, ends                                                     bugs/msg_reorder_stale.rs
";
