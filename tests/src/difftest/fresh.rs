//! Fresh programs, run by a live CPython and by us.
//!
//! The stored programs are always the same; an order that they never visit is found only by new
//! ones. LANGUAGE.md measured how rarely a mistake shows: run 2,000 or more.

use std::io::{self, Write};

use serde_json::Value;

use super::Program;
use super::compare::Difference;
use super::cpython::{Cpython, Language, NotFound};
use super::smaller::{shown, shrink};

/// Programs that go through one CPython process. It keeps everything that it ever made.
const BATCH: u64 = 500;
/// Programs that differ are made small and printed up to this many; of the rest the seeds are.
const SHRUNK_MAX: usize = 5;

/// Runs `count` programs from seed `first` on, and writes what came of it.
///
/// Gives back how many differed. In the core language even seeds give programs of its first part, odd ones those of
/// the whole.
///
/// # Errors
/// There is no CPython 3.13 here.
///
/// # Panics
/// The CPython that was found does not run its own scripts, or the report cannot be written.
pub fn compare_fresh(
    language: Language,
    first: u64,
    count: u64,
    report: &mut impl Write,
) -> Result<usize, NotFound> {
    let cpython = Cpython::find(language)?;
    let (mut differing, mut lines) = (Vec::new(), 0);
    let mut from = first;
    while from < first + count {
        let seeds = from..(from + BATCH).min(first + count);
        let programs = cpython.generate(seeds.clone());
        let traces = cpython.traces(&programs);
        for ((seed, program), trace) in seeds.clone().zip(programs).zip(traces) {
            let trace = trace.unwrap_or_else(|| panic!("CPython printed no trace of seed {seed}"));
            lines += trace.lines().count();
            if let Some(difference) = difference(&program, &trace) {
                differing.push((seed, program, difference));
            }
        }
        from = seeds.end;
    }
    let written = write_report(&cpython, count, lines, &differing, report);
    written.expect("the report can be written");
    Ok(differing.len())
}

/// Runs one program on a live CPython and on our loop; writes whether they differ, and a small program that does too.
///
/// Gives back whether they do.
///
/// # Errors
/// There is no CPython 3.13 here.
///
/// # Panics
/// The program breaks CPython's interpreter, or the report cannot be written.
pub fn compare_one(language: Language, program: &str, report: &mut impl Write) -> Result<bool, NotFound> {
    let cpython = Cpython::find(language)?;
    let trace = cpython.traces(&[program.to_owned()]).remove(0).expect("CPython runs the program");
    let difference = difference(program, &trace);
    let written = match &difference {
        None => writeln!(report, "equal: {} lines", trace.lines().count()),
        Some(first) => write_small(&cpython, program, first, report),
    };
    written.expect("the report can be written");
    Ok(difference.is_some())
}

/// How our trace differs from CPython's: a line, or a panic in place of one.
fn difference(program: &str, theirs: &str) -> Option<String> {
    let program = match Program::from_json(program) {
        Ok(program) => program,
        Err(error) => return Some(format!("not a program of the language: {error}\n")),
    };
    match program.run_apart() {
        Ok(ours) => Difference::between(theirs, &ours).map(|difference| difference.to_string()),
        Err(message) => Some(format!("our run panicked: {message}\n")),
    }
}

fn write_report(
    cpython: &Cpython,
    count: u64,
    lines: usize,
    differing: &[(u64, String, String)],
    report: &mut impl Write,
) -> io::Result<()> {
    for (seed, program, first) in differing.iter().take(SHRUNK_MAX) {
        writeln!(report, "seed {seed}")?;
        write_small(cpython, program, first, report)?;
    }
    if differing.len() > SHRUNK_MAX {
        let seeds: Vec<String> = differing[SHRUNK_MAX..].iter().map(|(seed, ..)| seed.to_string()).collect();
        writeln!(report, "more seeds that differ: {}", seeds.join(" "))?;
    }
    let equal = count as usize - differing.len();
    writeln!(report, "{count} programs, {lines} lines of trace: {equal} equal, {} differ", differing.len())
}

/// Writes how a program differs, and how the smallest does that was made of it.
fn write_small(cpython: &Cpython, program: &str, first: &str, report: &mut impl Write) -> io::Result<()> {
    writeln!(report, "differs: {first}")?;
    let program: Value = serde_json::from_str(program).expect("a program is JSON");
    let small = shrink(program, |candidates| judge(cpython, candidates));
    let text = small.to_string();
    let trace = cpython.traces(std::slice::from_ref(&text)).remove(0).unwrap_or_default();
    writeln!(report, "made small, it is\n{}", shown(&small))?;
    writeln!(report, "{}", difference(&text, &trace).unwrap_or_default())?;
    writeln!(report, "as JSON: {text}\n")
}

/// Which of these programs differ still. One that breaks CPython's interpreter does not count.
fn judge(cpython: &Cpython, candidates: &[Value]) -> Vec<bool> {
    let programs: Vec<String> = candidates.iter().map(Value::to_string).collect();
    let traces = cpython.traces(&programs);
    let differs = |(program, trace): (&String, Option<String>)| {
        trace.is_some_and(|trace| difference(program, &trace).is_some())
    };
    programs.iter().zip(traces).map(differs).collect()
}
