//! Runs programs of the network difftest language on our loop, with the command line of its `interp.py`.
//!
//! ```text
//! difftest-net PROG.json                  print the trace
//! difftest-net --batch DIR OUTDIR         run every DIR/*.json, write OUTDIR/NAME.trace
//! difftest-net --fresh COUNT [--seed N]   compare fresh programs with a live CPython 3.13
//! difftest-net --compare PROG.json        the same with one program; print a small one that differs too
//! ```
//!
//! Ends with 1 if a program differs, with 2 if it was called wrongly or there is no CPython 3.13.

use std::process::ExitCode;

use counterpoint_tests::difftest::{Language, run_command};

fn main() -> ExitCode {
    run_command(Language::Network)
}
