//! What a hunt found, for people and for programs: of one process, or merged from shards.

use super::json::hex;
use super::output::{End, Paint, grouped, quoted};
use super::results::{Told, ToldShrunk, Which};
use super::run::title;
use crate::explore::finding::First;
use crate::explore::runs::RunSet;
use crate::explore::{Covered, Shard};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// All that is reported of a hunt.
pub(super) struct Report {
    pub(super) hunt: Which,
    pub(super) shard: Option<Shard>,
    /// How many runs were made.
    pub(super) runs: u64,
    /// How many it had no time for; none if their number was not given.
    pub(super) left: Option<u64>,
    pub(super) inconclusive: u64,
    pub(super) inconclusive_reason: Option<String>,
    pub(super) findings: Vec<(First, Option<Told>)>,
    pub(super) covered: Option<Covered>,
    pub(super) merged: Option<Merged>,
}

/// What is reported of files that were merged.
pub(super) struct Merged {
    pub(super) files: usize,
    /// Runs that none of them has, and should.
    pub(super) missing: RunSet,
    /// Shards that no file is of.
    pub(super) missing_shards: Vec<String>,
    /// Files that hold the same as another one, and which.
    pub(super) twice: Vec<(String, String)>,
}

impl Report {
    pub(super) fn end(&self) -> End {
        let missing = self.merged.as_ref().is_some_and(|merged| merged.missing.len() > 0);
        match () {
            () if !self.findings.is_empty() => End::Failed,
            () if self.inconclusive > 0 || missing => End::Inconclusive,
            () => End::Passed,
        }
    }

    /// For programs.
    pub(super) fn value(&self) -> Value {
        let hunt = &self.hunt;
        let findings = self.findings.iter().map(|(first, told)| finding_value(first, told.as_ref()));
        let mut value = json!({
            "scenario": hunt.scenario,
            "fixed": hunt.fixed,
            "seed": hunt.seed,
            "profile": hunt.profile,
            "strategy": hunt.strategy,
            "shard": self.shard.map(|shard| shard.to_string()),
            "runs": self.runs,
            "left": self.left,
            "passed": self.end() == End::Passed,
            "inconclusive": self.inconclusive,
            "inconclusive_reason": self.inconclusive_reason,
            "findings": findings.collect::<Vec<_>>(),
            "coverage": self.covered.as_ref().map(covered_value),
        });
        if let Some(merged) = &self.merged {
            let missing = merged.missing.ranges().iter().map(|range| [range.start, range.end - 1]);
            let twice = merged.twice.iter().map(|(file, like)| json!({ "file": file, "same_as": like }));
            value["merged"] = json!({
                "files": merged.files,
                "missing_runs": missing.collect::<Vec<_>>(),
                "missing_shards": merged.missing_shards,
                "given_twice": twice.collect::<Vec<_>>(),
            });
        }
        value
    }

    /// For people.
    pub(super) fn text(&self, paint: Paint) -> String {
        let subject = title(&self.value());
        let runs = count_of(self.runs, "run");
        let mut text = String::new();
        for (first, told) in &self.findings {
            self.add_finding(first, told.as_ref(), &subject, paint, &mut text);
        }
        let all = if self.findings.is_empty() || self.hunt.all {
            self.covered.as_ref().map(|covered| covered_text(covered, self.runs))
        } else {
            None
        };
        let summary = match self.findings.len() {
            0 => {
                format!("{}  {runs} of {subject}: none failed", paint.verdict(self.end(), self.end().name()))
            }
            found => format!("{} in {runs}", count_of(found as u64, "failure")),
        };
        let _ = write!(text, "{summary}");
        if let Some(shard) = self.shard {
            let _ = write!(text, " (shard {shard} of {} runs)", grouped(self.hunt.runs));
        }
        text.push('\n');
        if let Some(left) = self.left.filter(|left| *left > 0) {
            let _ = writeln!(text, "The time was up before {} more could be made.", count_of(left, "run"));
        }
        if let Some(reason) = &self.inconclusive_reason {
            let _ = writeln!(text, "{} inconclusive: {reason}", grouped(self.inconclusive));
        }
        if let Some(merged) = &self.merged {
            merged.add_text(&mut text);
        }
        text + &all.unwrap_or_default()
    }

