//! `measure shrink`: how small failures become, in how many runs, and whether what is left is necessary.

use super::super::arguments::MeasureShrink;
use super::super::output::{End, Paint, grouped, print};
use super::super::{Scenario, Usage};
use super::failures::{Shrunken, find};
use super::{Watched, all_strategies, kernels};
use crate::explore::{TokenVerdict, replay_token};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// So often each token is replayed.
const REPLAYS: usize = 3;

/// What became of one failure.
struct Measured {
    kernel: String,
    constraints: u64,
    runs: u64,
    /// Each deviation is necessary, and together they are enough.
    proven: bool,
    /// The token brought the failure back each time.
    replayed: bool,
}

pub(super) fn measure(scenarios: &[Scenario], arguments: &MeasureShrink) -> Result<End, Usage> {
    let kernels = kernels(scenarios, &arguments.scenarios)?;
    let strategies = match arguments.strategies.as_slice() {
        [] => all_strategies(),
        named => named.to_vec(),
    };
    let parts = kernels.len() * strategies.len();
    let watched = Watched::over(parts as u64 * arguments.trials);
    let found = find(&kernels, &strategies, arguments.trials, arguments.cap, &watched);
    drop(watched);
    let all = found.len();
    let measured: Vec<Measured> = found.iter().filter_map(Measured::of).collect();
    let table = Table { lost: all - measured.len(), measured };
    if arguments.json {
        print(&format!("{}\n", table.value()));
    } else {
        print(&table.text(Paint::for_stdout()));
    }
    Ok(if table.is_sound() { End::Passed } else { End::Failed })
}

impl Measured {
    fn of(found: &Shrunken) -> Option<Measured> {
        let shrunk = found.finding.shrunk.as_ref()?;
        let comes_back = || {
            let token = shrunk.token.to_string().parse().ok()?;
            let verdict = replay_token(&found.simulation, &token).ok()?.verdict;
            matches!(verdict, TokenVerdict::Same(_)).then_some(())
        };
        Some(Measured {
            kernel: found.kernel.clone(),
            constraints: shrunk.constraints.len() as u64,
            runs: shrunk.runs,
            proven: shrunk.is_proven,
            replayed: (0..REPLAYS).all(|_| comes_back().is_some()),
        })
    }
}

struct Table {
    measured: Vec<Measured>,
    /// Failures that could not be shrunk: they did not come back.
    lost: usize,
}

/// The number below which this part (in percent) of the numbers lies.
fn percentile(mut numbers: Vec<u64>, percent: usize) -> u64 {
    numbers.sort_unstable();
    let index = (numbers.len() * percent).div_ceil(100).saturating_sub(1);
    numbers.get(index).copied().unwrap_or(0)
}

impl Table {
    fn constraints(&self, percent: usize) -> u64 {
        percentile(self.measured.iter().map(|measured| measured.constraints).collect(), percent)
    }

    fn runs(&self, percent: usize) -> u64 {
        percentile(self.measured.iter().map(|measured| measured.runs).collect(), percent)
    }

    fn count(&self, holds: impl Fn(&&Measured) -> bool) -> usize {
        self.measured.iter().filter(holds).count()
    }

    fn is_sound(&self) -> bool {
        self.lost == 0 && self.measured.iter().all(|measured| measured.proven && measured.replayed)
    }

    fn value(&self) -> Value {
        json!({
            "failures": self.measured.len(),
            "constraints_median": self.constraints(50),
            "constraints_p90": self.constraints(90),
            "runs_median": self.runs(50),
            "runs_p90": self.runs(90),
            "proven": self.count(|measured| measured.proven),
            "replayed": self.count(|measured| measured.replayed),
            "lost": self.lost,
        })
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let mut kernels: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
        for measured in &self.measured {
            kernels.entry(&measured.kernel).or_default().push(measured);
        }
        let width = kernels.keys().map(|kernel| kernel.len()).max().unwrap_or(0).max(12);
        let _ = writeln!(text, "{:width$}  failures  constraints (most)  runs (most)  proven  replayed", "");
        for (kernel, measured) in kernels {
            let of = |number: fn(&Measured) -> u64, percent| {
                percentile(measured.iter().map(|measured| number(measured)).collect(), percent)
            };
            let count = |holds: fn(&Measured) -> bool| measured.iter().filter(|it| holds(it)).count();
            let constraints = |measured: &Measured| measured.constraints;
            let runs = |measured: &Measured| measured.runs;
            let _ = writeln!(
                text,
                "{kernel:width$}  {:>8}  {:>11} {:>6}  {:>4} {:>6}  {:>6}  {:>8}",
                measured.len(),
                of(constraints, 50),
                format!("({})", of(constraints, 100)),
                of(runs, 50),
                format!("({})", of(runs, 100)),
                count(|it| it.proven),
                count(|it| it.replayed),
            );
        }
        let _ = writeln!(
            text,
            "\n{} failures: constraints median {}, nine of ten at most {}; runs median {}, nine of ten at most {}.",
            grouped(self.measured.len() as u64),
            self.constraints(50),
            self.constraints(90),
            self.runs(50),
            self.runs(90),
        );
        if self.is_sound() {
            text.push_str("Each token brought its failure back three times, and without any one constraint it passes.\n");
        } else {
            let wrong = paint.verdict(End::Failed, "not sound");
            let _ = writeln!(
                text,
                "{wrong}: {} could not be shrunk, {} are not proven, {} tokens did not bring their failure back.",
                self.lost,
                self.count(|measured| !measured.proven),
                self.count(|measured| !measured.replayed),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_numbers_of_the_list() {
        assert_eq!(percentile(vec![3, 1, 2], 50), 2);
        assert_eq!(percentile(vec![1, 2, 3, 4], 50), 2);
        assert_eq!(percentile((1..=10).collect(), 90), 9);
        assert_eq!(percentile(vec![7], 90), 7);
        assert_eq!(percentile(vec![], 50), 0);
    }
}
