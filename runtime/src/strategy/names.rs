//! The names of strategies, as the command line and recordings have them.

use super::Strategy;
use std::fmt;
use std::str::FromStr;

/// By depth, from 1.
const PCT: [&str; 16] = [
    "pct-1", "pct-2", "pct-3", "pct-4", "pct-5", "pct-6", "pct-7", "pct-8", "pct-9", "pct-10", "pct-11",
    "pct-12", "pct-13", "pct-14", "pct-15", "pct-16",
];

/// The deepest PCT that has a name.
pub(super) const PCT_DEPTH_MAX: u32 = PCT.len() as u32;

impl Strategy {
    /// Its name on the command line and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Fifo => "fifo",
            Strategy::RandomWalk => "random",
            Strategy::WeightedWalk => "weighted",
            Strategy::Pct { depth } => PCT[depth.clamp(1, PCT_DEPTH_MAX) as usize - 1],
            Strategy::Pos => "pos",
            Strategy::Urw => "urw",
            Strategy::Surw => "surw",
            Strategy::Reversal => "reversal",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = String;
    fn from_str(name: &str) -> Result<Strategy, String> {
        if let Some(strategy) = Strategy::ALL.into_iter().find(|strategy| strategy.name() == name) {
            return Ok(strategy);
        }
        if name == "pct" {
            return Ok(Strategy::Pct { depth: 3 });
        }
        if let Some(at) = PCT.iter().position(|pct| *pct == name) {
            return Ok(Strategy::Pct { depth: at as u32 + 1 });
        }
        let names = Strategy::ALL.map(Strategy::name);
        let nearest = names.iter().chain(&PCT).min_by_key(|other| distance(name, other));
        let nearest = nearest.filter(|other| distance(name, other) <= 1 + name.len() / 3);
        let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        let end = if hint.is_empty() { "." } else { "" };
        Err(format!("there is no strategy `{name}`{hint}{end} The strategies are {}", names.join(", ")))
    }
}

/// How many letters are to be put in, left out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (at, right) in other.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.name().parse(), Ok(strategy));
        }
        for depth in 1..=PCT_DEPTH_MAX {
            assert_eq!(format!("pct-{depth}").parse(), Ok(Strategy::Pct { depth }));
        }
        assert_eq!("pct".parse(), Ok(Strategy::Pct { depth: 3 }));
    }

    #[test]
    fn a_name_that_is_none_is_told_the_nearest() {
        let told = |name: &str| name.parse::<Strategy>().expect_err("no strategy has this name");
        assert!(
            told("pct3")
                .starts_with("there is no strategy `pct3`; did you mean `pct-3`? The strategies are fifo")
        );
        assert!(told("randm").contains("did you mean `random`?"));
        assert!(told("surv").contains("did you mean `surw`?"));
        assert!(
            told("exhaustive-search")
                .starts_with("there is no strategy `exhaustive-search`. The strategies are")
        );
    }

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("pct3", "pct-3"), 1);
        assert_eq!(distance("", "fifo"), 4);
        assert_eq!(distance("walk", "wale"), 1);
    }
}