    fn add_finding(
        &self,
        first: &First,
        told: Option<&Told>,
        subject: &str,
        paint: Paint,
        text: &mut String,
    ) {
        let (run, verdict) = (first.run, paint.verdict(End::Failed, "failed"));
        let report = told.map_or_else(|| first.failure.to_string() + "\n", |told| told.report.clone());
        let _ = writeln!(text, "{verdict}  {subject}: run {run}\n\n{report}");
        if first.count > 1 {
            let runs = count_of(self.runs, "run");
            let _ = writeln!(text, "{} of {runs} failed like this.", grouped(first.count));
        }
        let Some(told) = told else {
            let command = paint.bold(format!("counterpoint run {} --trace", self.run_arguments(run)));
            let _ = writeln!(text, "Its shard ended before it could tell more. Show it:  {command}\n");
            return;
        };
        if told.fails_in_fifo && told.shrunk.is_none() {
            let _ = writeln!(text, "It fails in asyncio's own order as well (profile fifo).");
        }
        if let Some(shrunk) = &told.shrunk {
            add_shrunk(shrunk, paint, text);
        }
        if let Some(file) = &told.recording {
            let command = paint.bold(format!("counterpoint replay {}", quoted(Path::new(file))));
            let _ = writeln!(text, "replay this run:  {command}\n");
        }
    }

    /// What names a run on the command line.
    fn run_arguments(&self, run: u64) -> String {
        let Which { scenario, fixed, seed, profile, strategy, step_limit, .. } = &self.hunt;
        let fixed = if *fixed { " --fixed" } else { "" };
        let limit = step_limit.map_or_else(String::new, |limit| format!(" --step-limit {limit}"));
        format!(
            "{scenario}{fixed} --seed {seed} --run {run} --profile {profile} --strategy {strategy}{limit}"
        )
    }
}

impl Merged {
    fn add_text(&self, text: &mut String) {
        let _ = writeln!(text, "Merged from {}.", count_of(self.files as u64, "file"));
        for (file, like) in &self.twice {
            let _ = writeln!(text, "{file} holds the same as {like}: it was counted once.");
        }
        let shards = match self.missing_shards.as_slice() {
            [] => String::new(),
            [one] => format!("shard {one}"),
            more => format!("shards {}", more.join(", ")),
        };
        if self.missing.len() > 0 {
            let of = if shards.is_empty() { shards } else { format!(" (there is no file of {shards})") };
            let _ = writeln!(text, "missing: runs {}{of}", self.missing);
        } else if !shards.is_empty() {
            let _ = writeln!(text, "There is no file of {shards}; no run of it comes before the failure.");
        }
    }
}

/// What shrinking came to, and what brings the failure back.
fn add_shrunk(shrunk: &ToldShrunk, paint: Paint, text: &mut String) {
    let constraints = match shrunk.constraints.len() {
        0 => "nothing out of the ordinary".to_owned(),
        count => count_of(count as u64, "deviation") + " from the ordinary run",
    };
    let runs = count_of(shrunk.runs, "run");
    let _ = write!(text, "Shrunk in {runs} to {constraints}");
    let _ = writeln!(
        text,
        "{}.",
        match (shrunk.exhausted, shrunk.proven) {
            (true, _) => "; the budget was spent before all was tried (--shrink-runs)",
            (false, false) => "; it did not fail each time",
            (false, true) => "",
        }
    );
    for (failure, token) in &shrunk.others {
        let failure = failure.lines().next().unwrap_or_default();
        let _ =
            writeln!(text, "Another failure was met on the way: {failure}\n  counterpoint replay {token}");
    }
    let command = paint.bold(format!("counterpoint replay {}", shrunk.token));
    let _ = writeln!(text, "replay the failure:  {command}");
}

