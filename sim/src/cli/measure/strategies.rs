//! `measure strategies`: runs to the first failure of each scenario under each strategy, and false alarms on the twins.
//!
//! A trial is a hunt with a seed of its own, up to a cap. One that finds nothing counts as the cap in the means, so that a
//! strategy is not praised for the trials that it loses.

use super::super::arguments::MeasureStrategies;
use super::super::output::{End, Paint, grouped, print};
use super::super::{Scenario, Usage};
use super::{Watched, all_strategies, geometric_mean, kernels};
use crate::explore::{Hunt, Sampling};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Where the trial that finds nothing within so many runs is marked.
const SOON: u64 = 1000;

/// The trials of one strategy on one scenario.
struct Cell {
    kernel: String,
    strategy: Sampling,
    /// How many runs each trial took to its first failure; none if it found none.
    found: Vec<Option<u64>>,
}

impl Cell {
    fn mean(&self, cap: u64) -> f64 {
        let sum: u64 = self.found.iter().map(|found| found.unwrap_or(cap)).sum();
        sum as f64 / self.found.len() as f64
    }

    fn found_within(&self, runs: u64) -> usize {
        self.found.iter().filter(|found| found.is_some_and(|found| found <= runs)).count()
    }
}

/// A fixed twin that was blamed.
struct FalseAlarm {
    kernel: String,
    strategy: Sampling,
    run: u64,
    message: String,
}

pub(super) fn measure(scenarios: &[Scenario], arguments: &MeasureStrategies) -> Result<End, Usage> {
    let kernels = kernels(scenarios, &arguments.scenarios)?;
    let strategies = match arguments.strategies.as_slice() {
        [] => all_strategies(),
        named => named.to_vec(),
    };
    let parts = kernels.len() * strategies.len();
    let watched = Watched::over(parts as u64 * (1 + u64::from(arguments.twin_runs > 0)));
    let mut cells = Vec::new();
    for kernel in &kernels {
        for strategy in &strategies {
            watched.begin(&format!("{} by {strategy}", kernel.name()));
            cells.push(try_out(kernel, *strategy, arguments));
            watched.ended();
        }
    }
    let mut alarms = Vec::new();
    for kernel in kernels.iter().filter(|_| arguments.twin_runs > 0) {
        for strategy in &strategies {
            watched.begin(&format!("{} (fixed) by {strategy}", kernel.name()));
            alarms.extend(false_alarm(kernel, *strategy, arguments.twin_runs));
            watched.ended();
        }
    }
    drop(watched);
    let table = Table { cells, strategies, alarms, arguments };
    if arguments.json {
        print(&format!("{}\n", table.value()));
    } else {
        print(&table.text(Paint::for_stdout()));
    }
    Ok(if table.alarms.is_empty() { End::Passed } else { End::Failed })
}

fn try_out(kernel: &Scenario, strategy: Sampling, arguments: &MeasureStrategies) -> Cell {
    let program = kernel.simulation().expect("a kernel has a program").strategy(strategy);
    let trial = |seed| {
        let simulation = program.clone().seed(seed);
        let hunt = Hunt::new(&simulation).runs(0..arguments.cap).coverage(false);
        hunt.tally().lowest_failed().map(|run| run + 1)
    };
    let found = (1..=arguments.trials).map(trial).collect();
    Cell { kernel: kernel.name().to_owned(), strategy, found }
}

fn false_alarm(kernel: &Scenario, strategy: Sampling, runs: u64) -> Option<FalseAlarm> {
    let simulation = kernel.fixed_simulation().expect("a kernel has a fixed twin").strategy(strategy);
    let tally = Hunt::new(&simulation).runs(0..runs).coverage(false).tally();
    let (_, first) = tally.failures.iter().min_by_key(|(_, first)| first.run)?;
    Some(FalseAlarm {
        kernel: kernel.name().to_owned(),
        strategy,
        run: first.run,
        message: first.failure.message.clone(),
    })
}

