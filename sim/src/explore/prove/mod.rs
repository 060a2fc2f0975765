//! All orders of a program, or all within a bound: when nothing fails then, nothing can.
//!
//! | part | what |
//! |---|---|
//! | `depth_first` | every order, nothing assumed |
//! | `dpor`, `wakeup` | one order of each class of equivalent ones, if footprints are all there is |
//! | `bounded` | all sets of few holds on top of the ordinary order, smallest first |
//! | `history` | what happened before what in a run, and which conflicts could go the other way |
//! | `estimate` | how many orders there are, roughly |
//! | `proving`, `proved` | which of these is tried when, and what it comes to |
//!
//! The searches know no loop: they say how the next run is to begin, and are told what was seen in it.
//!
//! What is tried: first all orders, for a thousand runs. Most programs that can be proved at all are done by then.
//! Then sets of one and two holds, because most failures need no more, and with half of what is left of the budget at
//! most; then the rest of all orders.

mod bounded;
mod depth_first;
mod dpor;
mod estimate;
mod history;
mod proved;
mod proving;
mod search;
mod wakeup;

pub use bounded::Holds;
pub use proved::{Conclusion, Disproof, Proved};

use crate::run::Simulation;
use proving::Proving;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The most runs, where nothing else is said.
const RUNS: u64 = 100_000;

/// Tries every order of a program that its profile allows, with the usual budget.
///
/// # Errors
/// See [`Prove::start`].
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::{explore::prove, sim::Simulation};
/// use std::{cell::Cell, rc::Rc};
///
/// async fn two_tellers() -> asyncio::Result<()> {
///     let (lock, balance) = (asyncio::Lock::new(), Rc::new(Cell::new(0)));
///     let teller = || {
///         let (lock, balance) = (lock.clone(), balance.clone());
///         async move {
///             let _held = lock.acquire().await?;
///             let seen = balance.get();
///             asyncio::sleep(std::time::Duration::ZERO).await?;
///             balance.set(seen + 1);
///             Ok(())
///         }
///     };
///     asyncio::gather((teller(), teller())).await?;
///     assert_eq!(balance.get(), 2);
///     Ok(())
/// }
///
/// let proved = prove(&Simulation::new(two_tellers))?;
/// assert!(proved.is_proved(), "{proved}");
/// # Ok::<(), counterpoint::explore::Unprovable>(())
/// ```
pub fn prove(simulation: &Simulation) -> Result<Proved, Unprovable> {
    Prove::new(simulation).start()
}

/// Which orders need not be tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// None is left out: nothing is assumed of what steps touch, so that it holds for every program.
    #[default]
    None,
    /// Dynamic partial-order reduction: of orders that differ only in how independent steps are placed, one is tried.
    ///
    /// It holds as far as tasks share state through Counterpoint's objects (locks, queues, events, futures) and
    /// `Shared`: a step that touches a plain `Rc<Cell>` does so unseen.
    Dpor,
}

impl Reduction {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::None => "none",
            Reduction::Dpor => "dpor",
        }
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Reduction {
    type Err = String;
    fn from_str(name: &str) -> Result<Reduction, String> {
        let found = [Reduction::None, Reduction::Dpor].into_iter().find(|reduction| reduction.name() == name);
        found.ok_or_else(|| format!("there is no reduction `{name}`; there are none and dpor"))
    }
}

/// Why a program cannot be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unprovable {
    /// It is a program in a world of hosts.
    World,
    /// Steps are charged drawn costs, and partial orders are to be told from footprints.
    StepCost,
}

impl fmt::Display for Unprovable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unprovable::World => {
                "a program in a world cannot be proved: between hosts it is latencies and losses that decide, and there is no \
                 end of these; prove a program without hosts, or hunt in this one"
            }
            Unprovable::StepCost => {
                "steps that cost drawn time are never independent: each moves the clock for all; prove it without a step \
                 cost, or without reduction"
            }
        })
    }
}

impl std::error::Error for Unprovable {}

/// A proof to be tried.
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::{explore::{Prove, Reduction}, sim::Simulation};
///
/// async fn philosophers() -> asyncio::Result<()> {
///     let forks = [asyncio::Lock::new(), asyncio::Lock::new()];
///     let dine = |first: usize, second: usize| {
///         let (first, second) = (forks[first].clone(), forks[second].clone());
///         async move {
///             let _one = first.acquire().await?;
///             asyncio::sleep(std::time::Duration::ZERO).await?;
///             let _other = second.acquire().await?;
///             Ok(())
///         }
///     };
///     asyncio::gather((dine(0, 1), dine(1, 0))).await?;
///     Ok(())
/// }
///
/// let simulation = Simulation::new(philosophers);
/// let proved = Prove::new(&simulation).reduction(Reduction::Dpor).runs(1_000).start()?;
/// let disproof = proved.disproof.expect("each takes its first fork");
/// assert!(disproof.failure.message.contains("deadlock"));
/// # Ok::<(), counterpoint::explore::Unprovable>(())
/// ```
#[derive(Clone)]
pub struct Prove<'a> {
    simulation: &'a Simulation,
    reduction: Reduction,
    bound: Option<usize>,
    runs: u64,
    time: Option<Duration>,
    progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl<'a> Prove<'a> {
    /// All orders without reduction, with a budget of 100,000 runs.
    pub fn new(simulation: &'a Simulation) -> Prove<'a> {
        Prove { simulation, reduction: Reduction::None, bound: None, runs: RUNS, time: None, progress: None }
    }

    /// Sets which orders need not be tried. Default: none.
    pub fn reduction(self, reduction: Reduction) -> Prove<'a> {
        Prove { reduction, ..self }
    }

    /// Proves only that no order with at most so many holds fails: orders that differ from the ordinary one in as
    /// many conflicts. Default: all orders.
    pub fn bound(self, holds: usize) -> Prove<'a> {
        Prove { bound: Some(holds), ..self }
    }

    /// Sets how many runs may be made. Default: 100,000.
    pub fn runs(self, runs: u64) -> Prove<'a> {
        Prove { runs, ..self }
    }

    /// Sets how long it may take, in real time. Default: as long as the runs take.
    pub fn time(self, time: Duration) -> Prove<'a> {
        Prove { time: Some(time), ..self }
    }

    /// Tells `progress` of runs that were made: how many more.
    pub fn on_progress(self, progress: &'a (dyn Fn(u64) + Sync)) -> Prove<'a> {
        Prove { progress: Some(progress), ..self }
    }

    /// Makes runs until one fails, none is left to be made, or the budget is spent.
    ///
    /// # Errors
    /// If the program is of a kind that cannot be proved.
    pub fn start(self) -> Result<Proved, Unprovable> {
        if self.simulation.is_in_world() {
            return Err(Unprovable::World);
        }
        if self.simulation.settings.step_cost.is_some() && self.reduction == Reduction::Dpor {
            return Err(Unprovable::StepCost);
        }
        Ok(Proving::new(self).go())
    }
}

impl fmt::Debug for Prove<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Prove { simulation, reduction, bound, runs, time, progress: _ } = self;
        f.debug_struct("Prove")
            .field("simulation", simulation)
            .field("reduction", reduction)
            .field("bound", bound)
            .field("runs", runs)
            .field("time", time)
            .finish()
    }
}

#[cfg(test)]
mod tests;
