//! What can be typed.

use super::output::nearest;
use crate::explore::{Reduction, Sampling, Shard};
use clap::{Args, Parser, Subcommand};
use counterpoint_runtime::Profile;
use std::path::PathBuf;
use std::time::Duration;

/// Finds, replays and explains bugs of concurrent programs, in simulated runs that a seed fixes.
#[derive(Parser)]
#[command(name = "counterpoint", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

const AFTER_HELP: &str = "\
Begin with:
  counterpoint list
  counterpoint hunt SCENARIO     finds a run that fails, shrinks it, and explains it
  counterpoint prove SCENARIO    tries every order of a small one
  counterpoint replay TOKEN      brings the failure back, also after the program was edited
  counterpoint replay FILE       plays the recorded run again, step by step

Exit codes: 0 passed, 1 a failure was found, 2 wrong usage, or a token or recording that cannot be used, 3 inconclusive, or a
failure that did not come back.";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists the scenarios
    List {
        /// One JSON object for each scenario
        #[arg(long)]
        json: bool,
    },
    /// Runs a scenario once: in asyncio's order, or with --seed in another
    Run(Run),
    /// Runs a scenario many times, each in another order, until a run fails
    Hunt(Hunt),
    /// Makes one report of the results of all shards of a hunt
    Merge(Merge),
    /// Tries every order of a scenario, and says what was covered
    Prove(Prove),
    /// Brings a failure back from its token, or plays a recorded run again, and says whether it is the same
    Replay(Replay),
    /// Measures how well bugs are found, on the scenarios with a fixed twin
    Measure(Measure),
}

#[derive(Args)]
pub(super) struct Measure {
    #[command(subcommand)]
    pub(super) what: Measured,
}

#[derive(Subcommand)]
pub(super) enum Measured {
    /// After how many runs each strategy finds each bug, and whether it ever blames a fixed twin
    Strategies(MeasureStrategies),
    /// How small failures become, in how many runs, and whether what is left is necessary
    Shrink(MeasureShrink),
    /// How many tokens still bring their failure back when the program was edited
    Tokens(MeasureTokens),
}

#[derive(Args)]
pub(super) struct MeasureShrink {
    /// The scenarios [default: all with a fixed twin]
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// The strategies that find the failures [default: all]
    #[arg(long = "strategy", value_name = "S", value_parser = sampling)]
    pub(super) strategies: Vec<Sampling>,
    /// How many hunts for each scenario and strategy, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) trials: u64,
    /// The most runs of a hunt
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..1 << 48))]
    pub(super) cap: u64,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct MeasureTokens {
    /// The scenarios [default: all with a fixed twin]
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// How many hunts for each scenario, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) trials: u64,
    /// The most runs of a hunt
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..1 << 48))]
    pub(super) cap: u64,
    /// The workspace whose scenarios are edited and built
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) source: PathBuf,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct MeasureStrategies {
    /// The scenarios [default: all with a fixed twin]
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<String>,
    /// The strategies [default: all]
    #[arg(long = "strategy", value_name = "S", value_parser = sampling)]
    pub(super) strategies: Vec<Sampling>,
    /// How many hunts for each scenario and strategy, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) trials: u64,
    /// The most runs of a hunt
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..1 << 48))]
    pub(super) cap: u64,
    /// How many runs of each fixed twin under each strategy, of which none may fail; 0 leaves them out
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(..1 << 48))]
    pub(super) twin_runs: u64,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// What decides a run; shared by `run` and `hunt`.
#[derive(Args)]
pub(super) struct Choice {
    /// The scenario, as `list` names it
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: String,
    /// The number from which all choices follow
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Which orders are legal: fifo (asyncio's alone), any-ready or every-await
    #[arg(long, value_name = "P")]
    pub(super) profile: Option<Profile>,
    /// How legal orders are sampled: portfolio (many strategies in turn), or one strategy
    /// [default: portfolio]
    #[arg(long, value_name = "S", value_parser = sampling)]
    pub(super) strategy: Option<Sampling>,
    /// The scenario with its bug repaired
    #[arg(long)]
    pub(super) fixed: bool,
    /// The most steps of a run; a longer one is inconclusive
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) step_limit: Option<u64>,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) choice: Choice,
    /// Which run of the seed, as `hunt` numbers them
    #[arg(long, value_name = "I")]
    pub(super) run: Option<u64>,
    /// Shows every step; with --json one object a line for each
    #[arg(long)]
    pub(super) trace: bool,
}

