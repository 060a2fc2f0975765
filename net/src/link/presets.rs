//! Three kinds of network, and what each link of them draws once a run.
//!
//! Figures: what published measurements and the simulators before this one use; the table stands in the book. `hostile`
//! draws each kind of trouble on or off for the run, so that runs without it, and with it alone, exist.

use super::{Latency, Link};
use counterpoint_runtime::choices::{Draws, Kind, Ratio};
use std::time::Duration;

/// A kind of network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// 100 to 300 µs, nothing lost, held back or doubled.
    #[default]
    Calm,
    /// A healthy data centre: an exponential tail, a slow packet in 1,000, a lost one in 20,000.
    Datacenter,
    /// Everything that a network may do, each kind in half of the runs, as hard as drawn.
    Hostile,
}

impl Preset {
    /// The settings of a link in one run: a pure function of the draws and the link's key.
    pub(crate) fn link(self, draws: &mut Draws, key: u64) -> Link {
        match self {
            Preset::Calm => Link::new(),
            Preset::Datacenter => datacenter(&mut Setting { draws, key, ordinal: 0 }),
            Preset::Hostile => hostile(&mut Setting { draws, key, ordinal: 0 }),
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Calm => "calm",
            Preset::Datacenter => "datacenter",
            Preset::Hostile => "hostile",
        }
    }
}

fn datacenter(draw: &mut Setting<'_>) -> Link {
    let floor = Duration::from_nanos(draw.scaled(50_000, 500_000));
    Link::new()
        .latency(Latency::exponential(floor, Duration::from_micros(100)))
        .slow(Ratio::new(1, 1000), Duration::from_millis(50))
        .loss(Ratio::new(1, 20_000))
        .duplicate(Ratio::new(1, 100_000))
        .corrupt(Ratio::new(1, 1_000_000))
        .reset(Ratio::new(1, 1_000_000))
        .bandwidth(1_000_000_000)
        .split(Ratio::new(1, 4))
}

fn hostile(draw: &mut Setting<'_>) -> Link {
    let floor = Duration::from_nanos(draw.scaled(50_000, 30_000_000));
    let mean = Duration::from_nanos(draw.scaled(100_000, 100_000_000));
    let latency = match draw.below(3) {
        0 => Latency::uniform(floor, floor + mean * 2),
        1 => Latency::exponential(floor, mean),
        _ => Latency::heavy(floor, mean),
    };
    let mut link = Link::new().latency(latency).split(Ratio::new(1, 2));
    if draw.on() {
        link = link.slow(Ratio::new(1, 100), Duration::from_nanos(draw.scaled(50_000_000, 2_000_000_000)));
    }
    if draw.on() {
        link = link.extra(Duration::from_nanos(draw.below(100_000_001)));
    }
    if draw.on() {
        let (loss, segments) = (draw.scaled(10, 3000), draw.scaled(10, 500));
        link = link
            .loss(Ratio::new(loss as u32, 10_000))
            .segment_loss(Ratio::new(segments as u32, 10_000))
            .bursts(draw.on());
    }
    if draw.on() {
        link = link.duplicate(Ratio::new(draw.scaled(10, 5000) as u32, 10_000));
    }
    if draw.on() {
        let held = Duration::from_nanos(draw.scaled(1_000_000, 1_000_000_000));
        link = link.reorder(Ratio::new(draw.scaled(10, 2000) as u32, 10_000), held);
    }
    if draw.on() {
        link = link.corrupt(Ratio::new(draw.scaled(10, 10_000) as u32, 1_000_000));
    }
    if draw.on() {
        link = link.reset(Ratio::new(draw.scaled(10, 1000) as u32, 1_000_000));
    }
    if draw.on() {
        link = link.bandwidth(draw.scaled(64_000, 10_000_000_000));
    }
    let mtu = [1500, 576, 1280, 9000][draw.below(4) as usize];
    link.mtu(mtu)
}

/// The settings of one link, drawn one after the other.
struct Setting<'a> {
    draws: &'a mut Draws,
    key: u64,
    ordinal: u64,
}

impl Setting<'_> {
    fn below(&mut self, n: u64) -> u64 {
        self.ordinal += 1;
        self.draws.below(Kind::Setting, Draws::key(&[self.key, self.ordinal]), n)
    }

    /// In half of all runs.
    fn on(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Between the two, each power of two as likely as the next.
    fn scaled(&mut self, min: u64, max: u64) -> u64 {
        let octave = self.below(u64::from((max / min).ilog2()) + 1);
        let low = min << octave;
        let high = (low * 2 - 1).min(max);
        low + self.below(high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_that_a_preset_draws_is_sound() {
        for preset in [Preset::Calm, Preset::Datacenter, Preset::Hostile] {
            for seed in 0..500 {
                let link = preset.link(&mut Draws::new(seed), 7);
                assert_eq!(link.check(), Ok(()), "{} with seed {seed}: {link:?}", preset.name());
            }
        }
    }
}
