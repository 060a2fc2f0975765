//! One word for each idea; no example that does not run; no test that is left out.

use crate::source::{File, code_of, identifiers, tree};
use crate::{assert_none, the_one};

/// Words that have a better one here: the glossary of the book says which, and why. Only those
/// stand here of which an identifier shows that they are meant as elsewhere.
const BANNED: [(&str, &str); 24] = [
    ("scheduler", "strategy, or event loop"),
    ("reactor", "driver"),
    ("runnable", "handle"),
    ("preemption", "deviation"),
    ("mutation", "deviation"),
    ("permutation", "run"),
    ("tape", "recording"),
    ("policy", "strategy"),
    ("actor", "lane"),
    ("topology", "network"),
    ("fabric", "network"),
    ("envelope", "packet"),
    ("chaos", "fault"),
    ("hardship", "fault"),
    ("injector", "nemesis"),
    ("monkey", "nemesis"),
    ("repair", "heal"),
    ("unclogged", "let go"),
    ("auditor_state", "fingerprint"),
    ("oracle", "checker"),
    ("validator", "checker"),
    ("minimise", "shrink"),
    ("minimize", "shrink"),
    ("sut", "program"),
];

/// Macros that leave something undone.
const UNDONE: [&str; 2] = ["todo", "unimplemented"];

fn violations(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for file in files {
        if file.is_rust() {
            let code = code_of(&file.text);
            out.extend(banned_words(file, &code));
            out.extend(left_out(file, &code));
        }
        if file.is_rust() || file.is_markdown() {
            out.extend(examples_that_do_not_run(file));
        }
    }
    out
}

fn banned_words(file: &File, code: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (line, name) in identifiers(code) {
        let name_parts = parts(name);
        let banned = BANNED.iter().find(|(word, _)| format!("_{name_parts}_").contains(&format!("_{word}_")));
        if let Some((word, better)) = banned {
            out.push(format!("{}:{line}: `{name}`: say {better}, not {word}", file.path));
        }
    }
    out
}

/// An identifier in small letters, its parts joined by `_`.
fn parts(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.chars().enumerate() {
        if c.is_uppercase() && index > 0 && !out.ends_with('_') && !name.chars().all(|c| !c.is_lowercase()) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn left_out(file: &File, code: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let place = format!("{}:{}", file.path, index + 1);
        if line.contains("#[ignore") {
            out.push(format!("{place}: a test that is left out: mend it or delete it"));
        }
        for word in UNDONE {
            if line.contains(&format!("{word}!")) {
                out.push(format!("{place}: `{word}!`: finish it, or leave the case out of the type"));
            }
        }
    }
    out
}

fn examples_that_do_not_run(file: &File) -> Vec<String> {
    let mut out = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let text = line.trim_start().trim_start_matches(['/', '!', ' ', '>']);
        let fence = text.strip_prefix("```").unwrap_or("");
        if fence.split(',').any(|word| word.trim() == "ignore") {
            out.push(format!("{}:{}: an example that does not run is soon wrong", file.path, index + 1));
        }
    }
    out
}

#[test]
fn one_word_for_each_idea_and_nothing_left_out() {
    assert_none(&violations(&tree()));
}

#[test]
fn a_banned_word_is_found_in_any_case() {
    let found = violations(&[File::new("a/src/b.rs", "struct RunScheduler;\nfn next_policy() {}\n")]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("a/src/b.rs:1: `RunScheduler`: say strategy"));
    assert_none(&violations(&[File::new(
        "a/src/b.rs",
        "// a scheduler\nfn factory() {}\nconst EXTRACTOR: u8 = 0;",
    )]));
}

#[test]
fn what_is_left_out_is_found() {
    let planted = |text: &str| violations(&[File::new("a/src/b.rs", text)]);
    assert!(the_one(&planted("#[ignore]\nfn f() {}")).contains("left out"));
    assert!(the_one(&planted("fn f() { todo!() }")).contains("finish it"));
    assert!(the_one(&planted("/// ```ignore\n/// f();\n/// ```\nfn f() {}")).contains("does not run"));
    let page = File::new("docs/src/a.md", "```rust,ignore\nx\n```\n");
    assert!(the_one(&violations(&[page])).contains("docs/src/a.md:1"));
}
