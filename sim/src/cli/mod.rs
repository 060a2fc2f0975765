//! A command line for a crate's own scenarios.
//!
//! A binary of five lines gives a crate's scenarios the commands `list`, `run`, `hunt` and `replay`:
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
//! Exit codes: 0 passed, 1 a failure was found, 2 the command line or a recording cannot be used, 3 inconclusive.
//!
//! `arguments` is what can be typed, `commands` does it, `output` writes text and JSON.

mod arguments;
mod commands;
mod json;
mod output;
mod scenario;

pub use scenario::Scenario;

use std::process::ExitCode;

/// Does what the arguments of the process ask for, with these scenarios.
pub fn main(scenarios: Vec<Scenario>) -> ExitCode {
    let arguments = <arguments::Arguments as clap::Parser>::parse();
    match commands::execute(&scenarios, arguments.command) {
        Ok(end) => end.into(),
        Err(usage) => {
            eprintln!("error: {usage}");
            ExitCode::from(2)
        }
    }
}
