//! `merge`: the results of all shards as one report.
//!
//! Files of one hunt add up, in any order. Each run must be in one file: what is in none is named, what is in two is refused,
//! but for a file that is the same as another one.

use super::Usage;
use super::arguments::Merge as Arguments;
use super::hunt_report::{Merged, Report};
use super::output::{End, Paint, print};
use super::results::{Results, Told};
use crate::explore::finding::First;
use crate::explore::runs::RunSet;
use crate::explore::tally::Tally;
use crate::explore::{Covered, Gap, Shard};
use crate::outcome::Identity;
use std::collections::{BTreeMap, BTreeSet};

/// A file of results by its name.
pub(super) type Named = (String, Results);

pub(super) fn merge(arguments: &Arguments) -> Result<End, Usage> {
    let mut files = Vec::new();
    for path in &arguments.files {
        let results = Results::read(path)?;
        let results = results.ok_or_else(|| format!("there is no file {}", path.display()))?;
        files.push((path.display().to_string(), results));
    }
    let report = merged(files)?;
    print(&if arguments.json { format!("{}\n", report.value()) } else { report.text(Paint::for_stdout()) });
    Ok(report.end())
}

/// One report of all files.
pub(super) fn merged(files: Vec<Named>) -> Result<Report, Usage> {
    let count = files.len();
    let (files, twice) = without_twins(files);
    let (_, first) = files.first().ok_or("no file was given")?;
    let (hunt, sampling) =
        (first.hunt.clone(), first.sampling().expect("a file that was read has a strategy"));
    let (mut total, mut covered) = (Tally::default(), RunSet::default());
    for (index, (name, results)) in files.iter().enumerate() {
        if let Some(difference) = hunt.difference(&results.hunt) {
            return Err(format!("{name} is of another hunt than {}: {difference}", files[0].0));
        }
        let tally = results.tally().expect("a file that was read has one");
        for (earlier, other) in &files[..index] {
            let common = runs_of(results).common(&runs_of(other));
            if common.len() > 0 {
                return Err(format!(
                    "runs {common} are in {earlier} and in {name}, which differ: leave one out"
                ));
            }
        }
        covered.add(&runs_of(results));
        total.add(tally);
    }
    let mut end = hunt.runs;
    if let Some(lowest) = total.lowest_failed().filter(|_| !hunt.all) {
        total.stop_at(lowest, sampling.strategy_of(lowest));
        end = lowest + 1;
    }
    let missing = covered.missing(0..end);
    let mut left = covered;
    left.cut(end);
    let merged = Merged { files: count, missing, missing_shards: missing_shards(&files), twice };
    Ok(Report {
        shard: None,
        runs: total.done.len(),
        left: Some(left.len() - total.done.len()),
        inconclusive: total.inconclusive.len(),
        inconclusive_reason: total.inconclusive_reason.as_ref().map(|(_, reason)| reason.clone()),
        covered: hunt
            .coverage
            .then(|| Covered { gaps: gaps(&files, &total), ..Covered::of(&total, sampling) }),
        findings: findings(&files, total),
        merged: Some(merged),
        hunt,
    })
}

/// The files that differ, and those that do not, with the one that they are like.
fn without_twins(files: Vec<Named>) -> (Vec<Named>, Vec<(String, String)>) {
    let (mut kept, mut twice) = (Vec::<Named>::new(), Vec::new());
    for (name, results) in files {
        match kept.iter().find(|(_, other)| other.runs == results.runs && other.digest() == results.digest())
        {
            Some((like, _)) => twice.push((name, like.clone())),
            None => kept.push((name, results)),
        }
    }
    (kept, twice)
}

/// The runs that a file answers for: all of its own if its hunt has ended, else those that were made.
fn runs_of(results: &Results) -> RunSet {
    if results.ended {
        return std::iter::once(results.runs[0]..results.runs[1]).collect();
    }
    results.tally().expect("a file that was read has one").done
}

fn missing_shards(files: &[Named]) -> Vec<String> {
    let given: BTreeSet<&str> = files.iter().filter_map(|(_, results)| results.shard.as_deref()).collect();
    let count =
        given.iter().filter_map(|text| text.parse::<Shard>().ok()).map(Shard::count).max().unwrap_or(0);
    let all = (1..=count).map(|number| format!("{number}/{count}"));
    all.filter(|shard| !given.contains(shard.as_str())).collect()
}

/// Each failure, with how the shard of its first run told it.
fn findings(files: &[Named], total: Tally) -> Vec<(First, Option<Told>)> {
    let told: BTreeMap<(u64, Identity), &Told> = files
        .iter()
        .flat_map(|(_, results)| results.told())
        .map(|(run, identity, told)| ((run, identity), told))
        .collect();
    let mut findings: Vec<_> = total
        .failures
        .into_iter()
        .map(|(identity, first)| {
            let told = told.get(&(first.run, identity)).map(|told| (*told).clone());
            (first, told)
        })
        .collect();
    findings.sort_by_key(|(first, _)| first.run);
    findings
}

/// Places that came in one order only in all files, of those that a file has named.
fn gaps(files: &[Named], total: &Tally) -> Vec<Gap> {
    let open: BTreeSet<_> = total.coverage.gaps().into_iter().map(|(pair, _)| pair).collect();
    let named = files.iter().flat_map(|(_, results)| results.gaps().unwrap_or_default());
    let mut gaps: Vec<Gap> = named.filter(|gap| open.contains(&gap.pair)).collect();
    gaps.sort_by_key(|gap| (gap.run, gap.pair));
    let mut met = BTreeSet::new();
    gaps.retain(|gap| met.insert(gap.pair));
    gaps
}

#[cfg(test)]
#[path = "merge/tests.rs"]
mod tests;
