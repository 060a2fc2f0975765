//! The `counterpoint` binary.
use std::process::ExitCode;

fn main() -> ExitCode {
    counterpoint::cli::main(counterpoint_scenarios::all())
}
