//! Which strategy a run takes.
//!
//! No strategy is the best for every program, so a hunt takes many in turn: every second run SURW, which is the best single
//! one, and the others between. The first [`UNTAUGHT`] runs go by what needs no lessons, since later ones learn from
//! them. Which strategy run i takes depends on i alone.

use counterpoint_runtime::Strategy;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// So many runs of a seed are made without lessons.
pub(crate) const UNTAUGHT: u64 = 8;

/// How the runs of a seed sample among the legal orders.
///
/// # Examples
/// ```
/// use counterpoint::explore::{Sampling, Strategy};
///
/// assert_eq!("portfolio".parse(), Ok(Sampling::Portfolio));
/// assert_eq!("random".parse(), Ok(Sampling::One(Strategy::RandomWalk)));
/// assert_eq!(Sampling::Portfolio.strategy_of(0), Strategy::RandomWalk);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// Many strategies in turn, half of the runs by SURW.
    #[default]
    Portfolio,
    /// One strategy for all runs.
    One(Strategy),
}

/// Of the runs without lessons, by their number.
const FIRST: [Strategy; UNTAUGHT as usize] = [
    Strategy::RandomWalk,
    Strategy::Pos,
    Strategy::Pct { depth: 3 },
    Strategy::WeightedWalk,
    Strategy::RandomWalk,
    Strategy::Pos,
    Strategy::Pct { depth: 2 },
    Strategy::WeightedWalk,
];

/// Of all later runs, over and over. By what each finds in a hundred runs of small programs the order after SURW is
/// reversal, URW, PCT and POS, and the walks last; but each is the best for some program.
const TURNS: [Strategy; 16] = [
    Strategy::Surw,
    Strategy::Reversal,
    Strategy::Surw,
    Strategy::Urw,
    Strategy::Surw,
    Strategy::Pct { depth: 3 },
    Strategy::Surw,
    Strategy::Pos,
    Strategy::Surw,
    Strategy::Reversal,
    Strategy::Surw,
    Strategy::RandomWalk,
    Strategy::Surw,
    Strategy::Pct { depth: 2 },
    Strategy::Surw,
    Strategy::WeightedWalk,
];

impl Sampling {
    /// Its name on the command line and in recordings.
    pub fn name(self) -> &'static str {
        match self {
            Sampling::Portfolio => "portfolio",
            Sampling::One(strategy) => strategy.name(),
        }
    }

    /// The strategy that the run with this number takes.
    pub fn strategy_of(self, run: u64) -> Strategy {
        match self {
            Sampling::One(strategy) => strategy,
            Sampling::Portfolio if run < UNTAUGHT => FIRST[run as usize],
            Sampling::Portfolio => TURNS[((run - UNTAUGHT) % TURNS.len() as u64) as usize],
        }
    }

    /// How many of these runs go by each strategy.
    pub(crate) fn shares(self, runs: Range<u64>) -> Vec<(Strategy, u64)> {
        let mut shares: Vec<(Strategy, u64)> = Vec::new();
        let mut add = |strategy, count| match shares.iter_mut().find(|share| share.0 == strategy) {
            Some(share) => share.1 += count,
            None => shares.push((strategy, count)),
        };
        let turns = match self {
            Sampling::One(strategy) => return vec![(strategy, runs.end.saturating_sub(runs.start))],
            Sampling::Portfolio => TURNS.len() as u64,
        };
        let begun = runs.start.max(UNTAUGHT).min(runs.end);
        (runs.start..begun).for_each(|run| add(self.strategy_of(run), 1));
        let rounds = (runs.end - begun) / turns;
        (begun..begun + turns.min(runs.end - begun)).for_each(|run| {
            let rest = u64::from(run - begun < (runs.end - begun) % turns);
            add(self.strategy_of(run), rounds + rest);
        });
        shares.retain(|share| share.1 > 0);
        shares
    }
}

impl From<Strategy> for Sampling {
    fn from(strategy: Strategy) -> Sampling {
        Sampling::One(strategy)
    }
}

impl fmt::Display for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Sampling {
    type Err = String;
    fn from_str(name: &str) -> Result<Sampling, String> {
        if name == Sampling::Portfolio.name() {
            return Ok(Sampling::Portfolio);
        }
        name.parse().map(Sampling::One).map_err(|error| format!("{error}; and portfolio, for many in turn"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn shares_count_what_each_run_takes() {
        for sampling in [Sampling::Portfolio, Sampling::One(Strategy::RandomWalk)] {
            for runs in [0..0, 0..5, 3..8, 0..200, 5..6, 7..71, 9..9, 100..133, 20..24] {
                let mut counted = BTreeMap::new();
                runs.clone().for_each(|run| *counted.entry(sampling.strategy_of(run)).or_insert(0) += 1);
                let shares: BTreeMap<_, _> =
                    sampling.shares(runs.clone()).into_iter().filter(|share| share.1 > 0).collect();
                assert_eq!(shares, counted, "{runs:?}");
            }
        }
    }

    #[test]
    fn half_of_the_portfolio_is_surw() {
        let shares = Sampling::Portfolio.shares(UNTAUGHT..UNTAUGHT + 1600);
        let (_, surw) = shares.iter().find(|share| share.0 == Strategy::Surw).expect("it leads");
        assert_eq!(*surw, 800);
    }
}
