//! A token, played again in the program as it is now.
//!
//! The program may have been edited since: a task gives way once more, another one was added, a wait is for something else.
//! So the steps that a token names are looked for in ways that ask for less and less, and the failure decides:
//!
//! 1. exactly: the lane, what it waited for, and the visit;
//! 2. for what is not met so: whatever the visit, then whatever it waited for (the so-manyth step of the lane);
//! 3. without what is not met even so;
//! 4. all steps whatever the visit, then all by their number;
//! 5. by number, some lanes one step later or earlier: a suspension was added or taken away.
//!
//! What is not met is named. A token whose failure does not come back is a finding of its own, and never a pass: a test
//! that stands on it would be worth nothing.

use crate::ending::Run;
use crate::outcome::Outcome;
use crate::report::{self, Names};
use crate::run::Simulation;
use crate::token::{By, Kept, KeptStep, Token, TokenError, low};
use crate::watch::Watch;
use counterpoint_runtime::schedule::Heeded;
use counterpoint_runtime::trace::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// With more lanes than this, not every choice of them is moved.
const LANES_MAX: usize = 4;

/// What came of playing a token again.
#[derive(Clone, Debug)]
pub struct TokenReplayed {
    /// The run, traced: of those that were tried the one that failed as before, or else the first.
    pub run: Run,
    /// Did the failure come back?
    pub verdict: TokenVerdict,
    /// What of the token is no longer met in this run, in words.
    pub unmet: Vec<String>,
}

/// Whether the failure of a token came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenVerdict {
    /// It did.
    Same(Matched),
    /// It did not, though the program has every step that the token names. The text says what came instead.
    Gone(String),
    /// It did not, and the program no longer has some of the steps. The text says so.
    Stale(String),
}

/// How the steps of a token were found in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matched {
    /// Exactly.
    Exactly,
    /// Some by where they wait, whatever the visit.
    AnyVisit,
    /// Some by their number in their lane, whatever they wait for.
    AnyWait,
    /// Some are not there any more, and the others are enough.
    Partly,
    /// By their number, some lanes one step off.
    Moved,
}

impl fmt::Display for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Matched::Exactly => "every step is as the token names it",
            Matched::AnyVisit => "the program has changed: a step was found by where it waits, on another visit",
            Matched::AnyWait => {
                "the program has changed: a step was found by its number in its task, waiting for something else"
            }
            Matched::Partly => "the program has changed: some of what the token names is gone, and the rest is enough",
            Matched::Moved => "the program has changed: the steps of some tasks were found one earlier or later",
        })
    }
}

impl fmt::Display for TokenVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenVerdict::Same(matched) => write!(f, "the same failure: {matched}"),
            TokenVerdict::Gone(text) | TokenVerdict::Stale(text) => f.write_str(text),
        }
    }
}

/// How each deviation of a token is known again; none leaves it out.
type Ways = Vec<Option<(By, By)>>;

/// Runs a simulation under the deviations of a token.
///
/// # Errors
/// [`TokenError::OtherScenario`] if the token is of a simulation with another name.
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::explore::{TokenVerdict, hunt, replay_token};
/// use counterpoint::sim::Simulation;
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// let simulation = Simulation::new(|| async {
///     let done = Rc::new(Cell::new(false));
///     let mark = done.clone();
///     let task = asyncio::create_task(async move { Ok(mark.set(true)) });
///     for _ in 0..3 {
///         asyncio::sleep(Duration::ZERO).await?;
///     }
///     assert!(done.get(), "three turns are enough for anybody");
///     task.await
/// });
/// let hunted = hunt(&simulation, 200);
/// let shrunk = hunted.findings[0].shrunk.as_ref().expect("it comes back");
/// let replayed = replay_token(&simulation, &shrunk.token.to_string().parse()?)?;
/// assert!(matches!(replayed.verdict, TokenVerdict::Same(_)), "{}", replayed.verdict);
/// # Ok::<(), counterpoint::explore::TokenError>(())
/// ```
pub fn replay_token(simulation: &Simulation, token: &Token) -> Result<TokenReplayed, TokenError> {
    if !token.is_of(&simulation.name) {
        return Err(TokenError::OtherScenario { tried: simulation.name.clone() });
    }
    let replay = Replay { simulation, token };
    let found = replay.search();
    let exactly: Ways = vec![Some((By::Visit, By::Visit)); token.kept.len()];
    let ways = found.as_ref().map_or(exactly, |(ways, _)| ways.clone());
    let run = replay.run(&ways, true);
    let met = replay.met(&run, &ways);
    let trace = run.trace.as_deref().unwrap_or_default();
    let unmet: Vec<String> =
        token.kept.iter().zip(&met).filter_map(|(kept, met)| unmet_words(kept, *met, trace)).collect();
    let verdict = match found {
        Some((_, matched)) => TokenVerdict::Same(matched),
        None => lost(&run, &unmet, token),
    };
    Ok(TokenReplayed { run, verdict, unmet })
}

