//! Tidiness: rules about the tree itself, each held by a test that reads it.
//!
//! A rule is a function from files to sentences, one for each violation, so that a test can plant one. The rule's test
//! on the real tree asserts that there is none. A sentence says where, what, and what to do.
//!
//! | module | rule |
//! |---|---|
//! | `layers` | a module names its own layer and those below |
//! | `lengths` | a file stays short enough to be read at once |
//! | `references` | a file or function that the documentation names exists |
//! | `manifests` | what the book gives to copy for Slurm, Kubernetes and CI has the shape that they ask for |
//! | `words` | one word for each idea; no example that does not run, no test that is left out |
//! | `permissions` | `unsafe`, locks and atomics are where a list says, with a reason; everything public is documented |

mod layers;
mod lengths;
mod manifests;
mod permissions;
mod references;
mod source;
mod words;

/// Fails with all violations, one a line.
#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// The one violation that was planted.
#[track_caller]
fn the_one(violations: &[String]) -> &str {
    assert_eq!(violations.len(), 1, "{violations:#?}");
    &violations[0]
}
