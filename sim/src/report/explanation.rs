//! Why a shrunk run fails: one sentence, the interleaving of those that have a part in it, and the nearest run that passes.
//!
//! ```text
//! It fails if and only if `late_teller` goes on (src/bank.rs:37) before `teller` goes on (src/bank.rs:31).
//! ```
//!
//! "If" is what the shrunk run shows, "only if" what the runs without each deviation do; where one of these could not be
//! made the sentence says less. A hold tells of two steps, of which the one comes before the other; a burst of the steps of
//! one lane; a draw of a packet.

use super::draw_words;
use super::focus::{Focus, lane_of, steps_of};
use super::interleaving::focused;
use super::step_words::{StepWords, nth};
use super::{Names, head, in_words};
use crate::deviations::{Deviation, Deviations};
use crate::outcome::Failure;
use counterpoint_runtime::Profile;
use counterpoint_runtime::schedule::StepPattern;
use counterpoint_runtime::trace::{Event, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A shrunk failure, and what was found out about it.
pub(crate) struct Case<'a> {
    pub(crate) failure: &'a Failure,
    pub(crate) deviations: &'a Deviations,
    /// Without each deviation it does not fail, and with all of them it does, each time.
    pub(crate) is_proven: bool,
    /// The shrunk run.
    pub(crate) trace: &'a [Event],
    pub(crate) notes: &'a [String],
    /// The lanes of the steps of its deviations, by loop and step key.
    pub(crate) lanes: &'a BTreeMap<(u32, u64), u64>,
    /// For each deviation the run without it, if that passes.
    pub(crate) without: &'a [Option<Trace>],
    pub(crate) inevitable: Option<Inevitable>,
}

/// From which step on it fails, however it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inevitable {
    /// The first step after which nothing helps; 0 if nothing does from the beginning.
    pub(crate) step: u64,
    /// In so many continuations it was tried.
    pub(crate) continuations: u32,
}

/// Why it fails.
#[derive(Clone, Debug, Default)]
pub(crate) struct Explanation {
    /// In one line.
    pub(crate) sentence: String,
    /// Each deviation in words.
    pub(crate) constraints: Vec<String>,
    /// All of it: the failure, the sentence, the pictures.
    pub(crate) text: String,
}

/// Explains a shrunk failure.
pub(crate) fn explain(case: &Case<'_>) -> Explanation {
    let list = case.deviations.list();
    let names =
        Names::of_all([case.trace].into_iter().chain(case.without.iter().flatten().map(Vec::as_slice)));
    let mut keys = BTreeSet::new();
    for deviation in &list {
        keys.extend(deviation.steps());
    }
    let traces = [case.trace].into_iter().chain(case.without.iter().flatten().map(Vec::as_slice));
    let mut words = StepWords::of(traces, &names, |in_loop, key| keys.contains(&(in_loop, key)));
    words.add_those_to_come(case.trace, &names, case.lanes);
    let told: Vec<Told> = list
        .iter()
        .enumerate()
        .map(|(index, deviation)| {
            let without = case.without.get(index).and_then(Option::as_deref);
            Told::of(deviation, &words, case.trace, without)
        })
        .collect();
    let sentence = sentence(case, &told);
    let text = text(case, &list, &names, &words, &sentence);
    Explanation { sentence, constraints: told.into_iter().map(|told| told.constraint).collect(), text }
}

/// A deviation in words: as part of the sentence, and alone.
struct Told {
    clause: String,
    constraint: String,
}

impl Told {
    fn of(deviation: &Deviation, words: &StepWords, trace: &[Event], without: Option<&[Event]>) -> Told {
        match deviation {
            Deviation::Hold(number, hold) => {
                let (held, until) =
                    (step_words(words, *number, hold.held), step_words(words, *number, hold.until));
                Told {
                    clause: format!("{until} before {held}"),
                    constraint: format!("{held} only after {until}"),
                }
            }
            Deviation::Burst(number, burst) => {
                let from = step_words(words, *number, burst.from);
                let clause = match burst.steps {
                    1 => format!("{from} ahead of all others that are ready"),
                    steps => format!("{from}, and runs {steps} steps ahead of all others that are ready"),
                };
                Told { constraint: clause.clone(), clause }
            }
            Deviation::Draw(drawn) => {
                let clause = draw_words::told(drawn, trace, without);
                Told { constraint: clause.clone(), clause }
            }
        }
    }
}

fn step_words(words: &StepWords, number: u32, pattern: StepPattern) -> &str {
    match pattern {
        StepPattern::Exact(key) => words.of_step(number, key),
        StepPattern::Short { .. } | StepPattern::Nth { .. } => "a step",
    }
}