struct Replay<'a> {
    simulation: &'a Simulation,
    token: &'a Token,
}

/// Were the two steps of a deviation met? A draw has no steps; it was met if it was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Met {
    first: bool,
    second: bool,
}

impl Replay<'_> {
    fn run(&self, ways: &Ways, trace: bool) -> Run {
        let deviations = Some(Arc::new(self.token.deviations(ways)));
        let watch = Watch { deviations, seen: true, trace, ..Watch::default() };
        self.simulation.run_as(&self.simulation.settings, &watch)
    }

    fn fails(&self, run: &Run) -> bool {
        run.outcome.failure().is_some_and(|failure| self.token.is_failure(&failure.identity))
    }

    /// The first way of finding the steps that makes the failure come back.
    fn search(&self) -> Option<(Ways, Matched)> {
        let kept = self.token.kept.len();
        let mut ways: Ways = vec![Some((By::Visit, By::Visit)); kept];
        let mut matched = Matched::Exactly;
        loop {
            let run = self.run(&ways, false);
            let met = self.met(&run, &ways);
            if self.fails(&run) {
                let all = met.iter().all(|met| met.first && met.second);
                return Some((ways, if all { matched } else { Matched::Partly }));
            }
            match relaxed(&ways, &met) {
                Some((less, by)) => (ways, matched) = (less, matched.max(by)),
                None => break,
            }
        }
        let all = |by| vec![Some((by, by)); kept];
        let mut others = vec![(all(By::Site), Matched::AnyVisit), (all(By::Number(0)), Matched::AnyWait)];
        others.extend(self.moved().into_iter().map(|ways| (ways, Matched::Moved)));
        others.into_iter().find(|(ways, _)| self.fails(&self.run(ways, false)))
    }

    /// Some lanes one step later, or earlier.
    fn moved(&self) -> Vec<Ways> {
        let mut lanes = BTreeSet::new();
        for kept in &self.token.kept {
            lanes.extend(steps_of(kept).map(|step| step.lane));
        }
        let lanes: Vec<u32> = lanes.into_iter().collect();
        let choices: Vec<u32> = match lanes.len() {
            0 => Vec::new(),
            count if count <= LANES_MAX => (1..1 << count).rev().collect(), // all lanes at once first
            _ => vec![u32::MAX],
        };
        let mut moved = Vec::new();
        for shift in [1, -1] {
            for choice in &choices {
                let is_moved = |lane: u32| {
                    let index = lanes.iter().position(|known| *known == lane).unwrap_or(0);
                    choice >> (index as u32).min(31) & 1 == 1
                };
                let by = |step: &KeptStep| By::Number(if is_moved(step.lane) { shift } else { 0 });
                let way = |kept: &Kept| {
                    let mut steps = steps_of(kept);
                    let first = steps.next().map_or(By::Visit, by);
                    Some((first, steps.next().map_or(first, by)))
                };
                moved.push(self.token.kept.iter().map(way).collect());
            }
        }
        moved
    }

    /// Which steps of each deviation a run has met.
    fn met(&self, run: &Run, ways: &Ways) -> Vec<Met> {
        let mut heeded: BTreeMap<u32, (Vec<Heeded>, Vec<Heeded>)> = BTreeMap::new();
        for (number, all) in &run.observed.heeded {
            let is_hold = |kept: &Kept| matches!(kept, Kept::Hold { in_loop, .. } if in_loop == number);
            let holds = self.token.kept.iter().zip(ways).filter(|(kept, way)| way.is_some() && is_hold(kept));
            let (holds, bursts) = all.split_at(holds.count().min(all.len()));
            heeded.insert(
                *number,
                (holds.iter().rev().copied().collect(), bursts.iter().rev().copied().collect()),
            );
        }
        let drawn = &run.observed.draws;
        let met = |(kept, way): (&Kept, &Option<(By, By)>)| {
            if way.is_none() {
                return Met::default();
            }
            let next = match kept {
                Kept::Hold { in_loop, .. } => heeded.get_mut(in_loop).and_then(|(holds, _)| holds.pop()),
                Kept::Burst { in_loop, .. } => heeded.get_mut(in_loop).and_then(|(_, bursts)| bursts.pop()),
                Kept::Draw(draw) => {
                    let met = drawn.iter().any(|other| (other.kind, other.key) == (draw.kind, draw.key));
                    return Met { first: met, second: met };
                }
            };
            next.map_or(Met::default(), |heeded| Met { first: heeded.met, second: heeded.ended })
        };
        self.token.kept.iter().zip(ways).map(met).collect()
    }
}

