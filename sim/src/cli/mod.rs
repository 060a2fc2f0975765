//! A command line for a crate's own scenarios.

use crate::sim::Simulation;
use counterpoint_runtime::{Profile, Result};
use std::future::Future;
use std::process::ExitCode;

/// A program with a name, to be run from the command line.
pub struct Scenario {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) teaches: String,
    pub(crate) program: Option<Simulation>,
    pub(crate) fixed: Option<Simulation>,
    pub(crate) profile: Profile,
    pub(crate) passes: bool,
}

impl Scenario {
    /// A scenario with a name in kebab-case, and what it is about in one line.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Scenario {
        Scenario {
            name: name.into(),
            about: about.into(),
            teaches: String::new(),
            program: None,
            fixed: None,
            profile: Profile::AnyReady,
            passes: false,
        }
    }

    /// Sets what a reader learns from it.
    pub fn teaches(self, text: impl Into<String>) -> Scenario {
        Scenario { teaches: text.into(), ..self }
    }

    /// Sets the program: the buggy one, or the only one.
    pub fn program<F, Fut>(mut self, program: F) -> Scenario
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        self.program = Some(Simulation::new(program).named(self.name.clone()));
        self
    }

    /// Sets the program with the bug repaired.
    pub fn fixed<F, Fut>(mut self, program: F) -> Scenario
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        self.fixed = Some(Simulation::new(program).named(self.name.clone()));
        self
    }

    /// Sets the profile that it is hunted in. Default: [`Profile::AnyReady`].
    pub fn profile(self, profile: Profile) -> Scenario {
        Scenario { profile, ..self }
    }

    /// Says that the program is expected to pass: a lesson.
    pub fn passes(self) -> Scenario {
        Scenario { passes: true, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its program, in the profile that it is hunted in; none if it was not set.
    pub fn simulation(&self) -> Option<Simulation> {
        self.program.clone().map(|program| program.profile(self.profile))
    }

    /// The program with the bug repaired, in the same profile; none if it has no such twin.
    pub fn fixed_simulation(&self) -> Option<Simulation> {
        self.fixed.clone().map(|program| program.profile(self.profile))
    }
}

/// The command line of these scenarios.
pub fn main(scenarios: Vec<Scenario>) -> ExitCode {
    for scenario in &scenarios {
        println!("{}  {}", scenario.name, scenario.about);
    }
    ExitCode::SUCCESS
}