#[derive(Args)]
pub(super) struct Hunt {
    #[command(flatten)]
    pub(super) choice: Choice,
    /// How many runs, of all shards together [default: 1000; with --time no end]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1 << 48))]
    pub(super) runs: Option<u64>,
    /// Stops after so much time, as 30s, 5m or 2h
    #[arg(long, value_name = "T", value_parser = time)]
    pub(super) time: Option<Duration>,
    /// How many threads; what is found does not depend on it [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Makes all runs, and reports each failure once
    #[arg(long)]
    pub(super) all: bool,
    /// Does not look at what runs cover, which is faster
    #[arg(long)]
    pub(super) no_coverage: bool,
    /// Keeps what there is in this file every few seconds, and goes on from it if it is there
    #[arg(long, value_name = "FILE")]
    pub(super) resume: Option<PathBuf>,
    /// Makes one part of the runs: the I-th of N, from 1
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<Shard>,
    /// How many shards there are, where a Kubernetes indexed job says only which one it is [env: COUNTERPOINT_SHARDS]
    #[arg(long, value_name = "N", conflicts_with = "shard", requires = "result",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) shards: Option<u64>,
    /// Writes what was found to this file, for `merge`; then the shard is read from the environment of a Slurm array or a
    /// Kubernetes indexed job, unless --shard says it
    #[arg(long, value_name = "FILE")]
    pub(super) result: Option<PathBuf>,
    /// The folder for the recordings of failures
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) out: PathBuf,
    /// Plays the failures again that are kept in this file, before all else, and adds what is found
    #[arg(long, value_name = "FILE")]
    pub(super) keep: Option<PathBuf>,
    /// Does not shrink what is found
    #[arg(long, conflicts_with_all = ["shrink_runs", "keep"])]
    pub(super) no_shrink: bool,
    /// The most runs that shrinking a failure may take
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) shrink_runs: u64,
}

#[derive(Args)]
pub(super) struct Prove {
    /// The scenario, as `list` names it
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: String,
    /// The scenario with its bug repaired
    #[arg(long)]
    pub(super) fixed: bool,
    /// Which orders are legal [default: the scenario's own]
    #[arg(long, value_name = "P")]
    pub(super) profile: Option<Profile>,
    /// The number from which the program's random numbers follow: they are the same in all runs
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Which orders are left out: none, or with dpor those that are equivalent to one that is tried, as far as all
    /// state is in Counterpoint's objects and `Shared`
    #[arg(long, value_name = "R", default_value = "none", value_parser = reduction)]
    pub(super) reduction: Reduction,
    /// Proves only that no order fails with at most so many holds on top of the ordinary one [default: all orders]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=16))]
    pub(super) bound: Option<u8>,
    /// The most runs
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..1 << 48))]
    pub(super) runs: u64,
    /// Stops after so much time, as 30s, 5m or 2h
    #[arg(long, value_name = "T", value_parser = time)]
    pub(super) time: Option<Duration>,
    /// The most steps of a run; a longer one is inconclusive
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) step_limit: Option<u64>,
    /// The folder for the recording of a failure
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) out: PathBuf,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Merge {
    /// The files of all shards, as `hunt --result` wrote them
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct Replay {
    /// The token, or the recording, as `hunt` gave it
    #[arg(value_name = "TOKEN|FILE")]
    pub(super) what: PathBuf,
    /// Shows every step; with --json one object a line for each
    #[arg(long)]
    pub(super) trace: bool,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// A strategy, or all of them in turn.
fn sampling(text: &str) -> Result<Sampling, String> {
    let portfolio = Sampling::Portfolio.name();
    text.parse().map_err(|error| match nearest(text, [portfolio].into_iter()) {
        Some(near) => format!("there is no strategy `{text}`; did you mean `{near}`?"),
        None => error,
    })
}

/// A reduction, or the nearest one.
fn reduction(text: &str) -> Result<Reduction, String> {
    let names = [Reduction::None, Reduction::Dpor].map(Reduction::name);
    text.parse().map_err(|error| match nearest(text, names.into_iter()) {
        Some(near) => format!("there is no reduction `{text}`; did you mean `{near}`?"),
        None => error,
    })
}

/// `30s`, `5m`, `2h`.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; say a number and a unit, as 30s, 5m or 2h");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let seconds = match &text[digits..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    match number.checked_mul(seconds) {
        Some(0) => Err("a hunt of no time makes no runs".to_owned()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(wrong()),
    }
}
