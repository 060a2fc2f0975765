//! Hunts that are divided among processes, cut short, killed and gone on with.

use super::{check_usage_error, counterpoint, counterpoint_in, folder, json_lines};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What four shards and one hunt must agree on.
fn essence(hunt: &Value) -> Value {
    let findings = hunt["findings"].as_array().expect("a list");
    let found = |finding: &Value| {
        json!([finding["run"], finding["count"], finding["identity"], finding["fingerprint"]])
    };
    json!({
        "findings": findings.iter().map(found).collect::<Vec<_>>(),
        "runs": hunt["runs"],
        "inconclusive": hunt["inconclusive"],
        "behaviours": hunt["coverage"]["behaviours"],
        "strategies": hunt["coverage"]["strategies"],
    })
}

fn json_of(arguments: &[&str]) -> Value {
    let called = counterpoint(arguments);
    let mut lines = json_lines(&called.out);
    assert_eq!(lines.len(), 1, "{}{}", called.out, called.err);
    lines.remove(0)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Hunts in shards, and gives their files.
fn shards(folder: &Path, count: usize, hunt: &[&str]) -> Vec<PathBuf> {
    let shard = |number: usize| {
        let file = folder.join(format!("{number}.json"));
        let shard = format!("{number}/{count}");
        let mut arguments = vec!["hunt"];
        arguments.extend(hunt);
        arguments.extend(["--shard", &shard, "--result", text(&file), "--out", text(folder)]);
        let called = counterpoint(&arguments);
        assert_ne!(called.code, 2, "{}", called.err);
        file
    };
    (1..=count).map(shard).collect()
}

fn merge(files: &[&PathBuf]) -> Value {
    let mut arguments = vec!["merge", "--json"];
    arguments.extend(files.iter().map(|file| text(file)));
    json_of(&arguments)
}

#[test]
fn four_shards_merge_to_the_hunt_that_nobody_divided() {
    let folder = folder("shards");
    let hunt = ["reorder-5", "--all", "--runs", "900"];
    let files = shards(&folder, 4, &hunt);
    let whole = json_of(&["hunt", "reorder-5", "--all", "--runs", "900", "--json", "--out", text(&folder)]);
    let all: Vec<&PathBuf> = files.iter().collect();
    let merged = merge(&all);
    assert_eq!(essence(&merged), essence(&whole));
    assert_eq!(merged["merged"]["missing_runs"], json!([]));
    let backwards: Vec<&PathBuf> = files.iter().rev().collect();
    assert_eq!(essence(&merge(&backwards)), essence(&whole));
    let told = counterpoint(&["merge", text(&files[0]), text(&files[1]), text(&files[2]), text(&files[3])]);
    assert_eq!(told.code, 1, "{}", told.out);
    for words in ["in `checker`, at ", "of 900 runs failed like this", "Merged from 4 files."] {
        assert!(told.out.contains(words), "`{words}` is missing in:\n{}", told.out);
    }
}

#[test]
fn shards_that_stop_at_a_failure_merge_to_the_lowest() {
    let folder = folder("lowest");
    let files = shards(&folder, 3, &["dining-3", "--runs", "300"]);
    let whole = json_of(&["hunt", "dining-3", "--runs", "300", "--json", "--out", text(&folder)]);
    let merged = merge(&files.iter().collect::<Vec<_>>());
    assert_eq!(essence(&merged), essence(&whole));
    let first = merge(&[&files[0]]);
    assert_eq!(essence(&first), essence(&whole), "no later shard can have a lower run");
    assert_eq!(first["merged"]["missing_shards"], json!(["2/3", "3/3"]));
}

#[test]
fn a_shard_that_is_lost_or_given_twice_is_named() {
    let folder = folder("lost");
    let files = shards(&folder, 4, &["lost-update", "--fixed", "--runs", "40"]);
    let lost = counterpoint(&["merge", text(&files[0]), text(&files[1]), text(&files[3])]);
    assert_eq!(lost.code, 3, "{}", lost.out);
    assert!(lost.out.contains("missing: runs 20 to 29 (there is no file of shard 3/4)"), "{}", lost.out);

    let copy = folder.join("copy.json");
    fs::copy(&files[2], &copy).expect("the folder can be written");
    let twice = counterpoint(&[
        "merge",
        text(&files[0]),
        text(&files[1]),
        text(&files[2]),
        text(&files[3]),
        text(&copy),
    ]);
    assert_eq!(twice.code, 0, "{}", twice.out);
    assert!(twice.out.contains("copy.json holds the same as "), "{}", twice.out);
    assert!(twice.out.contains("40 runs of lost-update (fixed)"), "{}", twice.out);
}

#[test]
fn files_of_different_hunts_are_refused() {
    let folder = folder("different");
    let file = |name: &str, more: &[&str]| {
        let path = folder.join(name);
        let mut arguments = vec!["hunt", "lost-update", "--runs", "8", "--all", "--result", text(&path)];
        arguments.extend(["--out", text(&folder)]);
        arguments.extend(more);
        assert_ne!(counterpoint(&arguments).code, 2);
        path
    };
    let first = file("first", &["--shard", "1/2"]);
    let refused = |other: &Path, says: &str| check_usage_error(&["merge", text(&first), text(other)], says);
    refused(&file("seed", &["--seed", "3", "--shard", "2/2"]), "the seed is 0 here and 3 there");
    refused(
        &file("strategy", &["--strategy", "pos", "--shard", "2/2"]),
        "the strategy is \"portfolio\" here",
    );
    refused(&file("fixed", &["--fixed", "--shard", "2/2"]), "--fixed");
    refused(&file("overlap", &["--shard", "1/1"]), "runs 0 to 3 are in ");
    refused(&folder.join("nowhere"), "there is no file ");
}

#[test]
fn a_file_of_results_that_is_not_whole_is_refused() {
    let folder = folder("damaged-results");
    let files = shards(&folder, 1, &["abba", "--runs", "20", "--all"]);
    let whole = fs::read_to_string(&files[0]).expect("the results");
    let refused = |content: &str, says: &str| {
        let path = folder.join("changed");
        fs::write(&path, content).expect("the folder can be written");
        check_usage_error(&["merge", text(&path)], says);
        check_usage_error(&["hunt", "abba", "--runs", "20", "--resume", text(&path)], says);
    };
    refused(&whole[..whole.len() / 2], "is damaged");
    refused(&whole.replacen("\"count\":", "\"count\":1", 1), "is damaged");
    refused("PNG", "holds no results of a hunt");
    refused(
        "{\"format\": \"counterpoint hunt\", \"version\": 9}",
        "these results have version 9 of the format",
    );
    refused("{}", "holds no results of a hunt");
}

#[test]
fn the_shard_is_read_from_slurm_and_from_kubernetes() {
    let folder = folder("environment");
    let file = folder.join("it.json");
    let hunt = ["hunt", "lost-update", "--fixed", "--runs", "100", "--json", "--result", text(&file)];
    let shard = |environment: &[(&str, &str)], more: &[&str]| {
        let called = counterpoint_in(environment, &[&hunt, more].concat());
        assert_eq!(called.code, 0, "{}", called.err);
        json_lines(&called.out)[0].clone()
    };
    let slurm = [
        ("SLURM_ARRAY_TASK_ID", "7"),
        ("SLURM_ARRAY_TASK_COUNT", "4"),
        ("SLURM_ARRAY_TASK_MIN", "5"),
        ("SLURM_ARRAY_TASK_MAX", "8"),
    ];
    assert_eq!(shard(&slurm, &[])["shard"], "3/4");
    assert_eq!(shard(&[("JOB_COMPLETION_INDEX", "0")], &["--shards", "3"])["runs"], 33);
    assert_eq!(shard(&[("JOB_COMPLETION_INDEX", "1"), ("COUNTERPOINT_SHARDS", "2")], &[])["shard"], "2/2");
    assert_eq!(shard(&slurm, &["--shard", "1/1"])["shard"], "1/1", "what is typed wins");
    let whole = counterpoint_in(&slurm, &["hunt", "lost-update", "--fixed", "--runs", "100", "--json"]);
    assert_eq!(json_lines(&whole.out)[0]["runs"], 100, "who keeps no file wants all of it");
    let unknown = counterpoint_in(&[("JOB_COMPLETION_INDEX", "1")], &hunt);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("nothing says of how many shards"), "{}", unknown.err);
}

