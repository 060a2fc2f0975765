//! Counterpoint's column of the benchmark of peers: `counterpoint-bench WORKLOAD N SEED [VARIANT]`.
//!
//! The workloads are those of the harness, on the public API only: the same numbers of tasks, yields and sleeps, the
//! same generator for the sleeps, simulations built, run and dropped inside the timed part, every result checked before
//! a line of JSON is printed. Variants: `fifo`, `random`, and each with `-keys`, which turns step keys and footprints
//! on. In W5 and W6 both hosts are real, with links of a millisecond.

mod measure;
mod network;
mod workloads;

use counterpoint::EventLoop;
use counterpoint::explore::{Profile, Strategy};
use std::process::ExitCode;
use workloads::Variant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (workload, n, seed, variant) = match words[..] {
        [workload, n, seed] => (workload, n, seed, "random"),
        [workload, n, seed, variant] => (workload, n, seed, variant),
        _ => return usage(),
    };
    let (Ok(n), Ok(seed), Some(settings)) = (n.replace('_', "").parse(), seed.parse(), settings(variant))
    else {
        return usage();
    };
    let peer = format!("counterpoint-{variant}");
    let started = measure::Started::now();
    match workloads::run(workload, n, seed, &settings) {
        None => usage(),
        Some(Err(reason)) => {
            println!(r#"{{"peer":"{peer}","workload":"{workload}","n":{n},"unsupported":"{reason}"}}"#);
            ExitCode::from(3)
        }
        Some(Ok(done)) => {
            assert_eq!(done.operations, n, "the workload did other work than asked");
            println!("{}", started.line(&peer, workload, n, done.bytes_per_task));
            ExitCode::SUCCESS
        }
    }
}

fn settings(variant: &str) -> Option<Variant> {
    let (order, keys) = match variant.strip_suffix("-keys") {
        Some(order) => (order, true),
        None => (variant, false),
    };
    let builder = EventLoop::builder().step_keys(keys).footprints(keys);
    let (profile, strategy) = match order {
        "fifo" => (Profile::Fifo, Strategy::Fifo),
        "random" => (Profile::AnyReady, Strategy::RandomWalk),
        _ => return None,
    };
    Some(Variant { settings: builder.profile(profile).strategy(strategy), profile, strategy, keys })
}

fn usage() -> ExitCode {
    eprintln!("usage: counterpoint-bench WORKLOAD N SEED [fifo|random|fifo-keys|random-keys]");
    eprintln!("workloads: {}", workloads::NAMES.join(" "));
    ExitCode::from(2)
}
