//! What a hunt or one shard of it found, as a file: also what a hunt that was killed goes on from.
//!
//! A file is JSON, with a version and a digest, and comes into being by a rename: it is whole or not there. It holds a
//! tally of runs, so that files of different runs add up (`merge`), and the reports of the failures once they are told.

use super::json::hex;
use crate::explore::coverage::{Coverage, Pair, Shown};
use crate::explore::finding::First;
use crate::explore::runs::RunSet;
use crate::explore::tally::Tally;
use crate::explore::{Gap, Sampling, Shard};
use crate::outcome::{Digest, Failure, FailureKind, Identity};
use counterpoint_runtime::Instant;
use counterpoint_runtime::schedule::SitePair;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

const FORMAT: &str = "counterpoint hunt";
const VERSION: u64 = 1;

/// What a hunt or one shard of it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Results {
    pub(super) hunt: Which,
    /// Which of the shards, as `2/4`; none if the hunt is not divided.
    pub(super) shard: Option<String>,
    /// The first of its runs, and the one behind the last.
    pub(super) runs: [u64; 2],
    /// It has ended; else it is what there was when it was written.
    pub(super) ended: bool,
    /// Ranges, as all sets of runs here.
    done: Vec<[u64; 2]>,
    inconclusive: Vec<[u64; 2]>,
    inconclusive_reason: Option<(u64, String)>,
    failures: Vec<Failed>,
    /// How many runs failed, by strategy.
    failed: BTreeMap<String, u64>,
    coverage: Covering,
    gaps: Vec<OneOrder>,
}

/// Which hunt: equal for all its shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    pub(super) scenario: String,
    pub(super) fixed: bool,
    pub(super) seed: u64,
    pub(super) profile: String,
    pub(super) strategy: String,
    pub(super) step_limit: Option<u64>,
    /// The runs of all shards.
    pub(super) runs: u64,
    /// All runs are made, whatever fails.
    pub(super) all: bool,
    /// What the runs cover was looked at.
    pub(super) coverage: bool,
    /// The fingerprint of run 0: of another program it is another.
    pub(super) program: String,
}

/// A failure, and the first run that ended in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    run: u64,
    count: u64,
    kind: String,
    subject: String,
    lanes: Vec<String>,
    message: String,
    task: Option<String>,
    place: Option<String>,
    time_ns: u64,
    step: u64,
    told: Option<Told>,
}

/// A failure as it was told, once its run was made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    /// The report, in words.
    pub(super) report: String,
    /// How the failure did not come back; none if it did.
    pub(super) difference: Option<String>,
    pub(super) fails_in_fifo: bool,
    pub(super) fingerprint: String,
    /// The file of the recording.
    pub(super) recording: Option<String>,
    /// The failure, for programs.
    pub(super) failure: Value,
    /// What it was shrunk to.
    #[serde(default)]
    pub(super) shrunk: Option<ToldShrunk>,
}

/// What a failure was shrunk to, as it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToldShrunk {
    /// What replays it.
    pub(super) token: String,
    /// Why it fails, in one line.
    pub(super) sentence: String,
    /// Each deviation in words.
    pub(super) constraints: Vec<String>,
    /// Which orders must be legal for it to fail.
    pub(super) profile: String,
    /// How many runs shrinking took.
    pub(super) runs: u64,
    /// Each deviation is necessary, and all of them are enough.
    pub(super) proven: bool,
    /// The budget was spent before all was tried.
    pub(super) exhausted: bool,
    /// Other failures that were met on the way: what went wrong, and a token.
    pub(super) others: Vec<(String, String)>,
}

/// Coverage; see there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Covering {
    behaviours_level: u32,
    behaviours: Vec<(String, u64, Option<u64>)>,
    pairs_level: u32,
    pairs: Vec<(String, String, Option<u64>, Option<u64>)>,
}

/// Two places that came in one order only, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneOrder {
    sites: [String; 2],
    first: String,
    second: String,
    run: u64,
}

impl Results {
    /// Of these runs.
    pub(super) fn new(hunt: Which, shard: Option<Shard>, runs: [u64; 2], tally: &Tally) -> Results {
        let ranges = |set: &RunSet| set.ranges().iter().map(|range| [range.start, range.end]).collect();
        let by_name = tally.failed.iter().map(|(strategy, count)| (strategy.name().to_owned(), *count));
        let mut failures: Vec<Failed> = tally.failures.values().map(Failed::of).collect();
        failures.sort_by_key(|failed| failed.run);
        Results {
            hunt,
            shard: shard.map(|shard| shard.to_string()),
            runs,
            ended: false,
            done: ranges(&tally.done),
            inconclusive: ranges(&tally.inconclusive),
            inconclusive_reason: tally.inconclusive_reason.clone(),
            failures,
            failed: by_name.collect(),
            coverage: Covering::of(&tally.coverage),
            gaps: Vec::new(),
        }
    }

