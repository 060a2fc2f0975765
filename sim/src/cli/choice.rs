//! From what was typed to a simulation.

use super::Usage;
use super::arguments::Choice;
use super::output::nearest;
use super::scenario::Scenario;
use crate::run::Simulation;

/// The scenario of this name, or the sentence that there is none.
pub(super) fn find<'a>(scenarios: &'a [Scenario], name: &str) -> Result<&'a Scenario, Usage> {
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

pub(super) fn program_of(scenario: &Scenario, fixed: bool) -> Result<Simulation, Usage> {
    let program = if fixed { scenario.fixed_simulation() } else { scenario.simulation() };
    program.ok_or_else(|| {
        let which = if fixed { "has no fixed program" } else { "has no program" };
        format!("scenario `{}` {which}", scenario.name())
    })
}

pub(super) fn simulation(scenarios: &[Scenario], choice: &Choice) -> Result<Simulation, Usage> {
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
