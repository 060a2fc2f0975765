//! What each command does.

use super::arguments::{self, Choice, Command};
use super::output::{End, Paint, grouped, nearest, print};
use super::{Scenario, json};
use crate::ending::Run;
use crate::explore::{Confirmation, Finding, Hunt, Hunted, Verdict, replay};
use crate::outcome::Outcome;
use crate::recording::{Recording, RecordingError};
use crate::run::Simulation;
use counterpoint_runtime::{Profile, Strategy};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// A command line that cannot be followed: the text says why.
type Usage = String;

pub(super) fn execute(scenarios: &[Scenario], command: Command) -> Result<End, Usage> {
    match command {
        Command::List { json } => Ok(list(scenarios, json)),
        Command::Run(arguments) => run(scenarios, &arguments),
        Command::Hunt(arguments) => hunt(scenarios, &arguments),
        Command::Replay(arguments) => replay_file(scenarios, &arguments),
    }
}

fn list(scenarios: &[Scenario], json: bool) -> End {
    let paint = Paint::for_stdout();
    let width = scenarios.iter().map(|scenario| scenario.name().len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in scenarios {
        if json {
            let line = json!({
                "scenario": scenario.name(),
                "about": scenario.about(),
                "teaches": scenario.lesson(),
                "profile": scenario.hunting_profile().name(),
                "passes": scenario.is_expected_to_pass(),
                "has_fixed": scenario.fixed_simulation().is_some(),
            });
            let _ = writeln!(text, "{line}");
        } else {
            let name = format!("{:width$}", scenario.name());
            let _ = writeln!(text, "{}  {}", paint.bold(name), scenario.about());
        }
    }
    print(&text);
    End::Passed
}

/// The scenario of this name, or the sentence that there is none.
fn find<'a>(scenarios: &'a [Scenario], name: &str) -> Result<&'a Scenario, Usage> {
    if let Some(found) = scenarios.iter().find(|scenario| scenario.name() == name) {
        return Ok(found);
    }
    let mut text = format!("there is no scenario `{name}`");
    match nearest(name, scenarios.iter().map(Scenario::name)) {
        Some(near) => text.push_str(&format!("; did you mean `{near}`?")),
        None => text.push_str("; `counterpoint list` shows all"),
    }
    Err(text)
}

fn program_of(scenario: &Scenario, fixed: bool) -> Result<Simulation, Usage> {
    let program = if fixed { scenario.fixed_simulation() } else { scenario.simulation() };
    program.ok_or_else(|| {
        let which = if fixed { "has no fixed program" } else { "has no program" };
        format!("scenario `{}` {which}", scenario.name())
    })
}

fn simulation(scenarios: &[Scenario], choice: &Choice) -> Result<Simulation, Usage> {
    let mut simulation = program_of(find(scenarios, &choice.scenario)?, choice.fixed)?;
    if let Some(seed) = choice.seed {
        simulation = simulation.seed(seed);
    }
    if let Some(profile) = choice.profile {
        simulation = simulation.profile(profile);
    }
    if let Some(strategy) = choice.strategy {
        simulation = simulation.strategy(strategy);
    }
    if let Some(limit) = choice.step_limit {
        simulation = simulation.step_limit(limit);
    }
    Ok(simulation)
}

fn run(scenarios: &[Scenario], arguments: &arguments::Run) -> Result<End, Usage> {
    let choice = &arguments.choice;
    let mut simulation = simulation(scenarios, choice)?.run_number(arguments.run.unwrap_or(0)).trace(true);
    // Who names nothing that decides the order asks for the ordinary one.
    let free = choice.seed.is_some() || arguments.run.is_some();
    let ordinary = !free && choice.strategy.is_none() && choice.profile.is_none();
    if ordinary {
        simulation = simulation.profile(Profile::Fifo).strategy(Strategy::Fifo);
    }
    let run = simulation.run();
    let value = json::run(&choice.scenario, choice.fixed, &simulation.settings, &run);
    show_run(&run, &value, arguments.trace, choice.json);
    let lesson = find(scenarios, &choice.scenario)?.is_expected_to_pass();
    if !choice.json && ordinary && !lesson && run.outcome.is_passed() {
        let fixed = if choice.fixed { " --fixed" } else { "" };
        print(&format!("\nTo try other orders:  counterpoint hunt {}{fixed}\n", choice.scenario));
    }
    Ok(end_of(&run))
}

