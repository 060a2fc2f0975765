//! What can be typed.

use crate::explore::Sampling;
use clap::{Args, Parser, Subcommand};
use counterpoint_runtime::Profile;
use std::path::PathBuf;

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
  counterpoint hunt SCENARIO     finds a run that fails, explains it, and records it
  counterpoint replay FILE       plays the recorded run again, step by step

Exit codes: 0 passed, 1 a failure was found, 2 wrong usage or a recording that cannot be used, 3 inconclusive.";

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
    /// Plays a recorded run again, and says whether it is the same
    Replay(Replay),
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
    /// Which orders are legal: fifo (asyncio's alone) or any-ready
    #[arg(long, value_name = "P")]
    pub(super) profile: Option<Profile>,
    /// How legal orders are sampled: portfolio (many strategies in turn), or one strategy
    /// [default: portfolio]
    #[arg(long, value_name = "S")]
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
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) runs: u64,
    /// How many threads; what is found does not depend on it [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Makes all runs, and reports each failure once
    #[arg(long)]
    pub(super) all: bool,
    /// The folder for the recordings of failures
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) out: PathBuf,
}

#[derive(Args)]
pub(super) struct Replay {
    /// The recording, as `hunt` wrote it
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Shows every step; with --json one object a line for each
    #[arg(long)]
    pub(super) trace: bool,
    /// JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}
