//! A live CPython 3.13, which the stored traces came from and fresh ones can be had of.
//!
//! The generators and the reference interpreters are Python scripts in `tests/conformance/`. Batches go
//! through a scratch folder: CPython starts once for many programs, which costs more than running them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a Python of the right version was looked for, and why none was taken.
#[derive(Debug)]
pub struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no CPython 3.13 was found: not in COUNTERPOINT_PYTHON, not as `python3.13` on the PATH, not in \
             ~/.pyenv/versions/3.13*/bin/python3.\nInstall one, or name it: \
             COUNTERPOINT_PYTHON=/path/to/python3.13 cargo run ...",
        )
    }
}

/// The two languages, each with a generator and an interpreter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// The loop, its tasks, futures and objects.
    Core,
    /// That, and the network: `difftest_net`.
    Network,
}

impl Language {
    /// The folder of its scripts.
    fn scripts(self) -> PathBuf {
        let conformance = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
        match self {
            Language::Core => conformance,
            Language::Network => conformance.join("net"),
        }
    }
}

pub(super) struct Cpython {
    python: PathBuf,
    scripts: PathBuf,
    scratch: PathBuf,
}

impl Cpython {
    /// Finds a CPython 3.13: what the environment names, then the PATH, then pyenv's.
    pub(super) fn find(language: Language) -> Result<Cpython, NotFound> {
        let named = std::env::var_os("COUNTERPOINT_PYTHON").map(PathBuf::from);
        let mut candidates: Vec<PathBuf> = named.into_iter().chain([PathBuf::from("python3.13")]).collect();
        if let Some(home) = std::env::var_os("HOME") {
            let versions = Path::new(&home).join(".pyenv/versions");
            let mut installed: Vec<PathBuf> =
                versions.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            installed.sort();
            candidates.extend(installed.into_iter().map(|version| version.join("bin/python3")));
        }
        let python = candidates.into_iter().find(|python| is_3_13(python)).ok_or(NotFound)?;
        let scratch = std::env::temp_dir().join(format!("counterpoint-difftest-{}", std::process::id()));
        Ok(Cpython { python, scripts: language.scripts(), scratch })
    }

    /// The programs that the generator makes of these seeds, as JSON.
    pub(super) fn generate(&self, seeds: std::ops::Range<u64>) -> Vec<String> {
        let script = "import sys, json; sys.path.insert(0, sys.argv[1]); import gen\n\
                      for seed in range(int(sys.argv[2]), int(sys.argv[3])): print(json.dumps(gen.make(seed)))";
        let output = Command::new(&self.python)
            .arg("-c")
            .arg(script)
            .arg(&self.scripts)
            .args([seeds.start.to_string(), seeds.end.to_string()])
            .output()
            .expect("the Python that was found starts");
        assert!(output.status.success(), "gen.py: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    /// The traces of real asyncio; `None` for programs from the first on that the interpreter broke at.
    pub(super) fn traces(&self, programs: &[String]) -> Vec<Option<String>> {
        let (sources, traces) = (self.scratch.join("programs"), self.scratch.join("traces"));
        for folder in [&sources, &traces] {
            let _ = std::fs::remove_dir_all(folder); // there is none before the first batch
            std::fs::create_dir_all(folder).expect("the folder for temporary files can be written to");
        }
        for (number, program) in programs.iter().enumerate() {
            std::fs::write(sources.join(format!("p{number:06}.json")), program)
                .expect("a file in a folder just made can be written");
        }
        // What came out is judged by its files: a program cut down by the shrinker may well break Python.
        let _ = Command::new(&self.python)
            .arg(self.scripts.join("interp.py"))
            .arg("--batch")
            .args([&sources, &traces])
            .output()
            .expect("the Python that was found starts");
        let trace = |number| std::fs::read_to_string(traces.join(format!("p{number:06}.trace"))).ok();
        (0..programs.len()).map(trace).collect()
    }
}

impl Drop for Cpython {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.scratch); // never made if nothing was run
    }
}

fn is_3_13(python: &Path) -> bool {
    let script = "import sys; print(sys.implementation.name, *sys.version_info[:2])";
    let output = Command::new(python).arg("-c").arg(script).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"cpython 3 13")
}