#[test]
fn a_hunt_that_was_killed_goes_on_and_ends_as_if_it_had_not() {
    let folder = folder("killed");
    let file = folder.join("progress");
    let hunt = ["hunt", "reorder-5", "--all", "--runs", "6000", "--json", "--out", text(&folder)];
    let resumed = [&hunt[..], &["--resume", text(&file)]].concat();
    let mut begun = Command::new(env!("CARGO_BIN_EXE_counterpoint"))
        .args(&resumed)
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary can be started");
    // It is killed as soon as it has kept anything; should it have ended by then, that is a case as well.
    while !file.exists() && begun.try_wait().expect("it can be asked").is_none() {
        std::thread::yield_now();
    }
    let _ = begun.kill();
    begun.wait().expect("it ends");
    let kept = fs::read_to_string(&file).expect("what it has kept");
    assert!(kept.contains("counterpoint hunt"));
    assert_eq!(essence(&json_of(&resumed)), essence(&json_of(&hunt)));
    let again = json_of(&resumed);
    assert_eq!(again["runs"], 6000, "what has ended is told again");
    check_usage_error(
        &["hunt", "reorder-5", "--runs", "6000", "--resume", text(&file)],
        "is of another hunt: one makes",
    );
    check_usage_error(
        &["hunt", "abba", "--all", "--runs", "6000", "--resume", text(&file)],
        "the scenario is \"abba\" here and \"reorder-5\" there",
    );
}

