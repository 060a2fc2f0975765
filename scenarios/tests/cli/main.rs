//! The binary as a person or a script meets it: exit codes, text, JSON, files.

mod proofs;
mod sweeps;
mod tokens;

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What a call of the binary gave.
struct Called {
    code: i32,
    out: String,
    err: String,
}

fn counterpoint(arguments: &[&str]) -> Called {
    counterpoint_in(&[], arguments)
}

/// A call with more in the environment.
fn counterpoint_in(environment: &[(&str, &str)], arguments: &[&str]) -> Called {
    let output = Command::new(env!("CARGO_BIN_EXE_counterpoint"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .envs(environment.iter().copied())
        .output()
        .expect("the binary can be started");
    Called {
        code: output.status.code().expect("no signal ended it"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[track_caller]
fn check_usage_error(arguments: &[&str], says: &str) {
    let called = counterpoint(arguments);
    assert_eq!((called.code, called.out.as_str()), (2, ""), "{}", called.err);
    assert!(called.err.contains(says), "{}", called.err);
}

#[test]
fn the_list_has_a_line_for_each_scenario() {
    let called = counterpoint(&["list"]);
    assert_eq!(called.code, 0);
    assert!(called.out.lines().any(|line| line.starts_with("lost-update ")), "{}", called.out);
    assert_eq!(json_lines(&counterpoint(&["list", "--json"]).out).len(), called.out.lines().count());
    assert!(!called.out.contains('\x1b'), "no colours where no terminal is");
}

#[test]
fn a_bug_hides_from_the_ordinary_order_and_a_hunt_finds_it() {
    let ordinary = counterpoint(&["run", "lost-update"]);
    assert_eq!(ordinary.code, 0, "{}", ordinary.out);
    assert!(ordinary.out.contains("To try other orders:  counterpoint hunt lost-update"), "{}", ordinary.out);

    let folder = folder("hunt");
    let out = folder.to_str().expect("a plain path");
    let hunted = counterpoint(&["hunt", "lost-update", "--runs", "500", "--out", out]);
    assert_eq!(hunted.code, 1, "{}", hunted.out);
    assert_eq!(hunted.err, "", "no bar where no terminal is");
    for words in
        ["panic: ", "in `buggy`, at ", "replay this run:  counterpoint replay ", "ran before `teller`"]
    {
        assert!(hunted.out.contains(words), "`{words}` is missing in:\n{}", hunted.out);
    }
    let file =
        fs::read_dir(&folder).expect("the folder").next().expect("a recording").expect("an entry").path();
    let replayed = counterpoint(&["replay", file.to_str().expect("a plain path")]);
    assert_eq!(replayed.code, 1, "{}", replayed.out);
    assert!(replayed.out.contains("the same run: every step"), "{}", replayed.out);
}

#[test]
fn a_hunt_is_the_same_on_any_number_of_threads() {
    let folder = folder("jobs");
    let out = folder.to_str().expect("a plain path");
    let with = |jobs| counterpoint(&["hunt", "abba", "--json", "--jobs", jobs, "--out", out]).out;
    assert_eq!(with("1"), with("3"));
    let value = &json_lines(&with("2"))[0];
    assert_eq!(value["findings"][0]["failure"]["kind"], "deadlock");
    assert_eq!(value["findings"][0]["confirmed"], true);
}

#[test]
fn the_fixed_program_passes_its_hunt() {
    let hunted = counterpoint(&["hunt", "lost-update", "--fixed", "--runs", "300"]);
    assert_eq!(hunted.code, 0, "{}", hunted.out);
    assert!(hunted.out.contains("300 runs"), "{}", hunted.out);
}

#[test]
fn a_traced_run_is_one_json_object_a_step() {
    let called = counterpoint(&["run", "lost-update", "--seed", "1", "--trace", "--json"]);
    let lines = json_lines(&called.out);
    let steps: Vec<&Value> = lines.iter().filter(|line| line["event"] == "step").collect();
    let numbers: Vec<u64> = steps.iter().map(|step| step["step"].as_u64().expect("a number")).collect();
    assert!(numbers.is_sorted() && !numbers.is_empty());
    for key in ["tick", "time_ns", "lane", "key", "reads", "writes", "choice", "also_ready", "place", "waits"]
    {
        assert!(steps[0].get(key).is_some(), "`{key}` is missing in {}", steps[0]);
    }
    let end = lines.last().expect("the run itself");
    assert!(end["outcome"].is_string() && end["fingerprint"].is_string(), "{end}");
}

#[test]
fn a_limit_that_is_reached_is_inconclusive() {
    let called = counterpoint(&["run", "lost-update", "--step-limit", "2"]);
    assert_eq!(called.code, 3, "{}", called.out);
    assert!(called.out.contains("the program did not end within 2 steps"), "{}", called.out);
    assert_eq!(counterpoint(&["hunt", "lost-update", "--step-limit", "2", "--runs", "9"]).code, 3);
}

#[test]
fn wrong_usage_is_told_apart_from_a_failure() {
    check_usage_error(&["run", "lost-updte"], "did you mean `lost-update`?");
    check_usage_error(&["run", "lost-update", "--seed", "-1"], "'-1'");
    check_usage_error(&["run", "lost-update", "--seed", "18446744073709551616"], "too large");
    check_usage_error(&["run", "lost-update", "--profile", "lifo"], "there is no profile `lifo`");
    check_usage_error(&["hunt", "lost-update", "--runs", "0"], "0 is not in");
    check_usage_error(&["hunt", "lost-update", "--jobs", "0"], "0 is not in");
    check_usage_error(&["run", "gather", "--fixed"], "scenario `gather` has no fixed program");
    check_usage_error(&["replay", "/nowhere/at-all.recording"], "the recording cannot be opened");
}

#[test]
fn a_recording_that_is_not_whole_is_refused() {
    let folder = folder("damaged");
    let out = folder.to_str().expect("a plain path");
    assert_eq!(counterpoint(&["hunt", "abba", "--out", out]).code, 1);
    let file =
        fs::read_dir(&folder).expect("the folder").next().expect("a recording").expect("an entry").path();
    let bytes = fs::read(&file).expect("the recording");
    let refused = |name: &str, bytes: &[u8], says: &str| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("the folder can be written");
        check_usage_error(&["replay", path.to_str().expect("a plain path")], says);
    };
    refused("cut", &bytes[..bytes.len() - 1], "is damaged");
    refused("foreign", b"PNG", "not a recording of Counterpoint");
    refused("later", b"counterpoint recording 9\n", "version 9 of the format");
    let mut changed = bytes;
    changed[40] ^= 1;
    refused("changed", &changed, "is damaged");
}
