//! What a command line offers: programs with a name.

use crate::run::Simulation;
use crate::world::World;
use counterpoint_runtime::{Profile, Result};
use std::future::Future;

/// A program with a name, to be run from the command line.
///
/// # Examples
/// ```
/// use counterpoint::cli::Scenario;
///
/// async fn buggy() -> counterpoint::Result<()> {
///     Ok(())
/// }
/// async fn fixed() -> counterpoint::Result<()> {
///     Ok(())
/// }
///
/// let scenario = Scenario::new("lost-update", "two tellers, one balance")
///     .teaches("An await between reading and writing is a gap.")
///     .program(buggy)
///     .fixed(fixed);
/// assert_eq!(scenario.name(), "lost-update");
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    name: String,
    about: String,
    teaches: String,
    program: Option<Simulation>,
    fixed: Option<Simulation>,
    profile: Option<Profile>,
    passes: bool,
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
            profile: None,
            passes: false,
        }
    }

    /// Sets what a reader learns from it.
    pub fn teaches(self, text: impl Into<String>) -> Scenario {
        Scenario { teaches: text.into(), ..self }
    }

    /// Sets the program: the buggy one, or the only one.
    pub fn program<F, Fut>(self, program: F) -> Scenario
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let program = Simulation::new(program).named(self.name.clone());
        Scenario { program: Some(program), ..self }
    }

    /// Sets the program, one in a world of hosts.
    pub fn program_in_world<F, Fut>(self, program: F) -> Scenario
    where
        F: Fn(World) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let program = Simulation::with_world(program).named(self.name.clone());
        Scenario { program: Some(program), ..self }
    }

    /// Sets the program in a world of hosts with the bug repaired.
    pub fn fixed_in_world<F, Fut>(self, program: F) -> Scenario
    where
        F: Fn(World) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let fixed = Simulation::with_world(program).named(self.name.clone());
        Scenario { fixed: Some(fixed), ..self }
    }

    /// Sets the program with the bug repaired.
    pub fn fixed<F, Fut>(self, program: F) -> Scenario
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + 'static,
    {
        let fixed = Simulation::new(program).named(self.name.clone());
        Scenario { fixed: Some(fixed), ..self }
    }

    /// Sets the profile that it is hunted in. Default: `any-ready`, and `fifo` for one that [`passes`](Self::passes).
    pub fn profile(self, profile: Profile) -> Scenario {
        Scenario { profile: Some(profile), ..self }
    }

    /// Says that the program is expected to pass, in asyncio's order: a lesson.
    pub fn passes(self) -> Scenario {
        Scenario { passes: true, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is about.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// What a reader learns from it; empty if nothing was said.
    pub fn lesson(&self) -> &str {
        &self.teaches
    }

    /// Is it expected to pass?
    pub fn is_expected_to_pass(&self) -> bool {
        self.passes
    }

    /// The profile that it is hunted in.
    pub fn hunting_profile(&self) -> Profile {
        self.profile.unwrap_or(if self.passes { Profile::Fifo } else { Profile::AnyReady })
    }

    /// Its program, in the profile that it is hunted in; none if it was not set.
    pub fn simulation(&self) -> Option<Simulation> {
        self.program.clone().map(|program| program.profile(self.hunting_profile()))
    }

    /// The program with the bug repaired, in the same profile; none if it has no such twin.
    pub fn fixed_simulation(&self) -> Option<Simulation> {
        self.fixed.clone().map(|program| program.profile(self.hunting_profile()))
    }
}
