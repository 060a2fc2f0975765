//! Within a crate a module names its own layer and those below.
//!
//! The layers of a crate stand in the header of its `lib.rs`, where a reader meets them: a table whose rows begin with
//! the layer's number, and name its modules in backticks in the second column. `` `trace::event` `` gives a submodule
//! a layer of its own. Modules of one layer form no cycle, but for a row that calls itself a knot.

use crate::source::{File, code_of, tree, without_tests};
use crate::{assert_none, the_one};
use std::collections::{BTreeMap, BTreeSet};

/// A crate with more top modules than these needs a table.
const TOP_MODULES_MAX: usize = 5;

/// The layers of one crate.
struct Layers {
    of: BTreeMap<String, u32>,
    knots: BTreeSet<u32>,
    /// What the root re-exports: name to module.
    exports: BTreeMap<String, String>,
}

impl Layers {
    fn read(lib: &str) -> Layers {
        let (mut of, mut knots) = (BTreeMap::new(), BTreeSet::new());
        for row in lib.lines().filter_map(|line| line.strip_prefix("//! |")) {
            let columns: Vec<&str> = row.split('|').map(str::trim).collect();
            let Some(layer) = columns[0].split(' ').next().and_then(|word| word.parse().ok()) else {
                continue;
            };
            for name in columns.get(1).unwrap_or(&"").split('`').skip(1).step_by(2) {
                of.insert(name.to_owned(), layer);
            }
            if row.contains("knot") {
                knots.insert(layer);
            }
        }
        let mut exports = BTreeMap::new();
        for statement in code_of(lib).split(';') {
            let Some((_, path)) = statement.split_once("pub use ") else { continue };
            let Some((module, names)) = path.split_once("::") else { continue };
            for name in crate::source::identifiers(names) {
                exports.insert(name.1.to_owned(), module.trim().to_owned());
            }
        }
        Layers { of, knots, exports }
    }

    /// The listed module that a path from the root leads to.
    fn resolve(&self, path: &[&str]) -> Option<String> {
        let first = *path.first()?;
        if let Some(deep) = path.get(1).map(|second| format!("{first}::{second}"))
            && self.of.contains_key(&deep)
        {
            return Some(deep);
        }
        if self.of.contains_key(first) {
            return Some(first.to_owned());
        }
        self.exports.get(first).filter(|module| self.of.contains_key(*module)).cloned()
    }
}

/// The paths under `crate::` that some code names, groups taken apart.
fn paths_named(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        read_path(rest, &mut Vec::new(), &mut found);
    }
    found
}

