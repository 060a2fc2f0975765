//! A step in words: who comes to run, how, and where in the program: `` `teller` goes on (src/bank.rs:51) ``.

use super::Names;
use super::focus::{lane_of, steps_of};
use super::interleaving::beginnings;
use super::rows::is_own_file;
use counterpoint_runtime::trace::{Event, Ran, StepRecord};
use std::collections::BTreeMap;
use std::panic::Location;

/// The words for the steps of a few runs, by loop and step key. Names of the first run come first.
pub(super) struct StepWords {
    words: BTreeMap<(u32, u64), String>,
}

impl StepWords {
    /// Those of the steps that `is_asked_for` in these runs.
    pub(super) fn of<'a>(
        traces: impl IntoIterator<Item = &'a [Event]>,
        names: &Names,
        is_asked_for: impl Fn(u32, u64) -> bool,
    ) -> StepWords {
        let mut words = BTreeMap::new();
        for trace in traces {
            let mut times: BTreeMap<(u32, u64, String), u32> = BTreeMap::new();
            let told: Vec<_> = beginnings(trace, names)
                .into_iter()
                .map(|(step, begins)| {
                    let told = tell(step, &begins, names);
                    let times = times.entry((step.loop_number, step.name.lane, told.clone())).or_default();
                    *times += 1;
                    (step, told, *times)
                })
                .collect();
            for (step, told, time) in told {
                let key = (step.loop_number, step.name.key());
                if is_asked_for(key.0, key.1) {
                    let often = times[&(step.loop_number, step.name.lane, told.clone())] > 1;
                    let told = if often { format!("{told} for the {} time", nth(time)) } else { told };
                    words.entry(key).or_insert(told);
                }
            }
        }
        StepWords { words }
    }

    /// Adds the words for steps that none of the runs came to, by what their lanes waited for last.
    pub(super) fn add_those_to_come(
        &mut self,
        trace: &[Event],
        names: &Names,
        lanes: &BTreeMap<(u32, u64), u64>,
    ) {
        for (key, lane) in lanes {
            let last =
                steps_of(trace).filter(|step| step.loop_number == key.0 && step.name.lane == *lane).last();
            if let Some(step) = last {
                let place = step.waits.as_ref().and_then(|waits| waits.place);
                let told = match step.ran {
                    Ran::Callback => format!("the {} runs", step.lane),
                    Ran::Task | Ran::Timer => {
                        format!("`{}` goes on{}", names.name(lane_of(step)), in_brackets(place))
                    }
                };
                self.words.entry(*key).or_insert(told);
            }
        }
    }

    /// The words for a step.
    pub(super) fn of_step(&self, in_loop: u32, key: u64) -> &str {
        self.words.get(&(in_loop, key)).map_or("a task that waits", String::as_str)
    }
}

fn in_brackets(place: Option<&Location<'_>>) -> String {
    let place = place.filter(|place| !is_own_file(place.file()));
    place.map_or(String::new(), |place| format!(" ({}:{})", place.file(), place.line()))
}

fn tell(step: &StepRecord, begins: &str, names: &Names) -> String {
    let name = names.name(lane_of(step));
    let place = in_brackets(step.place);
    match step.ran {
        Ran::Task => format!("`{name}` {begins}{place}"),
        Ran::Timer => format!("the timer of `{name}` is due{place}"),
        Ran::Callback => format!("the {} runs{place}", step.lane),
    }
}

/// `1st`, `2nd`, `3rd`, `4th`.
pub(super) fn nth(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_endings() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112].map(nth).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 112th"
        );
    }
}
