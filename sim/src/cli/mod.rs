//! A command line for a crate's own scenarios.
//!
//! A binary of five lines gives a crate's scenarios the commands `list`, `run`, `hunt`, `prove`, `merge`, `replay`
//! and `measure`:
//!
//! ```no_run
//! use counterpoint::cli::Scenario;
//!
//! async fn transfer() -> counterpoint::Result<()> {
//!     Ok(())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     counterpoint::cli::main(vec![Scenario::new("transfer", "two accounts, one transfer").program(transfer)])
//! }
//! ```
//!
//! Exit codes: 0 passed, 1 a failure was found, 2 the command line, a token or a recording cannot be used, 3 inconclusive: a
//! limit was reached, or what was to be replayed did not come back.
//!
//! `arguments` is what can be typed; each command has a file of its name, and `choice` finds the simulation that it is
//! about; `hunt_report` is what `hunt` and `merge` print,
//! `results` their files, `kept` the file of failures that a hunt begins with; `output` and `json` write.

mod arguments;
mod choice;
mod hunt;
mod hunt_report;
mod json;
mod kept;
mod list;
mod measure;
mod merge;
mod output;
mod prove;
mod replay;
mod results;
mod run;
mod scenario;

pub use scenario::Scenario;

use arguments::Command;
use output::End;
use std::process::ExitCode;

/// A command line that cannot be followed: the text says why.
type Usage = String;

/// Does what the arguments of the process ask for, with these scenarios.
pub fn main(scenarios: Vec<Scenario>) -> ExitCode {
    let arguments = <arguments::Arguments as clap::Parser>::parse();
    match execute(&scenarios, arguments.command) {
        Ok(end) => end.into(),
        Err(usage) => {
            eprintln!("error: {usage}");
            ExitCode::from(2)
        }
    }
}

fn execute(scenarios: &[Scenario], command: Command) -> Result<End, Usage> {
    match command {
        Command::List { json } => Ok(list::list(scenarios, json)),
        Command::Run(arguments) => run::run(scenarios, &arguments),
        Command::Hunt(arguments) => hunt::hunt(scenarios, &arguments),
        Command::Merge(arguments) => merge::merge(&arguments),
        Command::Measure(arguments) => measure::measure(scenarios, &arguments),
        Command::Prove(arguments) => prove::prove(scenarios, &arguments),
        Command::Replay(arguments) => replay::replay(scenarios, &arguments),
    }
}
