//! `unsafe`, locks and atomics are where a list says, each with a reason; everything public is documented.
//!
//! The second list is how we know that the steps of a run take no lock and no atomic operation: a file that is not on
//! it names no type that has one, and the reasons say when those on it are reached.

use crate::source::{File, code_of, identifiers, tree, without_tests};
use crate::{assert_none, the_one};

/// Files that allow `unsafe`, and why it is worth it there.
const UNSAFE: [(&str, &str); 13] = [
    ("runtime/src/store.rs", "one dereference, from a thread-local id to the loop"),
    ("runtime/src/store/objects.rs", "the typed state behind an id"),
    ("runtime/src/wakers.rs", "a raw waker's table of functions: no allocation and no count for a waker"),
    (
        "runtime/src/bodies.rs",
        "pin projection of a task's cell: one allocation for a coroutine and its result",
    ),
    ("runtime/src/tick.rs", "bodies run in place, through a pointer, outside of any access to the loop"),
    ("runtime/src/futures/awaiting.rs", "a result's type is known to its handle alone"),
    ("runtime/tests/allocations.rs", "a global allocator that counts"),
    ("sim/src/outside/next.rs", "asks the dynamic linker for the real functions"),
    ("sim/src/outside/time.rs", "defines the C library's clocks"),
    ("sim/src/outside/entropy.rs", "defines the C library's random bytes"),
    ("sim/src/outside/threads.rs", "defines the C library's start of a thread"),
    ("sim/src/outside/sockets.rs", "defines the C library's opening of a socket"),
    ("sim/src/outside/syscalls.rs", "defines the C library's way around itself"),
];

/// Files of the runtime that name a lock, an atomic or a shared count, and when a run reaches it.
const SHARED: [(&str, &str); 9] = [
    ("runtime/src/event_loop/builder.rs", "what many runs follow is shared by them: counted once a run"),
    ("runtime/src/schedule/mod.rs", "what many runs follow is shared by them: counted once a run"),
    ("runtime/src/schedule/lessons.rs", "the lessons of many runs are shared by them: counted once a run"),
    ("runtime/src/store.rs", "one addition when a thread makes its first loop"),
    (
        "runtime/src/wakers.rs",
        "a relaxed load a tick, which is a plain load; the inbox only when another thread wakes",
    ),
    ("runtime/src/close.rs", "the tag of a loop's allocation, which its thread keeps for the next run"),
    ("runtime/src/error.rs", "an error is counted: when one is made, cloned or dropped, never on success"),
    ("runtime/src/concurrent.rs", "futures between threads, as Python's concurrent.futures"),
    ("runtime/src/contexts.rs", "a context variable takes its number at its first use; later uses load it"),
];

/// Names that say that something is shared between threads.
fn is_shared(name: &str) -> bool {
    name.starts_with("Atomic")
        || ["Arc", "Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock"].contains(&name)
}

fn allows_unsafe(file: &File) -> bool {
    let code = code_of(&file.text);
    ["allow(unsafe_code", "expect(unsafe_code"]
        .iter()
        .any(|permission| code.split_whitespace().collect::<String>().contains(permission))
}

fn unsafe_files(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let listed = UNSAFE.iter().any(|entry| entry.0 == file.path);
        match (allows_unsafe(file), listed) {
            (true, false) => {
                out.push(format!("{}: allows `unsafe` and is not listed, with a reason", file.path))
            }
            (false, true) => out.push(format!("{}: is listed for `unsafe` and has none", file.path)),
            _ => {}
        }
    }
    out
}

fn shared_files(files: &[File]) -> Vec<String> {
    let mut out = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("runtime/src/")) {
        let code = code_of(&file.text);
        let found = identifiers(without_tests(&code)).find(|(_, name)| is_shared(name));
        let listed = SHARED.iter().any(|entry| entry.0 == file.path);
        match (found, listed) {
            (Some((line, name)), false) => out.push(format!(
                "{}:{line}: `{name}` is shared between threads, and the file is not listed with a reason",
                file.path
            )),
            (None, true) => {
                out.push(format!("{}: is listed as shared between threads and is not", file.path))
            }
            _ => {}
        }
    }
    out
}

/// Crates whose public items may go undocumented.
fn undocumented_crates(files: &[File]) -> Vec<String> {
    let text = |path: &str| files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
    let workspace = text("Cargo.toml").contains("missing_docs = \"deny\"");
    let mut out = Vec::new();
    for manifest in files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        let inherits = workspace && manifest.text.contains("[lints]\nworkspace = true");
        let itself = text(&format!("{folder}/src/lib.rs")).contains("#![deny(missing_docs)]");
        if !inherits && !itself {
            out.push(format!("{}: does not take the lints of the workspace", manifest.path));
        }
    }
    out
}

#[test]
fn unsafe_code_is_where_the_list_says() {
    assert_none(&unsafe_files(&tree()));
}

#[test]
fn locks_and_atomics_are_where_the_list_says() {
    assert_none(&shared_files(&tree()));
}

#[test]
fn every_crate_documents_what_is_public() {
    assert_none(&undocumented_crates(&tree()));
}

#[test]
fn a_new_unsafe_file_is_found() {
    let planted = |text: &str| unsafe_files(&[File::new("sim/src/b.rs", text)]);
    assert!(
        the_one(&planted("#![allow(\n    unsafe_code,\n    reason = \"fast\"\n)]")).contains("not listed")
    );
    assert_none(&planted("// #![allow(unsafe_code)]"));
}

#[test]
fn a_new_lock_is_found() {
    let planted = |text: &str| shared_files(&[File::new("runtime/src/b.rs", text)]);
    assert!(the_one(&planted("use std::sync::Mutex;")).contains("`Mutex` is shared"));
    assert_none(&planted("fn f() {}\n#[cfg(test)]\nmod tests { use std::sync::Arc; }"));
}

#[test]
fn a_crate_without_lints_is_found() {
    let root = File::new("Cargo.toml", "missing_docs = \"deny\"");
    let found = undocumented_crates(&[root, File::new("a/Cargo.toml", "[package]\n")]);
    assert!(the_one(&found).contains("a/Cargo.toml"));
}
