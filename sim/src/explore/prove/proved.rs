//! What a proof came to, in one statement.

use super::{Holds, Reduction};
use crate::ending::Run;
use crate::explore::shrinking::Shrunk;
use crate::outcome::Failure;
use crate::run::Simulation;
use counterpoint_runtime::Profile;
use std::fmt;

/// What a proof came to. As text it is a plain statement of what was covered.
#[derive(Debug)]
pub struct Proved {
    /// The name of the simulation.
    pub name: String,
    /// Which orders were legal.
    pub profile: Profile,
    /// Which orders needed not be tried.
    pub reduction: Reduction,
    /// The most holds, if only orders with few were to be tried.
    pub bound: Option<usize>,
    /// The seed of the program's random numbers: they were the same in all runs.
    pub seed: u64,
    /// How many runs were made.
    pub runs: u64,
    /// How many of these only repeated others: they were cut short.
    pub redundant: u64,
    /// How many different behaviours were seen, as far as footprints tell them apart.
    pub behaviours: u64,
    /// How many runs reached a limit.
    pub cut: u64,
    /// The first limit that was reached.
    pub cut_reason: Option<String>,
    /// How many random walks were made beforehand, to estimate how many orders there are.
    pub probes: u64,
    /// How many orders they say there are, equivalent ones counted each.
    pub estimate: u64,
    /// All orders were tried.
    pub whole: bool,
    /// All orders within the bound that was set were tried.
    pub within_bound: bool,
    /// How far the search over few holds came, if it was begun.
    pub holds: Option<Holds>,
    /// A run did not begin as the one before it, though everything that decides it was the same: the number of its
    /// first step that differed.
    pub strayed: Option<u64>,
    /// The run that failed.
    pub disproof: Option<Disproof>,
}

/// How a proof ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Everything that was to be tried was, and nothing failed.
    Proved,
    /// A run failed.
    Failed,
    /// The budget was spent before, a run reached a limit, or the program is not deterministic.
    Inconclusive,
}

impl Conclusion {
    /// The word for it: `proved`, `failed` or `inconclusive`.
    pub fn name(self) -> &'static str {
        match self {
            Conclusion::Proved => "proved",
            Conclusion::Failed => "failed",
            Conclusion::Inconclusive => "inconclusive",
        }
    }
}

/// A run that failed, which disproves that none does.
#[derive(Debug)]
pub struct Disproof {
    /// What went wrong.
    pub failure: Failure,
    /// The run, traced and recorded; none if it did not come back when it was made again.
    pub watched: Option<Run>,
    /// The fewest deviations that make it fail, and why; none if it did not come back.
    pub shrunk: Option<Shrunk>,
}

impl Disproof {
    /// What went wrong, and how the tasks came there, in words.
    pub fn report(&self) -> String {
        match (&self.shrunk, &self.watched) {
            (Some(shrunk), _) => shrunk.report().to_owned(),
            (None, Some(run)) => run.report(),
            (None, None) => format!(
                "{}\nnot confirmed: the run did not fail like this when it was made again. The program reads something that \
                 the seed does not fix (a static, an address, a file).\n",
                crate::report::of_failure(&self.failure, &[], &[])
            ),
        }
    }
}

impl Proved {
    pub(super) fn new(simulation: &Simulation, reduction: Reduction, bound: Option<usize>) -> Proved {
        Proved {
            name: simulation.name.clone(),
            profile: simulation.settings.profile,
            reduction,
            bound,
            seed: simulation.settings.seed,
            runs: 0,
            redundant: 0,
            behaviours: 0,
            cut: 0,
            cut_reason: None,
            probes: 0,
            estimate: 0,
            whole: false,
            within_bound: false,
            holds: None,
            strayed: None,
            disproof: None,
        }
    }