struct Table<'a> {
    cells: Vec<Cell>,
    strategies: Vec<Sampling>,
    alarms: Vec<FalseAlarm>,
    arguments: &'a MeasureStrategies,
}

impl Table<'_> {
    fn of_strategy(&self, strategy: Sampling) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.strategy == strategy)
    }

    fn geomean(&self, strategy: Sampling) -> f64 {
        geometric_mean(self.of_strategy(strategy).map(|cell| cell.mean(self.arguments.cap)))
    }

    /// The part of all trials that found their bug within so many runs.
    fn found_soon(&self, strategy: Sampling) -> f64 {
        let (found, trials) = self.of_strategy(strategy).fold((0, 0), |(found, trials), cell| {
            (found + cell.found_within(SOON), trials + cell.found.len())
        });
        found as f64 / trials.max(1) as f64
    }

    fn value(&self) -> Value {
        let cap = self.arguments.cap;
        let cell = |cell: &Cell| {
            json!({
                "kernel": cell.kernel,
                "strategy": cell.strategy.name(),
                "trials": cell.found.len(),
                "found": cell.found_within(cap),
                "found_within_1000": cell.found_within(SOON),
                "schedules_mean": cell.mean(cap),
            })
        };
        let geomean: BTreeMap<_, _> =
            self.strategies.iter().map(|strategy| (strategy.name(), self.geomean(*strategy))).collect();
        json!({
            "cells": self.cells.iter().map(cell).collect::<Vec<_>>(),
            "geomean": geomean,
            "false_alarms": self.alarms.len(),
            "cap": cap,
            "twin_runs": self.arguments.twin_runs,
        })
    }

    fn text(&self, paint: Paint) -> String {
        let MeasureStrategies { trials, cap, twin_runs, .. } = self.arguments;
        let mut text = format!(
            "Runs to the first failure: the mean of {trials} hunts, a hunt without one counted as {}.\n\
             `12 (18/20)`: 18 of 20 hunts found it.\n\n",
            grouped(*cap)
        );
        let kernels: Vec<&str> =
            self.of_strategy(self.strategies[0]).map(|cell| cell.kernel.as_str()).collect();
        let width = kernels.iter().map(|kernel| kernel.len()).max().unwrap_or(0).max(16);
        let _ = write!(text, "{:width$}", "");
        for strategy in &self.strategies {
            let _ = write!(text, " {:>11}", strategy.name());
        }
        text.push('\n');
        for kernel in kernels {
            let _ = write!(text, "{kernel:width$}");
            let means = self.cells.iter().filter(|cell| cell.kernel == kernel);
            let best = means.clone().map(|cell| cell.mean(*cap)).fold(f64::INFINITY, f64::min);
            for cell in means {
                let mean = cell.mean(*cap);
                let found = cell.found_within(*cap);
                let all = found == cell.found.len();
                let entry = format!("{mean:.1}") + &if all { String::new() } else { format!(" ({found})") };
                let entry = format!("{entry:>11}");
                let _ = write!(text, " {}", if mean == best { paint.bold(entry) } else { entry });
            }
            text.push('\n');
        }
        let _ = write!(text, "\n{:width$}", "geometric mean");
        for strategy in &self.strategies {
            let _ = write!(text, " {:>11.1}", self.geomean(*strategy));
        }
        let _ = write!(text, "\n{:width$}", format!("within {}", grouped(SOON)));
        for strategy in &self.strategies {
            let _ = write!(text, " {:>9.1} %", self.found_soon(*strategy) * 100.0);
        }
        text.push_str("\n\n");
        if *twin_runs == 0 {
            text.push_str("The fixed twins were not tried.\n");
        } else if self.alarms.is_empty() {
            let runs = grouped(*twin_runs);
            let _ = writeln!(text, "No false alarm: each fixed twin passed {runs} runs under each strategy.");
        }
        for FalseAlarm { kernel, strategy, run, message } in &self.alarms {
            let verdict = paint.verdict(End::Failed, "false alarm");
            let _ = writeln!(text, "{verdict}  {kernel} (fixed), strategy {strategy}, run {run}: {message}");
        }
        text
    }
}