/// Reads a path or a group of paths; what is left behind it.
fn read_path<'a>(mut rest: &'a str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> &'a str {
    let depth = prefix.len();
    rest = rest.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        rest = group;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let before = rest.len();
            rest = read_path(rest, prefix, found);
            if rest.len() == before {
                return rest; // not a path: a macro's own syntax
            }
        }
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    if end == 0 {
        return rest;
    }
    prefix.push(rest[..end].to_owned());
    rest = &rest[end..];
    match rest.strip_prefix("::") {
        Some(deeper) => rest = read_path(deeper, prefix, found),
        None => found.push(prefix.clone()),
    }
    prefix.truncate(depth);
    rest.strip_prefix(" as ")
        .map_or(rest, |alias| alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The module that a file holds: `trace::event` of `runtime/src/trace/event.rs`.
fn module_of(file: &File) -> String {
    let inside = file.path.split("/src/").nth(1).unwrap_or("").trim_end_matches(".rs");
    inside.trim_end_matches("/mod").replace('/', "::")
}

/// The top module that a file belongs to: `trace` of `runtime/src/trace/event.rs`.
fn top_of(file: &File) -> String {
    module_of(file).split("::").next().unwrap_or("").to_owned()
}

fn violations(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for lib in files.iter().filter(|file| file.is_product() && file.path.ends_with("/src/lib.rs")) {
        let folder = lib.folder();
        let layers = Layers::read(&lib.text);
        let modules: Vec<&File> = files
            .iter()
            .filter(|file| file.is_product() && file.folder() == folder)
            .filter(|file| !["lib", "main"].contains(&module_of(file).as_str()))
            .filter(|file| !file.path.ends_with("/tests.rs"))
            .collect();
        if layers.of.is_empty() {
            let top: BTreeSet<String> = modules.iter().map(|file| top_of(file)).collect();
            if top.len() > TOP_MODULES_MAX {
                out.push(format!("{}: its header has no table of layers", lib.path));
            }
            continue;
        }
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in &modules {
            let name = module_of(file);
            let path: Vec<&str> = name.split("::").collect();
            let Some(own) = layers.resolve(&path) else {
                out.push(format!("{}: module `{name}` has no layer in the table of {}", file.path, lib.path));
                continue;
            };
            for path in paths_named(without_tests(&code_of(&file.text))) {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let Some(named) = layers.resolve(&path).filter(|named| *named != own) else { continue };
                let (here, there) = (layers.of[&own], layers.of[&named]);
                if there > here {
                    out.push(format!(
                        "{}: `{own}` of layer {here} names `{named}` of layer {there} (`{}`)",
                        file.path,
                        path.join("::")
                    ));
                } else if here == there && !layers.knots.contains(&here) {
                    arrows.entry(own.clone()).or_default().insert(named);
                }
            }
        }
        for name in layers.of.keys() {
            let held = |file: &&File| layers.resolve(&module_of(file).split("::").collect::<Vec<_>>());
            if !modules.iter().any(|file| held(file).as_ref() == Some(name)) {
                out.push(format!("{}: its table names `{name}`, which is no module", lib.path));
            }
        }
        out.extend(cycle(&arrows).map(|names| format!("{folder}: {names} name each other in a circle")));
    }
    out
}

/// Modules that name each other in a circle, if there are any.
fn cycle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut left: BTreeMap<&String, BTreeSet<&String>> =
        arrows.iter().map(|(from, to)| (from, to.iter().collect())).collect();
    // Whoever names nobody that is left is in no circle.
    loop {
        let names: BTreeSet<&String> = left.keys().copied().collect();
        let before = left.len();
        left.retain(|_, to| to.iter().any(|name| names.contains(*name)));
        if left.len() == before {
            break;
        }
    }
    (!left.is_empty()).then(|| left.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

#[test]
fn modules_name_their_own_layer_and_those_below() {
    assert_none(&violations(&tree()));
}

#[cfg(test)]
fn planted(high: &str, low: &str) -> Vec<String> {
    let lib = "//! | layer | modules |\n//! |---|---|\n//! | 0 words | `low`, `deep::leaf` |\n//! | 1 | `high`, `deep` |\n\
               pub use high::{High, Other};\n";
    violations(&[
        File::new("a/src/lib.rs", lib),
        File::new("a/src/low.rs", low),
        File::new("a/src/high.rs", high),
        File::new("a/src/deep/mod.rs", ""),
        File::new("a/src/deep/leaf.rs", ""),
    ])
}

#[test]
fn a_name_from_above_is_found() {
    assert_none(&planted("use crate::low::Low;", "use crate::deep::leaf::{Leaf, More};"));
    assert!(
        the_one(&planted("", "use crate::{deep::{leaf::Leaf, Twig}};")).contains("names `deep` of layer 1")
    );
    assert!(the_one(&planted("", "fn f() -> crate::High {}")).contains("names `high` of layer 1"));
    assert_none(&planted("", "// crate::High\n#[cfg(test)] mod tests { use crate::High; }"));
}

#[test]
fn a_circle_within_a_layer_is_found() {
    let lib = "//! | 3 | `one`, `two` | asyncio's library |\n";
    let files = |lib: &str| {
        let one = File::new("a/src/one.rs", "use crate::two::B;");
        let two = File::new("a/src/two.rs", "use crate::one::A;");
        violations(&[File::new("a/src/lib.rs", lib), one, two])
    };
    assert!(the_one(&files(lib)).contains("circle"));
    assert_none(&files(&lib.replace("asyncio's library", "the one knot")));
}

#[test]
fn a_module_without_a_layer_is_found() {
    let lib = File::new("a/src/lib.rs", "//! | 0 words | `one` |\n");
    let found = violations(&[lib, File::new("a/src/one.rs", ""), File::new("a/src/new.rs", "")]);
    assert!(the_one(&found).contains("`new` has no layer"));
}
