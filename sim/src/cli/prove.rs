//! `prove`: every order of a scenario, or every one within a bound.

use super::arguments::{Choice, Prove as Arguments};
use super::choice::simulation;
use super::output::{End, Paint, print, quoted};
use super::{Scenario, Usage, json};
use crate::explore::{Conclusion, Disproof, Prove, Proved};
use crate::recording::Recording;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;

pub(super) fn prove(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
    let choice = Choice {
        scenario: arguments.scenario.clone(),
        seed: arguments.seed,
        profile: arguments.profile,
        strategy: None,
        fixed: arguments.fixed,
        step_limit: arguments.step_limit,
        json: arguments.json,
    };
    let simulation = simulation(scenarios, &choice)?;
    let bar = progress_bar(arguments);
    let progress = |made| bar.inc(made);
    let mut proof =
        Prove::new(&simulation).reduction(arguments.reduction).runs(arguments.runs).on_progress(&progress);
    if let Some(bound) = arguments.bound {
        proof = proof.bound(usize::from(bound));
    }
    if let Some(time) = arguments.time {
        proof = proof.time(time);
    }
    let proved = proof.start().map_err(|error| format!("scenario `{}`: {error}", arguments.scenario))?;
    bar.finish_and_clear();
    let file = match &proved.disproof {
        Some(disproof) => write_recording(arguments, disproof)?,
        None => None,
    };
    print(&match arguments.json {
        true => format!("{}\n", value(arguments, &proved, file.as_ref())),
        false => text(arguments, &proved, file.as_ref()),
    });
    Ok(end_of(&proved))
}

fn end_of(proved: &Proved) -> End {
    match proved.conclusion() {
        Conclusion::Proved => End::Passed,
        Conclusion::Failed => End::Failed,
        Conclusion::Inconclusive => End::Inconclusive,
    }
}

/// A line for people; none where the output is read by a program or kept in a log.
fn progress_bar(arguments: &Arguments) -> ProgressBar {
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if arguments.json || in_ci || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{human_pos} runs of at most {human_len}, {per_sec}");
    ProgressBar::new(arguments.runs).with_style(style.expect("the template is well-formed"))
}

/// Writes the recording of the run that failed; none if it did not come back.
fn write_recording(arguments: &Arguments, disproof: &Disproof) -> Result<Option<PathBuf>, Usage> {
    let recording = disproof.watched.as_ref().and_then(|run| run.recording.as_ref());
    let Some(recording) = recording else { return Ok(None) };
    let recording = Recording { fixed: arguments.fixed, ..recording.clone() };
    let fixed = if arguments.fixed { "-fixed" } else { "" };
    let folder = &arguments.out;
    let path = folder.join(format!("{}{fixed}-disproof.recording", arguments.scenario));
    let made = std::fs::create_dir_all(folder);
    made.map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    recording.write(&path).map_err(|error| error.to_string())?;
    Ok(Some(path))
}

/// What brings the failure back.
fn token_of(arguments: &Arguments, disproof: &Disproof) -> Option<String> {
    let shrunk = disproof.shrunk.as_ref()?;
    Some(shrunk.token.clone().of_fixed(arguments.fixed).to_string())
}

fn text(arguments: &Arguments, proved: &Proved, file: Option<&PathBuf>) -> String {
    let (paint, mut text) = (Paint::for_stdout(), String::new());
    if let Some(disproof) = &proved.disproof {
        let _ = writeln!(text, "{}", disproof.report());
        if let Some(token) = token_of(arguments, disproof) {
            let command = paint.bold(format!("counterpoint replay {token}"));
            let _ = writeln!(text, "replay the failure:   {command}");
        }
        if let Some(file) = file {
            let command = paint.bold(format!("counterpoint replay {}", quoted(file)));
            let _ = writeln!(text, "replay this very run: {command}\n");
        }
    }
    let conclusion = paint.verdict(end_of(proved), proved.conclusion().name());
    let _ = writeln!(text, "{conclusion}  {proved}");
    text
}

fn value(arguments: &Arguments, proved: &Proved, file: Option<&PathBuf>) -> Value {
    let holds = proved.holds.as_ref().map(|holds| {
        json!({
            "complete": holds.complete,
            "pairs": holds.pairs,
            "tried": holds.tried,
            "left": holds.left,
            "more": holds.more,
        })
    });
    let disproof = proved.disproof.as_ref();
    json!({
        "scenario": arguments.scenario,
        "fixed": arguments.fixed,
        "seed": proved.seed,
        "profile": proved.profile.name(),
        "reduction": proved.reduction.name(),
        "bound": proved.bound,
        "outcome": proved.conclusion().name(),
        "statement": proved.to_string(),
        "runs": proved.runs,
        "redundant": proved.redundant,
        "behaviours": proved.behaviours,
        "whole": proved.whole,
        "holds": holds,
        "inconclusive": proved.cut,
        "inconclusive_reason": proved.cut_reason,
        "strayed_at": proved.strayed,
        "estimate": { "probes": proved.probes, "orders": proved.estimate },
        "failure": disproof.map(|disproof| json::failure(&disproof.failure)),
        "shrunk": disproof.and_then(|disproof| disproof.shrunk.as_ref()).map(|shrunk| {
            json!({
                "sentence": shrunk.sentence,
                "constraints": shrunk.constraints,
                "profile": shrunk.profile.name(),
                "runs": shrunk.runs,
                "proven": shrunk.is_proven,
            })
        }),
        "token": disproof.and_then(|disproof| token_of(arguments, disproof)),
        "recording": file,
    })
}
