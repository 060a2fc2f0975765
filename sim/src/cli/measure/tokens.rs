//! `measure tokens`: how many tokens still bring their failure back when the program was edited.
//!
//! The edits are real ones: the workspace is copied to a folder for temporary files, the text of its scenarios is edited,
//! the command line is built from it, and plays the tokens.

use super::super::arguments::MeasureTokens;
use super::super::output::{End, Paint, print};
use super::super::{Scenario, Usage};
use super::edits::Edit;
use super::failures::find;
use super::{Watched, kernels};
use crate::explore::Sampling;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A token, and whose.
struct Tried {
    kernel: String,
    token: String,
    /// By edit: did it bring the failure back?
    survived: Vec<bool>,
}

pub(super) fn measure(scenarios: &[Scenario], arguments: &MeasureTokens) -> Result<End, Usage> {
    let kernels = kernels(scenarios, &arguments.scenarios)?;
    let copy = Copy::of(&arguments.source)?;
    let watched = Watched::over(kernels.len() as u64 * arguments.trials + Edit::ALL.len() as u64);
    let found = find(&kernels, &[Sampling::Portfolio], arguments.trials, arguments.cap, &watched);
    let mut seen = BTreeSet::new();
    let mut tried: Vec<Tried> = found
        .iter()
        .filter_map(|found| {
            let token = found.finding.shrunk.as_ref()?.token.to_string();
            let kernel = found.kernel.clone();
            seen.insert(token.clone()).then(|| Tried { kernel, token, survived: Vec::new() })
        })
        .collect();
    for edit in Edit::ALL {
        watched.begin(&format!("builds the scenarios with {}", edit.name()));
        let binary = copy.build_with(edit)?;
        for tried in &mut tried {
            tried.survived.push(brings_back(&binary, &tried.token)?);
        }
        watched.ended();
    }
    drop(watched);
    let table = Table { tried };
    if arguments.json {
        print(&format!("{}\n", table.value()));
    } else {
        print(&table.text(Paint::for_stdout()));
    }
    Ok(End::Passed)
}

/// Exit code 1 says that the failure of the token came back; another failure, or none, has a code of its own.
fn brings_back(binary: &Path, token: &str) -> Result<bool, Usage> {
    let output = Command::new(binary).args(["replay", token, "--json"]).output();
    let output = output.map_err(|error| format!("{} cannot be started: {error}", binary.display()))?;
    let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok(value["replay"] == "same")
}

/// A copy of the workspace, to be edited and built.
struct Copy {
    /// Goes with this.
    folder: PathBuf,
    source: PathBuf,
    /// The files of the scenarios, below the workspace.
    files: Vec<PathBuf>,
}

impl Copy {
    fn of(source: &Path) -> Result<Copy, Usage> {
        let scenarios = source.join("scenarios/src/bugs");
        let listed = std::fs::read_dir(&scenarios).map_err(|error| {
            format!(
                "the tokens are measured on real edits of the scenarios, and {} cannot be read: {error}; say with \
                 --source where the workspace is",
                scenarios.display()
            )
        })?;
        let mut files: Vec<PathBuf> = listed
            .filter_map(Result::ok)
            .map(|entry| PathBuf::from("scenarios/src/bugs").join(entry.file_name()))
            .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
            .filter(|file| !file.ends_with("mod.rs"))
            .collect();
        files.sort();
        let folder = std::env::temp_dir().join(format!("counterpoint-tokens-{}", std::process::id()));
        let copy = Copy { folder, source: source.to_owned(), files };
        copy_folder(source, &copy.folder)?;
        Ok(copy)
    }

    /// The command line, built from the edited scenarios.
    fn build_with(&self, edit: Edit) -> Result<PathBuf, Usage> {
        for file in &self.files {
            let (from, to) = (self.source.join(file), self.folder.join(file));
            let text =
                std::fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
            let edited = edit.of(&text).unwrap_or(text);
            std::fs::write(&to, edited).map_err(|error| format!("{}: {error}", to.display()))?;
        }
        let target = self.folder.join("target");
        let built = Command::new("cargo")
            .args(["build", "--quiet", "--package", "counterpoint-scenarios", "--bin", "counterpoint"])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&self.folder)
            .status();
        match built {
            Ok(status) if status.success() => Ok(target.join("debug/counterpoint")),
            Ok(_) => Err(format!("the scenarios cannot be built with {}", edit.name())),
            Err(error) => Err(format!("cargo cannot be started: {error}")),
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left over: {error}", self.folder.display());
        }
    }
}

/// Copies a folder, but for what is built and hidden.
fn copy_folder(from: &Path, to: &Path) -> Result<(), Usage> {
    let failed = |error: std::io::Error| format!("{} cannot be copied: {error}", from.display());
    std::fs::create_dir_all(to).map_err(failed)?;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name == "target" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        let (from, to) = (entry.path(), to.join(name));
        if entry.file_type().map_err(failed)?.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).map_err(failed)?;
        }
    }
    Ok(())
}

struct Table {
    tried: Vec<Tried>,
}

impl Table {
    fn survived(&self, edit: usize) -> usize {
        self.tried.iter().filter(|tried| tried.survived[edit]).count()
    }

    fn value(&self) -> Value {
        let lost = |tried: &Tried| {
            let edits = Edit::ALL.iter().zip(&tried.survived).filter(|(_, survived)| !**survived);
            let edits: Vec<_> = edits.map(|(edit, _)| edit.name()).collect();
            (!edits.is_empty())
                .then(|| json!({ "kernel": tried.kernel, "token": tried.token, "lost_by": edits }))
        };
        json!({
            "tried": self.tried.len(),
            "survived_added_task": self.survived(0),
            "survived_added_suspension": self.survived(1),
            "survived_moved_lines": self.survived(2),
            "lost": self.tried.iter().filter_map(lost).collect::<Vec<_>>(),
        })
    }

    fn text(&self, paint: Paint) -> String {
        let all = self.tried.len();
        let mut text = format!("{all} tokens, each played in the program as it was edited:\n\n");
        for (index, edit) in Edit::ALL.iter().enumerate() {
            let survived = self.survived(index);
            let percent = 100 * survived / all.max(1);
            let part = paint.bold(format!("{survived:>4} of {all}"));
            let _ = writeln!(text, "{:34}  {part}  {percent} %", edit.name());
        }
        let lost: Vec<&Tried> = self.tried.iter().filter(|tried| tried.survived.contains(&false)).collect();
        if !lost.is_empty() {
            text.push_str("\nNot brought back:\n");
        }
        for tried in lost {
            for (edit, _) in Edit::ALL.iter().zip(&tried.survived).filter(|(_, survived)| !**survived) {
                let _ = writeln!(text, "  {}, {}: {}", tried.kernel, edit.name(), tried.token);
            }
        }
        text
    }
}
