//! `hunt`: a scenario many times, until a run fails.

use super::arguments::{Choice, Hunt as Arguments};
use super::choice::simulation;
use super::output::{End, Paint, grouped, print, quoted};
use super::run::title;
use super::{Scenario, Usage, json};
use crate::explore::{Confirmation, Finding, Hunt, Hunted, Progress};
use crate::recording::Recording;
use crate::run::Simulation;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

pub(super) fn hunt(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
    let choice = &arguments.choice;
    let simulation = simulation(scenarios, choice)?;
    let bar = progress_bar(arguments.runs, choice.json);
    let progress = |progress: Progress| bar.set_position(progress.runs);
    let mut hunt =
        Hunt::new(&simulation).runs(0..arguments.runs).stop_at_first(!arguments.all).on_progress(&progress);
    if let Some(jobs) = arguments.jobs {
        hunt = hunt.jobs(usize::from(jobs));
    }
    let hunted = hunt.start();
    bar.finish_and_clear();
    let mut files = Vec::new();
    for finding in &hunted.findings {
        files.push(write_recording(choice, finding, &arguments.out)?);
    }
    let value = hunt_value(choice, &simulation, &hunted, &files);
    if choice.json {
        print(&format!("{value}\n"));
    } else {
        print(&hunt_text(&hunted, &value, &files));
    }
    Ok(match () {
        () if !hunted.passed() => End::Failed,
        () if hunted.inconclusive > 0 => End::Inconclusive,
        () => End::Passed,
    })
}

/// A bar for people; none where the output is read by a program or kept in a log.
fn progress_bar(runs: u64, json: bool) -> ProgressBar {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if json || in_ci || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} runs, {per_sec}, {eta} left");
    ProgressBar::new(runs).with_style(style.expect("the template is well-formed"))
}

/// Writes a finding's recording; none for one that did not come back, which a recording would not bring back either.
fn write_recording(choice: &Choice, finding: &Finding, folder: &Path) -> Result<Option<PathBuf>, Usage> {
    let recording = match (&finding.confirmation, &finding.watched.recording) {
        (Confirmation::Same, Some(recording)) => recording,
        _ => return Ok(None),
    };
    let recording = Recording { fixed: choice.fixed, ..recording.clone() };
    let fixed = if choice.fixed { "-fixed" } else { "" };
    let path = folder.join(format!("{}{fixed}-{}.recording", choice.scenario, finding.run));
    let made = std::fs::create_dir_all(folder);
    made.map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    recording.write(&path).map_err(|error| error.to_string())?;
    Ok(Some(path))
}

fn hunt_value(choice: &Choice, simulation: &Simulation, hunted: &Hunted, files: &[Option<PathBuf>]) -> Value {
    let finding = |(finding, file): (&Finding, &Option<PathBuf>)| {
        let differs = match &finding.confirmation {
            Confirmation::Same => None,
            Confirmation::Differs(how) => Some(how),
        };
        json!({
            "run": finding.run,
            "count": finding.count,
            "confirmed": differs.is_none(),
            "difference": differs,
            "fails_in_fifo": finding.fails_in_fifo,
            "fingerprint": json::hex(finding.watched.fingerprint),
            "recording": file,
            "failure": json::failure(&finding.failure),
        })
    };
    json!({
        "scenario": choice.scenario,
        "fixed": choice.fixed,
        "seed": simulation.settings.seed,
        "profile": simulation.settings.profile.name(),
        "strategy": simulation.settings.sampling.name(),
        "runs": hunted.runs,
        "passed": hunted.passed() && hunted.inconclusive == 0,
        "inconclusive": hunted.inconclusive,
        "inconclusive_reason": hunted.inconclusive_reason,
        "findings": hunted.findings.iter().zip(files).map(finding).collect::<Vec<_>>(),
    })
}

fn hunt_text(hunted: &Hunted, value: &Value, files: &[Option<PathBuf>]) -> String {
    let paint = Paint::for_stdout();
    let end = match (hunted.passed(), hunted.inconclusive) {
        (false, _) => End::Failed,
        (true, 0) => End::Passed,
        (true, _) => End::Inconclusive,
    };
    let subject = title(value);
    let runs = match hunted.runs {
        1 => "1 run".to_owned(),
        runs => format!("{} runs", grouped(runs)),
    };
    let mut text = String::new();
    for (finding, file) in hunted.findings.iter().zip(files) {
        let verdict = paint.verdict(End::Failed, "failed");
        let _ = writeln!(text, "{verdict}  {subject}: run {}\n\n{}", finding.run, finding.report());
        if finding.count > 1 {
            let _ = writeln!(text, "{} of {runs} failed like this.", grouped(finding.count));
        }
        if finding.fails_in_fifo {
            let _ = writeln!(text, "It fails in asyncio's own order as well (profile fifo).");
        }
        if let Some(file) = file {
            let command = paint.bold(format!("counterpoint replay {}", quoted(file)));
            let _ = writeln!(text, "replay this run:  {command}\n");
        }
    }
    let (found, inconclusive) = (hunted.findings.len(), hunted.inconclusive);
    let summary = match (found, inconclusive) {
        (0, 0) => format!("{}  {runs} of {subject}: none failed", paint.verdict(end, "passed")),
        (0, _) => format!("{}  {runs} of {subject}: none failed", paint.verdict(end, "inconclusive")),
        (1, _) => format!("1 failure in {runs}"),
        (found, _) => format!("{found} failures in {runs}"),
    };
    let _ = writeln!(text, "{summary}");
    if let Some(reason) = &hunted.inconclusive_reason {
        let _ = writeln!(text, "{} inconclusive: {reason}", grouped(inconclusive));
    }
    text
}
