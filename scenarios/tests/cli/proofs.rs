//! `counterpoint prove`.

use super::{check_usage_error, counterpoint, folder};
use serde_json::Value;

fn json_of(arguments: &[&str], code: i32) -> Value {
    let called = counterpoint(arguments);
    assert_eq!(called.code, code, "{}{}", called.out, called.err);
    serde_json::from_str(&called.out).expect("one object")
}

#[test]
fn a_repaired_program_is_proved() {
    let all = json_of(&["prove", "abba", "--fixed", "--json"], 0);
    let few = json_of(&["prove", "abba", "--fixed", "--reduction", "dpor", "--json"], 0);
    assert_eq!((&all["outcome"], &all["whole"]), (&"proved".into(), &true.into()));
    assert_eq!((&few["outcome"], &few["runs"]), (&"proved".into(), &few["behaviours"]));
    assert_eq!(all["behaviours"], few["behaviours"]);
    assert!(few["runs"].as_u64() < all["runs"].as_u64(), "{few}");
    assert!(few["statement"].as_str().expect("a text").contains("as far as its tasks share state"), "{few}");
}

#[test]
fn a_bug_is_a_disproof_that_can_be_replayed() {
    let folder = folder("disproof");
    let folder = folder.to_str().expect("a path in UTF-8");
    let found = json_of(&["prove", "status-after-stop", "--json", "--out", folder], 1);
    assert_eq!(found["outcome"], "failed");
    let replays =
        [&found["token"], &found["recording"]].map(|what| what.as_str().expect("a text").to_owned());
    for replay in replays {
        assert_eq!(counterpoint(&["replay", &replay]).code, 1, "{replay}");
    }
    let told = counterpoint(&["prove", "status-after-stop", "--out", folder]);
    assert!(told.out.contains("counterpoint replay"), "{}", told.out);
}

#[test]
fn a_budget_that_is_spent_is_inconclusive() {
    let some = json_of(&["prove", "dining-3", "--fixed", "--runs", "50", "--json"], 3);
    assert_eq!((&some["outcome"], &some["runs"]), (&"inconclusive".into(), &50.into()));
    let one = json_of(&["prove", "dining-3", "--fixed", "--bound", "1", "--json"], 0);
    assert_eq!((&one["whole"], &one["holds"]["complete"]), (&false.into(), &1.into()));
}

#[test]
fn what_cannot_be_proved_is_a_usage_error() {
    check_usage_error(&["prove", "lost-update-rpc"], "a program in a world cannot be proved");
    check_usage_error(&["prove", "abba", "--reduction", "dpr"], "did you mean `dpor`?");
    check_usage_error(&["prove", "abba", "--runs", "0"], "0 is not in");
    check_usage_error(&["prove", "abb"], "did you mean `abba`?");
}