fn sentence(case: &Case<'_>, told: &[Told]) -> String {
    let Deviations { data_seed, profile, .. } = *case.deviations;
    let data = match data_seed {
        0 => String::new(),
        seed => format!(", with random numbers from seed {seed}"),
    };
    if told.is_empty() {
        let order = if profile == Profile::Fifo { "asyncio's own order" } else { "the ordinary order" };
        return format!("It fails in {order}, with nothing out of the ordinary{data}.");
    }
    let clauses: Vec<&str> = told.iter().map(|told| told.clause.as_str()).collect();
    let when = if case.is_proven { "if and only if" } else { "if" };
    format!("It fails {when} {}{data}.", clauses.join(", and "))
}

fn text(case: &Case<'_>, list: &[Deviation], names: &Names, words: &StepWords, sentence: &str) -> String {
    let mut text = head(case.failure, case.trace, names);
    let _ = write!(text, "\n{sentence}\n{}", whose_order(case.deviations));
    if let Some(inevitable) = case.inevitable {
        text.push_str(&too_late(inevitable));
    }
    let mut focus = focus(case);
    focus.notes = notes(list, words, true);
    let _ = write!(text, "\n{}", focused(case.trace, names, &focus, true));
    if let Some((index, passing)) =
        case.without.iter().enumerate().find_map(|(index, trace)| Some((index, trace.as_ref()?)))
    {
        let without = match list.len() {
            1 => "Without that it passes.".to_owned(),
            _ => format!("Without the {} of these it passes.", nth(index as u32 + 1)),
        };
        focus.notes = notes(&list[index..=index], words, false);
        let _ = write!(text, "\n{without} {}", focused(passing, names, &focus, false));
    }
    text.push_str(&in_words(case.notes, names));
    text
}

/// Under which runtime it can happen.
fn whose_order(deviations: &Deviations) -> &'static str {
    match deviations.profile {
        Profile::Fifo if deviations.draws.is_empty() => "",
        Profile::Fifo => {
            "The order of steps is asyncio's own (profile fifo); only the network is out of the ordinary.\n"
        }
        Profile::AnyReady => {
            "asyncio runs what is ready in turn and never in this order; trio or a runtime with several threads may (profile \
             any-ready).\n"
        }
        Profile::EveryAwait => {
            "An await gives way here that asyncio would not let give way; another runtime may (profile every-await).\n"
        }
    }
}

fn too_late(inevitable: Inevitable) -> String {
    let Inevitable { step, continuations } = inevitable;
    match step {
        0 => format!("It hardly depends on the order: each of {continuations} random runs fails.\n"),
        step => format!(
            "From step {step} on it is too late: each of {continuations} other continuations fails.\n"
        ),
    }
}

/// The lanes that have a part in the failing run.
fn focus<'a>(case: &'a Case<'_>) -> Focus<'a> {
    let list = case.deviations.list();
    if list.iter().all(|deviation| matches!(deviation, Deviation::Draw(_))) {
        return Focus { packets: true, ..Focus::default() };
    }
    let named: BTreeSet<(u32, u64)> = list.iter().flat_map(Deviation::steps).collect();
    let of_deviations =
        steps_of(case.trace).filter(|step| named.contains(&(step.loop_number, step.name.key())));
    let mut lanes: BTreeSet<&str> = of_deviations.map(lane_of).collect();
    lanes.extend(case.failure.task.as_deref());
    for task in case.failure.deadlock.iter().flat_map(|deadlock| &deadlock.tasks) {
        lanes.insert(&task.task);
    }
    let packets = list.iter().any(|deviation| matches!(deviation, Deviation::Draw(_)));
    Focus { packets, ..Focus::on(lanes, case.trace) }
}

/// What is said below the steps that deviate.
fn notes(list: &[Deviation], words: &StepWords, is_failing: bool) -> BTreeMap<(u32, u64), Vec<String>> {
    let mut notes: BTreeMap<(u32, u64), Vec<String>> = BTreeMap::new();
    for deviation in list {
        match (deviation, &deviation.steps()[..]) {
            (Deviation::Hold(number, hold), [held, until]) => {
                let (held_words, until_words) =
                    (step_words(words, *number, hold.held), step_words(words, *number, hold.until));
                if is_failing {
                    notes.entry(*until).or_default().push(format!("▲ comes before {held_words}"));
                    notes.entry(*held).or_default().push(format!("▼ comes after {until_words}"));
                } else {
                    notes.entry(*until).or_default().push(format!("▼ comes after {held_words}"));
                    notes.entry(*held).or_default().push(format!("▲ comes before {until_words}"));
                }
            }
            (Deviation::Burst(_, burst), [from]) if is_failing => {
                let note = match burst.steps {
                    1 => "▲ runs ahead of all others that are ready".to_owned(),
                    steps => format!("▲ from here on {steps} steps run ahead of all others that are ready"),
                };
                notes.entry(*from).or_default().push(note);
            }
            _ => {}
        }
    }
    notes
}