#[test]
fn a_hunt_that_is_told_to_stop_says_what_it_left() {
    let folder = folder("time");
    let file = folder.join("it.json");
    let hunt = ["hunt", "dining-4", "--fixed", "--time", "1s", "--runs", "90000000000"];
    let called = counterpoint(&[&hunt[..], &["--shard", "2/3", "--result", text(&file)]].concat());
    assert_eq!(called.code, 0, "{}", called.out);
    assert!(called.out.contains("The time was up before "), "{}", called.out);
    let merged = merge(&[&file]);
    let (runs, left) =
        (merged["runs"].as_u64().expect("a number"), merged["left"].as_u64().expect("a number"));
    assert_eq!(runs + left, 30_000_000_000);
    assert_eq!(merged["merged"]["missing_shards"], json!(["1/3", "3/3"]));
}

#[test]
fn what_cannot_be_hunted_is_a_usage_error() {
    check_usage_error(&["hunt", "abba", "--shard", "5/4"], "there is no shard 5 of 4: they are 1/4 to 4/4");
    check_usage_error(&["hunt", "abba", "--shard", "0/4"], "they are counted from 1");
    check_usage_error(&["hunt", "abba", "--shard", "half"], "`half` is no shard");
    check_usage_error(&["hunt", "abba", "--time", "0s"], "a hunt of no time makes no runs");
    check_usage_error(&["hunt", "abba", "--time", "30"], "`30` is no time; say a number and a unit");
    check_usage_error(&["hunt", "abba", "--strategy", "portfolo"], "did you mean `portfolio`?");
    check_usage_error(&["hunt", "abba", "--strategy", "surv"], "did you mean `surw`?");
    check_usage_error(
        &["hunt", "abba", "--time", "1s", "--shard", "1/2"],
        "say so with --runs, beside --time",
    );
    check_usage_error(&["hunt", "abba", "--shards", "2"], "--result");
    check_usage_error(&["merge"], "<FILE>");
}
