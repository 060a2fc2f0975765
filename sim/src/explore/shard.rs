//! One part of a hunt that is divided among machines.
//!
//! A hunt is a range of run numbers; shard i of n takes the i-th n-th of it, without a coordinator. The number of the shard
//! is typed, or read from what a Slurm array or an indexed job of Kubernetes puts into the environment.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// How many shards there are, where Kubernetes says only which one it is.
const COUNT: &str = "COUNTERPOINT_SHARDS";

/// One of the shards of a hunt.
///
/// # Examples
/// ```
/// use counterpoint::explore::Shard;
///
/// let shard: Shard = "2/4".parse()?;
/// assert_eq!(shard.of(&(0..1000)), 250..500);
/// assert_eq!("5/4".parse::<Shard>(), Err("there is no shard 5 of 4: they are 1/4 to 4/4".to_owned()));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    number: u64,
    count: u64,
}

impl Shard {
    /// The shard with this number, from 1, of so many.
    ///
    /// # Errors
    /// Says that there is no such shard.
    pub fn new(number: u64, count: u64) -> Result<Shard, String> {
        match (number, count) {
            (_, 0) => Err("a hunt in 0 shards makes no runs".to_owned()),
            (0, count) => {
                Err(format!("there is no shard 0 of {count}: they are counted from 1, as 1/{count}"))
            }
            (number, count) if number > count => {
                Err(format!("there is no shard {number} of {count}: they are 1/{count} to {count}/{count}"))
            }
            (number, count) => Ok(Shard { number, count }),
        }
    }

