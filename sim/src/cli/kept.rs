//! The file of failures that were found (`hunt --keep FILE`): played again first, and added to.
//!
//! A kept failure that comes back ends the hunt: there is nothing to look for before it is repaired. One that does not,
//! although the program has every step of its token, guards against the return of what was repaired. A token that no
//! longer fits the program guards nothing; it is named, and the hunt does not pass with it.

use super::Usage;
use super::arguments::Choice;
use super::output::End;
use super::replay::show_token;
use crate::explore::{Finding, Regressions, TokenVerdict, replay_token};
use crate::run::Simulation;
use std::path::{Path, PathBuf};

pub(super) struct Kept {
    file: PathBuf,
    regressions: Regressions,
    /// A token did not fit the program.
    is_stale: bool,
}

impl Kept {
    /// Reads the file, if it is there, and names the lines that cannot be read.
    pub(super) fn open(file: &Path) -> Result<Kept, Usage> {
        let read = Regressions::read(file);
        let regressions = read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        for (line, error) in regressions.damaged() {
            eprintln!("{}:{line}: {error}; the line stays as it is", file.display());
        }
        Ok(Kept { file: file.to_owned(), regressions, is_stale: false })
    }

    /// Plays the failures of a scenario again; how the hunt ends, if one comes back.
    pub(super) fn replay_first(&mut self, choice: &Choice, simulation: &Simulation) -> Option<End> {
        for kept in self.regressions.all() {
            if !kept.token.is_of(&choice.scenario) || kept.token.fixed != choice.fixed {
                continue;
            }
            let place = format!("{}:{}", self.file.display(), kept.line);
            let replayed = replay_token(simulation, kept.token).ok()?;
            match &replayed.verdict {
                TokenVerdict::Same(_) => {
                    let title = format!("{}, kept at {place}", choice.scenario);
                    return Some(show_token(&replayed, kept.token, &title, choice, false));
                }
                TokenVerdict::Gone(_) => eprintln!("{place}: no longer fails"),
                TokenVerdict::Stale(text) => {
                    eprintln!("{place}: {text}");
                    self.is_stale = true;
                }
            }
        }
        None
    }

    /// Adds what was found.
    pub(super) fn add(&mut self, findings: &[Finding], fixed: bool) -> Result<(), Usage> {
        let mut is_changed = false;
        for shrunk in findings.iter().filter_map(|finding| finding.shrunk.as_ref()) {
            is_changed |= self.regressions.add(&shrunk.token.clone().of_fixed(fixed), &shrunk.sentence);
        }
        if is_changed {
            let written = self.regressions.write(&self.file);
            written.map_err(|error| format!("{} cannot be written: {error}", self.file.display()))?;
        }
        Ok(())
    }

    /// How a hunt ends that would have ended like this.
    pub(super) fn end(&self, end: End) -> End {
        if self.is_stale && end == End::Passed { End::Inconclusive } else { end }
    }
}
