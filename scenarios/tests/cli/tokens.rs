//! Tokens as a person meets them: in what a hunt prints, in a file that keeps them, on the command line.

use super::{check_usage_error, counterpoint, folder, json_lines};
use serde_json::Value;
use std::fs;

/// Hunts, and gives the finding.
fn finding(scenario: &str, folder_name: &str) -> Value {
    let folder = folder(folder_name);
    let out = folder.to_str().expect("a plain path");
    let hunted = counterpoint(&["hunt", scenario, "--json", "--out", out]);
    json_lines(&hunted.out)[0]["findings"][0].clone()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("`{key}` is no text in {value}"))
}

#[test]
fn a_hunt_gives_a_sentence_and_a_token_that_brings_the_failure_back() {
    let folder = folder("token");
    let out = folder.to_str().expect("a plain path");
    let hunted = counterpoint(&["hunt", "lost-update", "--out", out]).out;
    for words in ["It fails if and only if `", "Shrunk in ", " to 1 deviation from the ordinary run."] {
        assert!(hunted.contains(words), "`{words}` is missing in:\n{hunted}");
    }
    let token = hunted.split("replay the failure:  counterpoint replay ").nth(1).expect("a command");
    let token = token.lines().next().expect("a line");
    let replayed = counterpoint(&["replay", token]);
    assert_eq!(replayed.code, 1, "{}", replayed.out);
    assert!(
        replayed.out.starts_with("failed  lost-update, from its token, profile any-ready\n"),
        "{}",
        replayed.out
    );
    assert!(
        replayed.out.ends_with("the same failure: every step is as the token names it\n"),
        "{}",
        replayed.out
    );
}

#[test]
fn the_json_of_a_token_says_how_it_was_matched() {
    let finding = finding("abba", "token-json");
    let shrunk = &finding["shrunk"];
    assert_eq!(shrunk["proven"], true);
    assert_eq!(shrunk["constraints"].as_array().map(Vec::len), Some(1));
    let replayed = counterpoint(&["replay", text(shrunk, "token"), "--json", "--trace"]);
    let lines = json_lines(&replayed.out);
    assert!(lines.len() > 3 && lines[0]["event"].is_string());
    let end = lines.last().expect("the run itself");
    assert_eq!((text(end, "replay"), text(end, "matched"), replayed.code), ("same", "exactly", 1));
    assert_eq!(end["failure"]["identity"], finding["identity"]);
}

#[test]
fn what_is_no_token_is_refused_with_its_own_sentence() {
    let finding = finding("lost-update", "token-refused");
    let token = text(&finding["shrunk"], "token");
    let mistyped = if token.ends_with('A') { "B" } else { "A" };
    check_usage_error(&["replay", &token[..token.len() - 3]], "this token is cut off: ");
    check_usage_error(
        &["replay", &format!("{}{mistyped}", &token[..token.len() - 1])],
        "this token is mistyped",
    );
    check_usage_error(&["replay", &token.replace("CP1-", "CP9-")], "this token has version 9 of the format");
    check_usage_error(&["replay", "no-such-file"], "the recording cannot be opened: no-such-file");
    let foreign = "CP1-XAAAAAA";
    check_usage_error(&["replay", foreign], "this token is ");
    check_usage_error(&["hunt", "abba", "--shrink-runs", "0"], "0 is not in 1..");
    check_usage_error(&["hunt", "abba", "--no-shrink", "--keep", "file"], "cannot be used with");
}

#[test]
fn a_hunt_that_does_not_shrink_shows_the_run_as_it_was() {
    let folder = folder("no-shrink");
    let out = folder.to_str().expect("a plain path");
    let hunted = counterpoint(&["hunt", "lost-update", "--no-shrink", "--out", out]).out;
    assert!(
        !hunted.contains("Shrunk") && hunted.contains("replay this run:  counterpoint replay "),
        "{hunted}"
    );
}

#[test]
fn a_kept_failure_is_played_again_first() {
    let folder = folder("kept");
    let (out, file) = (folder.to_str().expect("a plain path"), folder.join("failures.txt"));
    let kept = file.to_str().expect("a plain path");
    let hunt = |scenario, more: &[&str]| {
        counterpoint(&[&["hunt", scenario, "--keep", kept, "--out", out], more].concat())
    };
    assert_eq!(hunt("lost-update", &[]).code, 1);
    let lines = fs::read_to_string(&file).expect("it was written");
    let line = lines.lines().last().expect("a failure");
    assert!(line.starts_with("CP1-") && line.contains("  # It fails if and only if `"), "{line}");

    let again = hunt("lost-update", &[]);
    assert_eq!(again.code, 1);
    assert!(again.out.starts_with("failed  lost-update, kept at "), "{}", again.out);
    assert!(again.out.contains("failures.txt:3\n"), "{}", again.out);
    assert_eq!(fs::read_to_string(&file).expect("it is there"), lines, "it was known");

    // Of other programs it says nothing.
    assert_eq!(hunt("lost-update", &["--fixed", "--runs", "20"]).code, 0);
    fs::write(&file, format!("# ours\n{}\n{lines}", &line[..20])).expect("it can be written");
    let other = hunt("abba", &[]);
    assert!(other.err.contains("failures.txt:2: this token is cut off: "), "{}", other.err);
    let after = fs::read_to_string(&file).expect("it is there");
    assert!(
        after.starts_with("# ours\nCP1-") && after.lines().count() == lines.lines().count() + 3,
        "{after}"
    );
}
