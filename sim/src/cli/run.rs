//! `run`: a scenario once.

use super::arguments::Run as Arguments;
use super::choice::{find, simulation};
use super::output::{End, Paint, grouped, print};
use super::{Scenario, Usage, json};
use crate::ending::Run;
use crate::outcome::Outcome;
use counterpoint_runtime::{Profile, Strategy};
use serde_json::Value;
use std::fmt::Write;

pub(super) fn run(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
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
    show_run(&run, &title(&value), &value, arguments.trace, choice.json);
    let lesson = find(scenarios, &choice.scenario)?.is_expected_to_pass();
    if !choice.json && ordinary && !lesson && run.outcome.is_passed() {
        let fixed = if choice.fixed { " --fixed" } else { "" };
        print(&format!("\nTo try other orders:  counterpoint hunt {}{fixed}\n", choice.scenario));
    }
    Ok(end_of(&run))
}

pub(super) fn end_of(run: &Run) -> End {
    match run.outcome {
        Outcome::Passed => End::Passed,
        Outcome::Failed(_) => End::Failed,
        Outcome::Inconclusive(_) => End::Inconclusive,
    }
}

/// Prints a run; with `every_step` all its steps.
pub(super) fn show_run(run: &Run, title: &str, value: &Value, every_step: bool, json: bool) {
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
    let _ = writeln!(text, "{}  {}", paint.verdict(end, run.outcome.name()), title);
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
pub(super) fn title(value: &Value) -> String {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let fixed = if value["fixed"] == true { " (fixed)" } else { "" };
    let name = format!("{}{fixed}", text("scenario"));
    if text("profile") == Profile::Fifo.name() {
        return format!("{name}, in asyncio's own order (profile fifo), seed {}", value["seed"]);
    }
    let run = if value["run"].is_null() { String::new() } else { format!("run {} of ", value["run"]) };
    format!("{name}, {run}seed {}, profile {}, strategy {}", value["seed"], text("profile"), text("strategy"))
}