    /// Adds how the failure of a run was told.
    pub(super) fn tell(&mut self, run: u64, told: Told) {
        if let Some(failed) =
            self.failures.iter_mut().find(|failed| failed.run == run && failed.told.is_none())
        {
            failed.told = Some(told);
        }
    }

    /// Adds places that came in one order only.
    pub(super) fn set_gaps(&mut self, gaps: &[Gap]) {
        let one_order = |gap: &Gap| OneOrder {
            sites: [hex(gap.pair.first), hex(gap.pair.second)],
            first: gap.first.clone(),
            second: gap.second.clone(),
            run: gap.run,
        };
        self.gaps = gaps.iter().map(one_order).collect();
    }

    /// Places that came in one order only, as far as they were named.
    pub(super) fn gaps(&self) -> Option<Vec<Gap>> {
        let gap = |gap: &OneOrder| {
            let pair = SitePair { first: number(&gap.sites[0])?, second: number(&gap.sites[1])? };
            Some(Gap { pair, first: gap.first.clone(), second: gap.second.clone(), run: gap.run })
        };
        self.gaps.iter().map(gap).collect()
    }

    /// Each failure with how it was told, by its identity.
    pub(super) fn told(&self) -> impl Iterator<Item = (u64, Identity, &Told)> {
        self.failures
            .iter()
            .filter_map(|failed| Some((failed.run, failed.first()?.failure.identity, failed.told.as_ref()?)))
    }

    /// The tally that it was made from.
    pub(super) fn tally(&self) -> Option<Tally> {
        let set = |ranges: &[[u64; 2]]| ranges.iter().map(|[start, end]| *start..*end).collect();
        let failures = self.failures.iter().map(|failed| {
            let first = failed.first()?;
            Some((first.failure.identity.clone(), first))
        });
        let failed = self.failed.iter().map(|(name, count)| Some((name.parse().ok()?, *count)));
        Some(Tally {
            done: set(&self.done),
            inconclusive: set(&self.inconclusive),
            inconclusive_reason: self.inconclusive_reason.clone(),
            failures: failures.collect::<Option<_>>()?,
            failed: failed.collect::<Option<_>>()?,
            coverage: self.coverage.read()?,
        })
    }

    pub(super) fn sampling(&self) -> Option<Sampling> {
        self.hunt.strategy.parse().ok()
    }

    /// A number for all that it holds.
    pub(super) fn digest(&self) -> String {
        digest_of(&json!(self))
    }

    /// Writes the file: beside its place, then there by a rename.
    pub(super) fn write(&self, path: &Path) -> Result<(), String> {
        let results = json!(self);
        let file = json!({ "format": FORMAT, "version": VERSION, "digest": digest_of(&results), "results": results });
        write_by_rename(path, &format!("{file}\n"))
            .map_err(|error| format!("the results cannot be written to {}: {error}", path.display()))
    }

    /// Reads a file; none if there is no such file.
    pub(super) fn read(path: &Path) -> Result<Option<Results>, String> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        Results::from_text(&text).map(Some).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn from_text(text: &str) -> Result<Results, String> {
        const DAMAGED: &str = "this file of results is damaged: it was cut off or changed since it was written; make it \
                               again, or copy it anew";
        if !text.trim_start().starts_with('{') || !text.contains(FORMAT) {
            return Err("this file holds no results of a hunt of Counterpoint".to_owned());
        }
        let mut file: Value = serde_json::from_str(text).map_err(|_| DAMAGED.to_owned())?;
        if file["format"] != FORMAT {
            return Err("this file holds no results of a hunt of Counterpoint".to_owned());
        }
        if file["version"] != VERSION {
            return Err(format!(
                "these results have version {} of the format, and this program reads version {VERSION}; hunt again, or \
                 use the version of Counterpoint that made them",
                file["version"]
            ));
        }
        let results = file["results"].take();
        if file["digest"] != digest_of(&results) {
            return Err(DAMAGED.to_owned());
        }
        let results: Results = serde_json::from_value(results).map_err(|_| DAMAGED.to_owned())?;
        let readable = results.tally().is_some() && results.gaps().is_some() && results.sampling().is_some();
        if readable { Ok(results) } else { Err(DAMAGED.to_owned()) }
    }
}

