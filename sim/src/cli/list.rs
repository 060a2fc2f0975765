//! `list`: the scenarios, a line each.

use super::Scenario;
use super::output::{End, Paint, print};
use serde_json::json;
use std::fmt::Write;

pub(super) fn list(scenarios: &[Scenario], json: bool) -> End {
    let paint = Paint::for_stdout();
    let width = scenarios.iter().map(|scenario| scenario.name().len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in scenarios {
        if json {
            let line = json!({
                "scenario": scenario.name(),
                "about": scenario.about(),
                "teaches": scenario.lesson(),
                "profile": scenario.hunting_profile().name(),
                "passes": scenario.is_expected_to_pass(),
                "has_fixed": scenario.fixed_simulation().is_some(),
            });
            let _ = writeln!(text, "{line}");
        } else {
            let name = format!("{:width$}", scenario.name());
            let _ = writeln!(text, "{}  {}", paint.bold(name), scenario.about());
        }
    }
    print(&text);
    End::Passed
}