fn end_of(run: &Run) -> End {
    match run.outcome {
        Outcome::Passed => End::Passed,
        Outcome::Failed(_) => End::Failed,
        Outcome::Inconclusive(_) => End::Inconclusive,
    }
}

/// Prints a run; with `every_step` all its steps.
fn show_run(run: &Run, value: &Value, every_step: bool, json: bool) {
    let (paint, end) = (Paint::for_stdout(), end_of(run));
    let mut text = String::new();
    if json {
        if every_step {
            text.push_str(&json::trace(run.trace.as_deref().unwrap_or_default()));
        }
        let _ = writeln!(text, "{value}");
        return print(&text);
    }
    if every_step {
        let _ = writeln!(text, "{}", run.interleaving());
    }
    let _ = writeln!(text, "{}  {}", paint.verdict(end, run.outcome.name()), title(value));
    let took = format!(
        "{} steps in {} ticks, {} of virtual time, fingerprint {:016x}",
        grouped(run.steps),
        grouped(run.ticks),
        run.time,
        run.fingerprint
    );
    let _ = writeln!(text, "{}", paint.dim(took));
    let report = run.report();
    if !report.is_empty() {
        let _ = write!(text, "\n{report}");
    }
    if run.outcome.is_passed() {
        run.notes.iter().for_each(|note| {
            let _ = writeln!(text, "note: {note}");
        });
    }
    print(&text);
}

/// `lost-update (fixed), run 17 of seed 0, profile any-ready, strategy random`.
fn title(value: &Value) -> String {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let fixed = if value["fixed"] == true { " (fixed)" } else { "" };
    let name = format!("{}{fixed}", text("scenario"));
    if text("profile") == Profile::Fifo.name() {
        return format!("{name}, in asyncio's own order (profile fifo), seed {}", value["seed"]);
    }
    let run = if value["run"].is_null() { String::new() } else { format!("run {} of ", value["run"]) };
    format!("{name}, {run}seed {}, profile {}, strategy {}", value["seed"], text("profile"), text("strategy"))
}

fn hunt(scenarios: &[Scenario], arguments: &arguments::Hunt) -> Result<End, Usage> {
    let choice = &arguments.choice;
    let simulation = simulation(scenarios, choice)?;
    let bar = progress_bar(arguments.runs, choice.json);
    let progress = |made| bar.inc(made);
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
        "strategy": simulation.settings.strategy.name(),
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

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:+=@%".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn replay_file(scenarios: &[Scenario], arguments: &arguments::Replay) -> Result<End, Usage> {
    let recording = Recording::read(&arguments.file).map_err(|error| match error {
        RecordingError::File(_) => error.to_string(),
        _ => format!("{}: {error}", arguments.file.display()),
    })?;
    let scenario = find(scenarios, recording.name()).map_err(|error| {
        format!(
            "{}: {error}; the recording was made by a program with other scenarios",
            arguments.file.display()
        )
    })?;
    let simulation = program_of(scenario, recording.fixed)?;
    let replayed = replay(&simulation, &recording);
    let mut value = json::run(recording.name(), recording.fixed, &recording.settings, &replayed.run);
    value["replay"] = json!(match replayed.verdict {
        Verdict::Same => "same",
        Verdict::Diverged(_) => "diverged",
        Verdict::EndsOtherwise(_) => "ends otherwise",
    });
    value["verdict"] = json!(replayed.verdict.to_string());
    show_run(&replayed.run, &value, arguments.trace, arguments.json);
    if !arguments.json && replayed.run.divergence.is_none() {
        let paint = Paint::for_stdout();
        let verdict = match replayed.verdict {
            Verdict::Same => {
                paint.bold("the same run: every step, the end and the fingerprint are as recorded")
            }
            _ => paint.verdict(End::Inconclusive, &replayed.verdict),
        };
        print(&format!("\n{verdict}\n"));
    }
    Ok(match replayed.verdict {
        Verdict::Same => end_of(&replayed.run),
        Verdict::Diverged(_) | Verdict::EndsOtherwise(_) => End::Inconclusive,
    })
}