fn steps_of(kept: &Kept) -> impl Iterator<Item = &KeptStep> {
    let steps = match kept {
        Kept::Hold { held, until, .. } => [Some(held), Some(until)],
        Kept::Burst { from, .. } => [Some(from), None],
        Kept::Draw(_) => [None, None],
    };
    steps.into_iter().flatten()
}

/// Asks less of the steps that were not met; none if nothing less can be asked.
fn relaxed(ways: &Ways, met: &[Met]) -> Option<(Ways, Matched)> {
    let less = |by: By, met: bool| match by {
        by if met => Some(by),
        By::Visit => Some(By::Site),
        By::Site => Some(By::Number(0)),
        By::Number(_) => None,
    };
    let relaxed: Ways = ways
        .iter()
        .zip(met)
        .map(|(way, met)| {
            way.and_then(|(first, second)| Some((less(first, met.first)?, less(second, met.second)?)))
        })
        .collect();
    let all = || relaxed.iter().flatten().flat_map(|(first, second)| [*first, *second]);
    let matched = match () {
        () if relaxed.contains(&None) => Matched::Partly,
        () if all().any(|by| matches!(by, By::Number(_))) => Matched::AnyWait,
        () => Matched::AnyVisit,
    };
    (relaxed != *ways && all().next().is_some()).then_some((relaxed, matched))
}

/// What of a deviation is not met, in words.
fn unmet_words(kept: &Kept, met: Met, trace: &[Event]) -> Option<String> {
    let names = Names::of(trace);
    let of_step = |step: &KeptStep, in_loop: u32| {
        let mut own = report::steps_of(trace)
            .filter(|record| record.loop_number == in_loop && low(record.name.lane) == step.lane);
        match own.next() {
            Some(record) => {
                let name = names.name(report::lane_of(record));
                format!("step {} of `{name}` is not what it was, or does not come", step.nth + 1)
            }
            None => "a task that it names no longer runs, or has another name".to_owned(),
        }
    };
    match kept {
        Kept::Hold { in_loop, held, .. } if !met.first => Some(of_step(held, *in_loop)),
        Kept::Hold { in_loop, until, .. } if !met.second => Some(of_step(until, *in_loop)),
        Kept::Burst { in_loop, from, .. } if !met.first => Some(of_step(from, *in_loop)),
        Kept::Draw(drawn) if !met.first => Some(format!(
            "a `{}` that it names is no longer drawn: the network goes other ways",
            drawn.kind.name()
        )),
        Kept::Hold { .. } | Kept::Burst { .. } | Kept::Draw(_) => None,
    }
}

/// The sentence for a failure that did not come back.
fn lost(run: &Run, unmet: &[String], token: &Token) -> TokenVerdict {
    let ended = match &run.outcome {
        Outcome::Passed => "the run passed".to_owned(),
        Outcome::Failed(failure) => {
            format!("the run failed otherwise: {}", failure.message.lines().next().unwrap_or_default())
        }
        Outcome::Inconclusive(reason) => format!("the run was inconclusive: {reason}"),
    };
    if unmet.is_empty() {
        return TokenVerdict::Gone(format!(
            "the token's failure did not come back: {ended}.\nThe program still has every step that the token names. Either \
             the bug is repaired, then delete the token; or it needs another order now, then hunt again."
        ));
    }
    let all = if unmet.len() == token.len() {
        "it fits nothing in the program any more"
    } else {
        "not all of it fits"
    };
    TokenVerdict::Stale(format!(
        "the token's failure did not come back, and {all}: {ended}.\n  {}\nThe program has changed too much since the token was \
         made; hunt again.",
        unmet.join("\n  ")
    ))
}