    /// How it ended.
    pub fn conclusion(&self) -> Conclusion {
        let all = self.whole || self.within_bound;
        match () {
            () if self.disproof.is_some() => Conclusion::Failed,
            () if all && self.cut == 0 && self.strayed.is_none() => Conclusion::Proved,
            () => Conclusion::Inconclusive,
        }
    }

    /// Was everything tried that was to be tried, and did nothing fail?
    pub fn is_proved(&self) -> bool {
        self.conclusion() == Conclusion::Proved
    }

    fn covered(&self) -> String {
        let whole = match self.reduction {
            _ if self.profile == Profile::Fifo => "this profile has one order, and it passed".to_owned(),
            Reduction::None => {
                "all its orders were tried, nothing being assumed of what steps touch".to_owned()
            }
            Reduction::Dpor => {
                "one order of each class of equivalent ones was tried, which proves it as far as its tasks \
                 share state through Counterpoint's objects and `Shared`"
                    .to_owned()
            }
        };
        match &self.holds {
            _ if self.whole => whole,
            Some(holds) => holds.to_string(),
            None => "not all its orders were tried".to_owned(),
        }
    }
}

impl fmt::Display for Proved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = Count(self.runs, "run");
        write!(f, "{} in profile {}: ", self.name, self.profile.name())?;
        match (&self.disproof, self.strayed) {
            (Some(disproof), _) => {
                match self.runs {
                    0 => write!(f, "a random walk failed"),
                    runs => write!(f, "run {} failed", Grouped(runs)),
                }?;
                match &disproof.shrunk {
                    None => Ok(()),
                    Some(shrunk) if shrunk.constraints.is_empty() => {
                        write!(f, ", as the ordinary order does")
                    }
                    Some(shrunk) => {
                        let count = shrunk.constraints.len() as u64;
                        write!(
                            f,
                            "; {} on top of the ordinary order make it fail",
                            Count(count, "constraint")
                        )
                    }
                }
            }
            (None, Some(step)) => write!(
                f,
                "two runs that had to begin alike differ at step {step}: the program reads something that the seed does not \
                 fix (a static, an address, a file), and cannot be proved"
            ),
            (None, None) => write!(f, "{}; {runs}", self.covered()),
        }?;
        if self.redundant > 0 {
            write!(f, ", of which {} only repeated others", Grouped(self.redundant))?;
        }
        if let Some(reason) = &self.cut_reason {
            write!(
                f,
                ". {} reached a limit ({reason}), so that what comes after it was not tried",
                Count(self.cut, "run")
            )?;
        }
        if !self.whole && self.disproof.is_none() && self.strayed.is_none() {
            let about = Rounded(self.estimate);
            write!(f, ". Random walks say that it has {about} orders in all, counting equivalent ones")?;
        }
        write!(f, ".")
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holds { complete, pairs, tried, left, more } = *self;
        let Some(complete) = complete else { return f.write_str("not even the ordinary order was tried") };
        match complete {
            0 => write!(f, "the ordinary order was tried")?,
            1 => write!(f, "all orders with at most 1 hold were tried")?,
            _ => write!(f, "all orders with at most {complete} holds were tried")?,
        }
        if left > 0 {
            let (next, about) = (complete + 1, if more { "more than" } else { "about" });
            write!(f, ", of those with {next} {} of {about} {}", Grouped(tried), Grouped(tried + left))?;
        }
        write!(f, " ({} of steps that runs have shown to swap)", Count(pairs as u64, "pair"))
    }
}

/// `1 run`, `12,345 runs`.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", Grouped(self.0), self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// `12345` as `12,345`.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Roughly how many: to two digits; a great number as a power of ten.
struct Rounded(u64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let power = self.0.max(1).ilog10();
        if self.0 == u64::MAX {
            return f.write_str("more than 10^19");
        }
        if power >= 9 {
            return write!(f, "about 10^{power}");
        }
        let unit = 10u64.pow(power.saturating_sub(1));
        write!(f, "about {}", Grouped(self.0 / unit * unit))
    }
}