    /// The shard that the environment of this process says; none if it says nothing.
    ///
    /// Slurm: `SLURM_ARRAY_TASK_ID`, with `_COUNT`, `_MIN`, `_MAX` and `_STEP`. Kubernetes: `JOB_COMPLETION_INDEX`, with the
    /// number of shards as `count` or in `COUNTERPOINT_SHARDS`.
    ///
    /// # Errors
    /// Says what in the environment does not fit.
    pub fn of_environment(count: Option<u64>) -> Result<Option<Shard>, String> {
        Shard::from_environment(count, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_environment(
        count: Option<u64>,
        value_of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Shard>, String> {
        let number = |name: &str| match value_of(name) {
            None => Ok(None),
            Some(text) => match text.trim().parse::<u64>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => {
                    Err(format!("{name} is `{text}`, which is no number; say the shard with --shard I/N"))
                }
            },
        };
        let found = match (number("SLURM_ARRAY_TASK_ID")?, number("JOB_COMPLETION_INDEX")?) {
            (Some(id), _) => Shard::of_slurm(id, &number)?,
            (None, Some(index)) => {
                let Some(count) = count.map_or_else(|| number(COUNT), |count| Ok(Some(count)))? else {
                    return Err(format!(
                        "JOB_COMPLETION_INDEX is {index}, but nothing says of how many shards; say so with --shards N \
                         or in {COUNT}"
                    ));
                };
                Shard::new(index.saturating_add(1), count)
                    .map_err(|error| format!("JOB_COMPLETION_INDEX is {index}, counted from 0: {error}"))?
            }
            (None, None) => return Ok(None),
        };
        match count {
            Some(count) if count != found.count => Err(format!(
                "--shards says {count}, but the environment says {} (it is shard {found})",
                found.count
            )),
            _ => Ok(Some(found)),
        }
    }

    fn of_slurm(id: u64, number: &dyn Fn(&str) -> Result<Option<u64>, String>) -> Result<Shard, String> {
        let of = |what: &str| {
            let name = format!("SLURM_ARRAY_TASK_{what}");
            number(&name)?.ok_or_else(|| {
                format!("SLURM_ARRAY_TASK_ID is set, but {name} is not; say the shard with --shard I/N")
            })
        };
        let (count, min, max) = (of("COUNT")?, of("MIN")?, of("MAX")?);
        let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
        let even = count > 0 && max.checked_sub(min).is_some_and(|length| length / step == count - 1);
        if !even || id < min || !(id - min).is_multiple_of(step) {
            return Err(format!(
                "task {id} of a Slurm array of {count} from {min} to {max}: which shard that is cannot be told; give the \
                 array as --array=1-{count}, or say the shard with --shard I/N"
            ));
        }
        Shard::new((id - min) / step + 1, count)
    }

    /// Its number, from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// How many shards there are.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Its runs, of all the runs of the hunt: one range, and no two shards differ by more than one run.
    pub fn of(self, runs: &Range<u64>) -> Range<u64> {
        let length = u128::from(runs.end.saturating_sub(runs.start));
        // No more than the length, which fits.
        let at = |number: u64| runs.start + (length * u128::from(number) / u128::from(self.count)) as u64;
        at(self.number - 1)..at(self.number)
    }
}

/// `2/4`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').map(|(number, count)| (number.trim().parse(), count.trim().parse()));
        match parts {
            Some((Ok(number), Ok(count))) => Shard::new(number, count),
            _ => Err(format!("`{text}` is no shard; say which one of how many, as 2/4")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(environment: &[(&str, &str)], count: Option<u64>, found: &str) {
        let value_of = |name: &str| {
            let entry = environment.iter().find(|(key, _)| *key == name);
            entry.map(|(_, value)| (*value).to_owned())
        };
        let text = match Shard::from_environment(count, &value_of) {
            Ok(None) => "none".to_owned(),
            Ok(Some(shard)) => shard.to_string(),
            Err(error) => error,
        };
        assert!(text.contains(found), "{text}");
    }

    fn slurm<'a>(id: &'a str, count: &'a str, min: &'a str, max: &'a str) -> Vec<(&'static str, &'a str)> {
        let names =
            ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX"];
        names.into_iter().zip([id, count, min, max]).collect()
    }

    #[test]
    fn a_slurm_array_may_begin_anywhere_and_have_steps() {
        check(&slurm("0", "4", "0", "3"), None, "1/4");
        check(&slurm("4", "4", "1", "4"), None, "4/4");
        let mut with_step = slurm("21", "3", "11", "31");
        with_step.push(("SLURM_ARRAY_TASK_STEP", "10"));
        check(&with_step, None, "2/3");
        check(&slurm("4", "4", "1", "4"), Some(8), "--shards says 8, but the environment says 4");
    }

    #[test]
    fn a_slurm_array_with_holes_is_refused() {
        check(&slurm("2", "3", "1", "7"), None, "task 2 of a Slurm array of 3 from 1 to 7: which shard");
        check(&slurm("x", "3", "1", "3"), None, "SLURM_ARRAY_TASK_ID is `x`, which is no number");
        check(&[("SLURM_ARRAY_TASK_ID", "1")], None, "SLURM_ARRAY_TASK_COUNT is not");
    }

    #[test]
    fn an_indexed_job_says_which_and_we_say_of_how_many() {
        let index = ("JOB_COMPLETION_INDEX", "3");
        check(&[index], Some(4), "4/4");
        check(&[index, (COUNT, "8")], None, "4/8");
        check(&[index], None, "but nothing says of how many shards");
        check(&[index], Some(3), "JOB_COMPLETION_INDEX is 3, counted from 0: there is no shard 4 of 3");
        check(&[], Some(3), "none");
    }

    #[test]
    fn shards_cover_every_run_once() {
        for (runs, count) in [(0..1000, 4), (5..12, 3), (0..2, 5), (0..u64::MAX, 7), (9..9, 2)] {
            let mut next = runs.start;
            for number in 1..=count {
                let range = Shard::new(number, count).expect("it is one of them").of(&runs);
                assert_eq!(range.start, next);
                next = range.end;
            }
            assert_eq!(next, runs.end);
        }
    }

    #[test]
    fn a_shard_that_is_none_is_refused() {
        for (text, says) in [
            ("5/4", "there is no shard 5 of 4: they are 1/4 to 4/4"),
            ("0/4", "counted from 1, as 1/4"),
            ("1/0", "a hunt in 0 shards makes no runs"),
            ("2", "`2` is no shard; say which one of how many, as 2/4"),
            ("-1/4", "is no shard"),
        ] {
            let error = text.parse::<Shard>().expect_err("there is no such shard");
            assert!(error.contains(says), "{error}");
        }
    }
}
