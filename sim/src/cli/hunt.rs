//! `hunt`: a scenario many times, until a run fails; or one shard of that.

use super::arguments::{Choice, Hunt as Arguments};
use super::choice::simulation;
use super::hunt_report::Report;
use super::kept::Kept;
use super::output::{Paint, grouped, print};
use super::results::{Results, Told, ToldShrunk, Which};
use super::{End, Scenario, Usage, json};
use crate::explore::tally::Tally;
use crate::explore::{Confirmation, Finding, Hunt, Hunted, Progress, Shard};
use crate::recording::Recording;
use crate::run::Simulation;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// The runs of a hunt that stops by time alone: more than anybody makes.
const NO_END: u64 = 1 << 48;
/// The most steps of the run by which programs are told apart.
const STEPS_MAX: u64 = 20_000;

pub(super) fn hunt(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
    let choice = &arguments.choice;
    let simulation = simulation(scenarios, choice)?;
    let mut kept = arguments.keep.as_deref().map(Kept::open).transpose()?;
    if let Some(end) = kept.as_mut().and_then(|kept| kept.replay_first(choice, &simulation)) {
        return Ok(end);
    }
    let shard = shard_of(arguments)?;
    let all_runs = all_runs(arguments, shard)?;
    let runs = shard.map_or(0..all_runs, |shard| shard.of(&(0..all_runs)));
    let which = which(arguments, &simulation, all_runs);
    let begun = match &arguments.resume {
        Some(file) => begun(file, &which, shard, &runs)?,
        None => Tally::default(),
    };
    let hunted = hunted(arguments, &simulation, begun, &which, shard, &runs)?;
    let mut results = results_of(&which, shard, &runs, &hunted.tally);
    results.ended = true;
    results.set_gaps(hunted.covered.as_ref().map_or(&[], |covered| &covered.gaps));
    let mut findings = Vec::new();
    for finding in &hunted.findings {
        let told = tell(finding, choice.fixed, write_recording(choice, finding, &arguments.out)?);
        results.tell(finding.run, told.clone());
        findings.extend(first_of(&hunted.tally, finding).map(|first| (first, Some(told))));
    }
    if let Some(file) = &arguments.result {
        results.write(file)?;
    }
    if let Some(kept) = &mut kept {
        kept.add(&hunted.findings, choice.fixed)?;
    }
    let report = Report {
        hunt: which,
        shard,
        runs: hunted.runs,
        left: arguments.runs.or(arguments.time.is_none().then_some(0)).map(|_| hunted.left),
        inconclusive: hunted.inconclusive,
        inconclusive_reason: hunted.inconclusive_reason,
        findings,
        covered: hunted.covered,
        merged: None,
    };
    print(&if choice.json { format!("{}\n", report.value()) } else { report.text(Paint::for_stdout()) });
    Ok(kept.map_or(report.end(), |kept| kept.end(report.end())))
}

/// The shard that was typed, or that the environment says; no file, no shard: who wants an answer here wants all of it.
fn shard_of(arguments: &Arguments) -> Result<Option<Shard>, Usage> {
    if arguments.shard.is_some() || arguments.result.is_none() {
        return Ok(arguments.shard);
    }
    let found = Shard::of_environment(arguments.shards)?;
    match (found, arguments.shards) {
        (None, Some(count)) if count > 1 => Err(format!(
            "--shards {count} says how many, but neither Slurm nor Kubernetes says which one this is; say so with \
             --shard I/{count}"
        )),
        (found, _) => Ok(found),
    }
}

/// How many runs all shards make.
fn all_runs(arguments: &Arguments, shard: Option<Shard>) -> Result<u64, Usage> {
    match (arguments.runs, arguments.time, shard) {
        (Some(runs), _, _) => Ok(runs),
        (None, None, _) => Ok(1000),
        (None, Some(_), None) => Ok(NO_END),
        (None, Some(_), Some(shard)) => Err(format!(
            "shard {shard} needs to know of how many runs it is a part: say so with --runs, beside --time"
        )),
    }
}

fn which(arguments: &Arguments, simulation: &Simulation, runs: u64) -> Which {
    let settings = &simulation.settings;
    let limit = settings.limits.steps.map_or(STEPS_MAX, |steps| steps.min(STEPS_MAX));
    let first = simulation.clone().run_number(0).step_limit(limit).run();
    Which {
        scenario: arguments.choice.scenario.clone(),
        fixed: arguments.choice.fixed,
        seed: settings.seed,
        profile: settings.profile.name().to_owned(),
        strategy: settings.sampling.name().to_owned(),
        step_limit: arguments.choice.step_limit,
        runs,
        all: arguments.all,
        coverage: !arguments.no_coverage,
        program: json::hex(first.fingerprint),
    }
}