fn finding_value(first: &First, told: Option<&Told>) -> Value {
    let told = told.map(|told| json!(told)).unwrap_or_default();
    let failure = match &told["failure"] {
        Value::Null => super::json::failure(&first.failure),
        failure => failure.clone(),
    };
    json!({
        "run": first.run,
        "count": first.count,
        "confirmed": told.is_object().then(|| told["difference"].is_null()),
        "difference": told["difference"],
        "fails_in_fifo": told["fails_in_fifo"],
        "fingerprint": told["fingerprint"],
        "recording": told["recording"],
        "shrunk": told["shrunk"],
        "identity": hex(first.failure.identity.digest()),
        "failure": failure,
    })
}

fn covered_value(covered: &Covered) -> Value {
    let Covered { behaviours, seen_once, exact, pairs_in_both_orders, pairs_in_one_order, gaps, yields } =
        covered;
    let gaps = gaps.iter().map(|gap| json!({ "first": gap.first, "second": gap.second, "run": gap.run }));
    let yields = yields.iter().map(|share| {
        json!({
            "strategy": share.strategy.name(),
            "runs": share.runs,
            "new_behaviours": share.new_behaviours,
            "failed": share.failed,
        })
    });
    json!({
        "behaviours": behaviours,
        "seen_once": seen_once,
        "exact": exact,
        "pairs_in_both_orders": pairs_in_both_orders,
        "pairs_in_one_order": pairs_in_one_order,
        "gaps": gaps.collect::<Vec<_>>(),
        "strategies": yields.collect::<Vec<_>>(),
    })
}

/// What was covered: behaviours, places in one order only, strategies.
fn covered_text(covered: &Covered, runs: u64) -> String {
    let about = if covered.exact { "" } else { "about " };
    let mut text = format!(
        "\n{about}{}; the next run shows a new one with a chance of {}\n",
        count_of(covered.behaviours, "distinct behaviour"),
        chance(covered.seen_once, runs)
    );
    let (both, one) = (covered.pairs_in_both_orders, covered.pairs_in_one_order);
    if both + one > 0 {
        let pairs = count_of(both + one, "pair");
        let _ = write!(text, "{pairs} of places that conflict: {} met in both orders, ", grouped(both));
        let _ = write!(text, "{} in one only", grouped(one));
        let _ = writeln!(
            text,
            "{}",
            if covered.gaps.is_empty() { "" } else { "; what might come in the other order:" }
        );
    }
    for gap in &covered.gaps {
        let _ = writeln!(text, "  so far {}, then {}", gap.first, gap.second);
    }
    if covered.yields.len() > 1 {
        let _ = writeln!(text, "\n{:<10} {:>9} {:>15} {:>9}", "strategy", "runs", "new behaviours", "failed");
        for share in &covered.yields {
            let (runs, new) = (grouped(share.runs), grouped(share.new_behaviours));
            let _ = writeln!(
                text,
                "{:<10} {runs:>9} {new:>15} {:>9}",
                share.strategy.name(),
                grouped(share.failed)
            );
        }
    }
    text
}

/// A chance, as what one believes of it: `about 1 in 340`.
fn chance(seen_once: u64, runs: u64) -> String {
    match (seen_once, runs) {
        (0, runs) => format!("less than 1 in {}", grouped(runs.max(1))),
        (once, runs) if once * 2 >= runs => format!("{} in 100", (once * 100).div_ceil(runs.max(1)).min(100)),
        (once, runs) => format!("about 1 in {}", grouped((runs + once / 2) / once)),
    }
}

/// `1 run`, `12,345 runs`.
fn count_of(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_is_told_as_one_believes_it() {
        let cases = [
            ((0, 1000), "less than 1 in 1,000"),
            ((1, 1), "100 in 100"),
            ((3, 4), "75 in 100"),
            ((3, 1000), "about 1 in 333"),
        ];
        for ((once, runs), text) in cases {
            assert_eq!(chance(once, runs), text);
        }
    }
}