impl Which {
    /// How another hunt differs from this one, in words; none if it does not.
    pub(super) fn difference(&self, other: &Which) -> Option<String> {
        let (here, there) = (json!(self), json!(other));
        let fields = here.as_object()?.iter().filter(|(name, value)| there[name.as_str()] != **value);
        // What was typed explains why run 0 differs as well.
        let (name, value) = fields.min_by_key(|(name, _)| name.as_str() == "program")?;
        let there = &there[name.as_str()];
        Some(match name.as_str() {
            "program" => "run 0 went otherwise there: the programs differ, or read something that the seed does not fix"
                .to_owned(),
            "all" => "one makes all runs (--all), the other stops at the first failure".to_owned(),
            "coverage" => "one looks at what runs cover, the other does not (--no-coverage)".to_owned(),
            "fixed" => "one is of the scenario with its bug repaired (--fixed)".to_owned(),
            "step_limit" => format!("the limit of steps is {value} here and {there} there"),
            "runs" => format!("all runs are {value} here and {there} there"),
            name => format!("the {name} is {value} here and {there} there"),
        })
    }
}

impl Failed {
    fn of(First { run, count, failure }: &First) -> Failed {
        let (kind, subject, lanes) = failure.identity.parts();
        Failed {
            run: *run,
            count: *count,
            kind: kind.name().to_owned(),
            subject: subject.to_owned(),
            lanes: lanes.iter().copied().map(hex).collect(),
            message: failure.message.clone(),
            task: failure.task.clone(),
            place: failure.place.clone(),
            time_ns: failure.time.as_nanos(),
            step: failure.step,
            told: None,
        }
    }

    fn first(&self) -> Option<First> {
        let kind = FailureKind::ALL.into_iter().find(|kind| kind.name() == self.kind)?;
        let lanes = self.lanes.iter().map(|lane| number(lane)).collect::<Option<_>>()?;
        let failure = Failure {
            kind,
            message: self.message.clone(),
            task: self.task.clone(),
            place: self.place.clone(),
            time: Instant::ZERO + Duration::from_nanos(self.time_ns),
            step: self.step,
            deadlock: None, // its text is the message
            identity: Identity::from_parts(kind, self.subject.clone(), lanes, self.place.as_deref()),
        };
        Some(First { run: self.run, count: self.count, failure })
    }
}

impl Covering {
    fn of(coverage: &Coverage) -> Covering {
        let (behaviours, pairs) = coverage.parts();
        let (behaviours_level, behaviours) = behaviours.kept();
        let (pairs_level, pairs) = pairs.kept();
        let pair = |pair: &Pair| (hex(pair.sites[0]), hex(pair.sites[1]), pair.runs[0], pair.runs[1]);
        Covering {
            behaviours_level,
            behaviours: behaviours.map(|(key, shown)| (hex(key), shown.first, shown.second)).collect(),
            pairs_level,
            pairs: pairs.map(|(_, kept)| pair(kept)).collect(),
        }
    }

    fn read(&self) -> Option<Coverage> {
        let behaviours = self
            .behaviours
            .iter()
            .map(|(key, first, second)| Some((number(key)?, Shown { first: *first, second: *second })));
        let pairs = self.pairs.iter().map(|(low, high, forth, back)| {
            Some(Pair { sites: [number(low)?, number(high)?], runs: [*forth, *back] })
        });
        let behaviours: Vec<_> = behaviours.collect::<Option<_>>()?;
        let pairs: Vec<_> = pairs.collect::<Option<_>>()?;
        Some(Coverage::from_parts((self.behaviours_level, behaviours), (self.pairs_level, pairs)))
    }
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// A digest of a value that does not depend on the order of its keys.
fn digest_of(value: &Value) -> String {
    fn add(value: &Value, digest: &mut Digest) {
        match value {
            Value::Array(values) => {
                digest.bytes(b"[");
                values.iter().for_each(|value| add(value, digest));
                digest.bytes(b"]");
            }
            Value::Object(object) => {
                let sorted: BTreeMap<&String, &Value> = object.iter().collect();
                digest.bytes(b"{");
                for (key, value) in sorted {
                    digest.bytes(json!(key).to_string().as_bytes());
                    add(value, digest);
                }
                digest.bytes(b"}");
            }
            plain => {
                digest.bytes(plain.to_string().as_bytes());
                digest.bytes(b",");
            }
        }
    }
    let mut digest = Digest::new();
    add(value, &mut digest);
    hex(digest.value())
}

fn write_by_rename(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
