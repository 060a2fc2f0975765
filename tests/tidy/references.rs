//! What the documentation names exists: files, and functions in files.
//!
//! A file is named in backticks, by any end of its path that fits exactly one: `tick.rs`, `runtime/src/tick.rs`. A
//! function is named with its file: `tick.rs::turn`.

use crate::source::{File, code_of, tree};
use crate::{assert_none, the_one};

/// Ends of names that are files of this project, where they stand in backticks.
const ENDINGS: [&str; 6] = [".rs", ".md", ".toml", ".txt", ".yml", ".json"];
/// Pages that tell of this tree.
fn is_page(file: &File) -> bool {
    file.is_markdown() && (file.path.starts_with("docs/") || !file.path.contains('/'))
}

fn violations(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for page in files.iter().filter(|file| is_page(file)) {
        for (line, name) in names_in_backticks(&page.text) {
            let (path, function) = match name.split_once(".rs::") {
                Some((path, function)) => (format!("{path}.rs"), Some(function)),
                None => (name.clone(), None),
            };
            if !ENDINGS.iter().any(|ending| path.ends_with(ending)) || path.contains([' ', '*', '<', '(']) {
                continue;
            }
            let place = format!("{}:{line}", page.path);
            // CPython's own files are named as such.
            if path.ends_with(".py") || path.starts_with("target/") {
                continue;
            }
            let found: Vec<&File> = files.iter().filter(|file| ends_with(&file.path, &path)).collect();
            match (&found[..], function) {
                ([], _) => out.push(format!("{place}: there is no file `{path}`")),
                ([_, _, ..], Some(_)) => {
                    out.push(format!("{place}: `{path}` is more than one file: name more of its path"));
                }
                ([file], Some(function)) if !defines(file, function) => {
                    out.push(format!("{place}: `{}` has no `{function}`", file.path));
                }
                _ => {}
            }
        }
    }
    out
}

/// Does a path end in these whole parts?
fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// Does a file define this function, type, trait, constant or macro? The last part of a path counts.
fn defines(file: &File, name: &str) -> bool {
    let name = name.rsplit("::").next().unwrap_or(name).trim_end_matches("()");
    let code = code_of(&file.text);
    ["fn", "struct", "enum", "trait", "const", "static", "mod", "type", "macro_rules!"].iter().any(
        |keyword| {
            code.match_indices(&format!("{keyword} {name}")).any(|(at, found)| {
                let after = code[at + found.len()..].chars().next();
                !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        },
    )
}

/// What stands in backticks outside of code blocks, with its line from 1.
fn names_in_backticks(text: &str) -> Vec<(usize, String)> {
    let (mut out, mut in_block) = (Vec::new(), false);
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        if !in_block {
            out.extend(line.split('`').skip(1).step_by(2).map(|name| (index + 1, name.to_owned())));
        }
    }
    out
}

/// Links between pages, which a build of the book would check.
fn broken_links(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for page in files.iter().filter(|file| is_page(file)) {
        let folder = page.path.rsplit_once('/').map_or("", |found| found.0);
        for (line, text) in page.text.lines().enumerate() {
            for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let target = link.split('#').next().unwrap_or("");
                if target.is_empty() || target.contains("://") {
                    continue;
                }
                let path = join(folder, target);
                let known =
                    files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/")));
                if !known {
                    out.push(format!("{}:{}: the link to `{target}` leads nowhere", page.path, line + 1));
                }
            }
        }
    }
    out
}

fn join(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Pages of the book that its summary leaves out: nobody would find them.
fn unlisted_pages(files: &[File]) -> Vec<String> {
    let summary = files.iter().find(|file| file.path == "docs/src/SUMMARY.md");
    let listed = |path: &str| {
        summary.is_some_and(|summary| summary.text.contains(&format!("({})", &path["docs/src/".len()..])))
    };
    files
        .iter()
        .filter(|file| file.path.starts_with("docs/src/") && file.is_markdown())
        .filter(|file| file.path != "docs/src/SUMMARY.md" && !listed(&file.path))
        .map(|file| format!("{}: docs/src/SUMMARY.md does not list it", file.path))
        .collect()
}

#[test]
fn what_the_documentation_names_exists() {
    assert_none(&violations(&tree()));
}

#[test]
fn links_lead_somewhere_and_pages_are_listed() {
    let tree = tree();
    assert_none(&broken_links(&tree));
    assert_none(&unlisted_pages(&tree));
}

#[cfg(test)]
fn planted(page: &str) -> Vec<File> {
    vec![
        File::new("docs/src/page.md", page),
        File::new("docs/src/SUMMARY.md", "- [page](page.md)"),
        File::new("runtime/src/tick.rs", "fn turn() {}\nimpl X { fn step_on(&self) {} }\n// fn gone() {}"),
        File::new("net/src/lib.rs", ""),
        File::new("sim/src/lib.rs", ""),
    ]
}

#[test]
fn a_file_or_function_that_is_gone_is_found() {
    let check = |page: &str| violations(&planted(page));
    assert_none(&check(
        "`tick.rs::turn`, `runtime/src/tick.rs::step_on`, `tick.rs`, `Lock`, `lib.rs`\n```\n`no.rs`\n```",
    ));
    assert!(the_one(&check("see `tack.rs`")).contains("there is no file `tack.rs`"));
    assert!(the_one(&check("see `tick.rs::gone`")).contains("has no `gone`"));
    assert!(the_one(&check("see `tick.rs::tur`")).contains("has no `tur`"));
    assert!(the_one(&check("see `lib.rs::run`")).contains("more than one file"));
}

#[test]
fn a_broken_link_and_an_unlisted_page_are_found() {
    assert_none(&broken_links(&planted(
        "[a](../../runtime/src/tick.rs) [b](#here) [c](https://x.y/z) [d](../src/)",
    )));
    assert!(the_one(&broken_links(&planted("[a](gone.md#x)"))).contains("leads nowhere"));
    let mut files = planted("");
    assert_none(&unlisted_pages(&files));
    files.push(File::new("docs/src/lost.md", ""));
    assert!(the_one(&unlisted_pages(&files)).contains("lost.md"));
}