/// What the hunt had come to when this file was written; nothing if it was not.
fn begun(file: &Path, which: &Which, shard: Option<Shard>, runs: &Range<u64>) -> Result<Tally, Usage> {
    let Some(results) = Results::read(file)? else { return Ok(Tally::default()) };
    let refused = |why: &str| format!("{} cannot be gone on from: {why}", file.display());
    let mut found = results.hunt.clone();
    if shard.is_none() && results.shard.is_none() {
        found.runs = which.runs; // more of the same may be asked for
    }
    if let Some(difference) = which.difference(&found) {
        return Err(refused(&format!("it is of another hunt: {difference}")));
    }
    let shard = shard.map(|shard| shard.to_string());
    if results.shard != shard {
        let name =
            |shard: &Option<String>| shard.as_ref().map_or("no shard".to_owned(), |it| format!("shard {it}"));
        return Err(refused(&format!("it is of {}, and this is {}", name(&results.shard), name(&shard))));
    }
    let tally = results.tally().expect("a file that was read has one");
    if tally.done.ranges().last().is_some_and(|range| range.end > runs.end) {
        return Err(refused(&format!("it has gone beyond run {}", runs.end)));
    }
    Ok(tally)
}

fn hunted(
    arguments: &Arguments,
    simulation: &Simulation,
    begun: Tally,
    which: &Which,
    shard: Option<Shard>,
    runs: &Range<u64>,
) -> Result<Hunted, Usage> {
    let bar = progress_bar(arguments, runs);
    bar.set_position(begun.done.len());
    let progress = |progress: Progress| {
        bar.set_position(progress.runs);
        let (behaviours, failures) = (grouped(progress.behaviours), grouped(progress.failures));
        bar.set_message(match progress.behaviours {
            0 => format!("{failures} failures"),
            _ => format!("{behaviours} behaviours, {failures} failures"),
        });
    };
    let not_kept = Mutex::new(None);
    let keep = |tally: &Tally| {
        let file = arguments.resume.as_ref().expect("it is kept where there is a file");
        if let Err(error) = results_of(which, shard, runs, tally).write(file) {
            *not_kept.lock().expect("nobody panics with it") = Some(error);
        }
    };
    let mut hunt = Hunt::new(simulation)
        .runs(runs.clone())
        .stop_at_first(!arguments.all)
        .coverage(!arguments.no_coverage)
        .shrink_runs(if arguments.no_shrink { 0 } else { arguments.shrink_runs })
        .on_progress(&progress)
        .go_on_from(begun);
    if let Some(jobs) = arguments.jobs {
        hunt = hunt.jobs(usize::from(jobs));
    }
    if let Some(time) = arguments.time {
        hunt = hunt.time(time);
    }
    if arguments.result.is_some() {
        // A shard that is made twice is told alike twice.
        hunt = hunt.shrink_without_clock();
    }
    if arguments.resume.is_some() {
        hunt = hunt.keep(&keep);
    }
    let hunted = hunt.start();
    bar.finish_and_clear();
    match not_kept.into_inner().expect("nobody panics with it") {
        Some(error) => Err(error),
        None => Ok(hunted),
    }
}

fn results_of(which: &Which, shard: Option<Shard>, runs: &Range<u64>, tally: &Tally) -> Results {
    Results::new(which.clone(), shard, [runs.start, runs.end], tally)
}

fn first_of(tally: &Tally, finding: &Finding) -> Option<crate::explore::finding::First> {
    tally.failures.values().find(|first| first.run == finding.run).cloned()
}

/// How a finding is told, here and wherever the file is read.
fn tell(finding: &Finding, fixed: bool, recording: Option<PathBuf>) -> Told {
    let shrunk = finding.shrunk.as_ref().map(|shrunk| ToldShrunk {
        token: shrunk.token.clone().of_fixed(fixed).to_string(),
        sentence: shrunk.sentence.clone(),
        constraints: shrunk.constraints.clone(),
        profile: shrunk.profile.name().to_owned(),
        runs: shrunk.runs,
        proven: shrunk.is_proven,
        exhausted: shrunk.is_exhausted,
        others: shrunk
            .others
            .iter()
            .map(|other| (other.failure.to_string(), other.token.clone().of_fixed(fixed).to_string()))
            .collect(),
    });
    Told {
        shrunk,
        report: finding.report(),
        difference: match &finding.confirmation {
            Confirmation::Same => None,
            Confirmation::Differs(how) => Some(how.clone()),
        },
        fails_in_fifo: finding.fails_in_fifo,
        fingerprint: json::hex(finding.watched.fingerprint),
        recording: recording.map(|path| path.display().to_string()),
        failure: json::failure(&finding.failure),
    }
}

/// A bar for people; none where the output is read by a program or kept in a log.
fn progress_bar(arguments: &Arguments, runs: &Range<u64>) -> ProgressBar {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if arguments.choice.json || in_ci || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = if arguments.runs.is_none() && arguments.time.is_some() {
        (ProgressBar::no_length(), "{spinner} {elapsed}, {human_pos} runs, {per_sec}, {msg}")
    } else {
        let bar = ProgressBar::new(runs.end - runs.start);
        (bar, "{bar:40} {human_pos} of {human_len} runs, {per_sec}, {eta} left, {msg}")
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_style(ProgressStyle::with_template(template).expect("the template is well-formed"))
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
