//! The golden programs: what CPython 3.13 printed for each, our loop prints too.
//!
//! `golden/programs` are 500 programs of the difftest language (LANGUAGE.md, beside this file), made by
//! `gen.py`; `golden/traces` is what `interp.py` printed for them on the real asyncio of CPython
//! 3.13.0. Every line counts, and so does the tick in its first column: one turn of the loop too many is
//! a difference. The folder `net` has the same for the network, with 200 programs. Programs that are not stored are
//! compared by `cargo run --release -p counterpoint-tests --bin difftest -- --fresh 2000`, and those of the network by
//! the binary `difftest-net`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use counterpoint_tests::difftest::{Difference, Program};

/// Differences are printed in full up to this many; of the rest the names are.
const SHOWN_MAX: usize = 8;

/// The stored programs and traces of a language.
struct Golden {
    folder: PathBuf,
    count: usize,
}

impl Golden {
    fn new(folder: &str, count: usize) -> Golden {
        Golden { folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), count }
    }

    /// How the program's trace differs from the stored one, if it does.
    fn difference(&self, name: &str) -> Option<String> {
        let program = Program::from_json(&read(&self.folder.join(format!("programs/{name}.json"))))
            .unwrap_or_else(|error| panic!("{name} is not a program of the language: {error}"));
        let theirs = read(&self.folder.join(format!("traces/{name}.trace")));
        match program.run_apart() {
            Ok(ours) => Difference::between(&theirs, &ours).map(|difference| difference.to_string()),
            Err(message) => Some(format!("our run panicked: {message}\n")),
        }
    }

    /// Fails with the first lines that differ.
    fn check(&self) {
        let names: Vec<String> = (0..self.count).map(|number| format!("p{number:04}")).collect();
        let differing: Vec<(&String, String)> =
            names.iter().filter_map(|name| Some((name, self.difference(name)?))).collect();
        let mut report = String::new();
        for (name, difference) in differing.iter().take(SHOWN_MAX) {
            writeln!(report, "{name}: {difference}").expect("a string takes any text");
        }
        let all: Vec<&str> = differing.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            all.is_empty(),
            "{} of {} programs differ\n{report}{}",
            all.len(),
            names.len(),
            all.join(" ")
        );
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_golden_programs_run_as_on_cpython() {
    Golden::new("conformance/golden", 500).check();
}

#[test]
fn the_golden_programs_of_the_network_run_as_on_cpython() {
    Golden::new("conformance/net/golden", 200).check();
}
