//! `measure`: how well the explorer does on the scenarios at hand.
//!
//! | command | asks |
//! |---|---|
//! | `measure strategies` | after how many runs each strategy finds each bug, and whether it ever blames a fixed twin |
//! | `measure shrink` | how small the failures become, in how many runs, and whether what is left is necessary |
//! | `measure tokens` | how many tokens still bring their failure back when the program was edited |
//!
//! The kernels are the scenarios with a fixed twin. Progress goes to the error stream, the table (or with `--json` one
//! object) to the output.

mod edits;
mod failures;
mod shrink;
mod strategies;
mod tokens;

use super::arguments::{Measure, Measured};
use super::output::nearest;
use super::{End, Scenario, Usage};
use crate::explore::{Sampling, Strategy};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

pub(super) fn measure(scenarios: &[Scenario], arguments: &Measure) -> Result<End, Usage> {
    match &arguments.what {
        Measured::Strategies(arguments) => strategies::measure(scenarios, arguments),
        Measured::Shrink(arguments) => shrink::measure(scenarios, arguments),
        Measured::Tokens(arguments) => tokens::measure(scenarios, arguments),
    }
}

/// The scenarios that a measurement is about: all with a bug and a fixed twin, or those that were named.
fn kernels<'a>(scenarios: &'a [Scenario], named: &[String]) -> Result<Vec<&'a Scenario>, Usage> {
    let all = || {
        let kernel = |scenario: &&Scenario| {
            !scenario.is_expected_to_pass()
                && scenario.simulation().is_some()
                && scenario.fixed_simulation().is_some()
        };
        scenarios.iter().filter(kernel)
    };
    if named.is_empty() {
        return Ok(all().collect());
    }
    let find = |name: &String| {
        all().find(|scenario| scenario.name() == name).ok_or_else(|| {
            let near = nearest(name, all().map(Scenario::name));
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            format!("there is no scenario `{name}` with a fixed twin{near}")
        })
    };
    named.iter().map(find).collect()
}

/// The portfolio, and each strategy of its own.
fn all_strategies() -> Vec<Sampling> {
    let single = Strategy::ALL.into_iter().filter(|strategy| *strategy != Strategy::Fifo);
    std::iter::once(Sampling::Portfolio).chain(single.map(Sampling::One)).collect()
}

/// Progress on the error stream: a bar on a terminal, and in a log a line for each part.
struct Watched {
    bar: ProgressBar,
    told: bool,
}

impl Watched {
    fn over(parts: u64) -> Watched {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len}, {elapsed}, {msg}");
        let bar = ProgressBar::with_draw_target(Some(parts), target)
            .with_style(style.expect("the template is well-formed"));
        bar.enable_steady_tick(Duration::from_millis(500));
        Watched { bar, told: !terminal }
    }

    fn begin(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        if self.told {
            eprintln!("{what}");
        }
    }

    fn ended(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The geometric mean; 0 of nothing.
fn geometric_mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0u32), |(sum, count), number| (sum + number.ln(), count + 1));
    if count == 0 { 0.0 } else { (sum / f64::from(count)).exp() }
}
