//! `replay`: a failure from its token, or a recorded run step by step.

use super::arguments::{Choice, Replay as Arguments};
use super::choice::{find, program_of};
use super::output::{End, Paint, print};
use super::run::{end_of, show_run, title};
use super::{Scenario, Usage, json};
use crate::explore::{Matched, Token, TokenError, TokenReplayed, TokenVerdict, Verdict, replay_token};
use crate::recording::{Recording, RecordingError};
use serde_json::json;

pub(super) fn replay(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
    let token = arguments.what.to_str().filter(|_| !arguments.what.exists()).map(str::parse::<Token>);
    match token {
        Some(Ok(token)) => replay_the_token(scenarios, arguments, &token),
        None | Some(Err(TokenError::Foreign)) => replay_file(scenarios, arguments),
        Some(Err(error)) => Err(error.to_string()),
    }
}

fn replay_the_token(scenarios: &[Scenario], arguments: &Arguments, token: &Token) -> Result<End, Usage> {
    let scenario = scenarios.iter().find(|scenario| token.is_of(scenario.name())).ok_or(
        "this token is of another program: none of the scenarios here has the name that it was made for; \
         `counterpoint list` shows all",
    )?;
    let simulation = program_of(scenario, token.fixed)?;
    let replayed = replay_token(&simulation, token).map_err(|error| error.to_string())?;
    let fixed = if token.fixed { " (fixed)" } else { "" };
    let title = format!("{}{fixed}, from its token, profile {}", scenario.name(), token.profile());
    let choice = Choice {
        scenario: scenario.name().to_owned(),
        seed: None,
        profile: None,
        strategy: None,
        fixed: token.fixed,
        step_limit: None,
        json: arguments.json,
    };
    Ok(show_token(&replayed, token, &title, &choice, arguments.trace))
}

/// Prints what came of a token, and says how that ends.
pub(super) fn show_token(
    replayed: &TokenReplayed,
    token: &Token,
    title: &str,
    choice: &Choice,
    every_step: bool,
) -> End {
    let TokenReplayed { run, verdict, unmet } = replayed;
    let value = json!({
        "scenario": choice.scenario,
        "fixed": token.fixed,
        "token": token.to_string(),
        "profile": token.profile().name(),
        "outcome": run.outcome.name(),
        "failure": run.outcome.failure().map(json::failure),
        "steps": run.steps,
        "fingerprint": json::hex(run.fingerprint),
        "replay": match verdict {
            TokenVerdict::Same(_) => "same",
            TokenVerdict::Gone(_) => "gone",
            TokenVerdict::Stale(_) => "stale",
        },
        "matched": match verdict {
            TokenVerdict::Same(matched) => Some(name_of(*matched)),
            TokenVerdict::Gone(_) | TokenVerdict::Stale(_) => None,
        },
        "verdict": verdict.to_string(),
        "unmet": unmet,
    });
    show_run(run, title, &value, every_step, choice.json);
    let is_same = matches!(verdict, TokenVerdict::Same(_));
    if !choice.json {
        let paint = Paint::for_stdout();
        let text = if is_same { paint.bold(verdict) } else { paint.verdict(End::Inconclusive, verdict) };
        let unmet: String = unmet.iter().filter(|_| is_same).map(|unmet| format!("  {unmet}\n")).collect();
        print(&format!("\n{text}\n{unmet}"));
    }
    if is_same { End::Failed } else { End::Inconclusive }
}

/// How the steps of a token were found, for programs.
fn name_of(matched: Matched) -> &'static str {
    match matched {
        Matched::Exactly => "exactly",
        Matched::AnyVisit => "any visit",
        Matched::AnyWait => "any wait",
        Matched::Partly => "partly",
        Matched::Moved => "moved",
    }
}

fn replay_file(scenarios: &[Scenario], arguments: &Arguments) -> Result<End, Usage> {
    let file = arguments.what.display();
    let recording = Recording::read(&arguments.what).map_err(|error| match error {
        RecordingError::File(_) => error.to_string(),
        _ => format!("{file}: {error}"),
    })?;
    let scenario = find(scenarios, recording.name()).map_err(|error| {
        format!("{file}: {error}; the recording was made by a program with other scenarios")
    })?;
    let simulation = program_of(scenario, recording.fixed)?;
    let replayed = crate::explore::replay(&simulation, &recording);
    let mut value = json::run(recording.name(), recording.fixed, &recording.settings, &replayed.run);
    value["replay"] = json!(match replayed.verdict {
        Verdict::Same => "same",
        Verdict::Diverged(_) => "diverged",
        Verdict::EndsOtherwise(_) => "ends otherwise",
    });
    value["verdict"] = json!(replayed.verdict.to_string());
    show_run(&replayed.run, &title(&value), &value, arguments.trace, arguments.json);
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
