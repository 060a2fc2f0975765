//! A link: one direction between two hosts. Settings, and what they make of one packet.
//!
//! Pure: a [`LinkState`] is told of a packet and draws its [`Fate`] by key, so that one packet more or less moves no other
//! draw. Whether a link is cut or clogged is not asked here but when the packet is due: a partition strikes what is under
//! way.

mod latency;
mod presets;
mod quantiles;

pub use latency::Latency;
pub use presets::Preset;

use counterpoint_runtime::Instant;
use counterpoint_runtime::choices::{Draws, Kind, Ratio};
use std::time::Duration;

/// The settings of one direction between two hosts.
///
/// # Examples
/// ```
/// use counterpoint_net::{Latency, Link, Ratio};
///
/// let link = Link::new().latency(Latency::wan()).loss(Ratio::percent(1)).bandwidth(100_000_000);
/// assert_eq!(link.check(), Ok(()));
/// assert!(Link::new().mtu(100).check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub(crate) latency: Latency,
    pub(crate) extra: u64,
    pub(crate) slow: (Ratio, u64),
    pub(crate) loss: Ratio,
    pub(crate) segment_loss: Option<Ratio>,
    pub(crate) bursts: bool,
    pub(crate) duplicate: Ratio,
    pub(crate) reorder: (Ratio, u64),
    pub(crate) corrupt: Ratio,
    pub(crate) reset: Ratio,
    pub(crate) split: Ratio,
    pub(crate) mtu: u32,
    pub(crate) bandwidth: u64,
}

impl Link {
    /// A calm link within a data centre: 100 to 300 µs, nothing lost, 10 Gbit/s, MTU 1500; 1 read in 16 is split.
    pub fn new() -> Link {
        Link {
            latency: Latency::lan(),
            extra: 0,
            slow: (Ratio::NEVER, 0),
            loss: Ratio::NEVER,
            segment_loss: None,
            bursts: false,
            duplicate: Ratio::NEVER,
            reorder: (Ratio::NEVER, 0),
            corrupt: Ratio::NEVER,
            reset: Ratio::NEVER,
            split: Ratio::new(1, 16),
            mtu: 1500,
            bandwidth: 10_000_000_000,
        }
    }

    /// Sets how long a packet is under way.
    pub fn latency(self, latency: Latency) -> Link {
        Link { latency, ..self }
    }

    /// Adds jitter: evenly up to so much more, on top of the latency's floor.
    pub fn jitter(self, jitter: Duration) -> Link {
        let floor = self.latency.floor();
        Link { latency: Latency::uniform(floor, floor + jitter), ..self }
    }

    /// Adds a lasting delay to every packet: a long way round.
    pub fn extra(self, extra: Duration) -> Link {
        Link { extra: extra.as_nanos() as u64, ..self }
    }

    /// Lets some packets take up to so much longer.
    pub fn slow(self, chance: Ratio, up_to: Duration) -> Link {
        Link { slow: (chance, up_to.as_nanos() as u64), ..self }
    }

    /// Sets how many packets are lost. TCP sends again what is lost; a datagram is gone.
    pub fn loss(self, loss: Ratio) -> Link {
        Link { loss, ..self }
    }

    /// Sets another loss for TCP's segments: above some 5 % a connection does little but wait.
    pub fn segment_loss(self, loss: Ratio) -> Link {
        Link { segment_loss: Some(loss), ..self }
    }

    /// Lets losses come in bursts: the loss strikes in bad spells of some 16 packets, which are 1 in 16 of the time.
    pub fn bursts(self, on: bool) -> Link {
        Link { bursts: on, ..self }
    }

    /// Sets how many datagrams arrive twice; the copy has a latency of its own.
    pub fn duplicate(self, duplicate: Ratio) -> Link {
        Link { duplicate, ..self }
    }

    /// Lets some datagrams be held back up to so long, so that later ones overtake them.
    pub fn reorder(self, chance: Ratio, up_to: Duration) -> Link {
        Link { reorder: (chance, up_to.as_nanos() as u64), ..self }
    }

    /// Sets how many packets are damaged: the checksum catches it, and they are thrown away at the receiver.
    pub fn corrupt(self, corrupt: Ratio) -> Link {
        Link { corrupt, ..self }
    }

    /// Sets how many of TCP's segments make something on the way reset their connection, both ends of it.
    pub fn reset(self, reset: Ratio) -> Link {
        Link { reset, ..self }
    }

    /// Sets how many reads of what came over this link return only a part of what is there, and how many writes take
    /// only a part.
    pub fn split(self, split: Ratio) -> Link {
        Link { split, ..self }
    }

    /// Sets the longest packet in bytes, headers included: from 576 to 65,536.
    pub fn mtu(self, mtu: u32) -> Link {
        Link { mtu, ..self }
    }

    /// Sets how many bits pass in a second; packets wait in line. 0 is no limit.
    pub fn bandwidth(self, bits_per_second: u64) -> Link {
        Link { bandwidth: bits_per_second, ..self }
    }

    /// Do the settings contradict each other?
    ///
    /// # Errors
    /// A sentence that says which, and what to set instead.
    pub fn check(&self) -> Result<(), String> {
        if !(576..=65_536).contains(&self.mtu) {
            return Err(format!(
                "a link with an MTU of {} bytes carries nothing: set it between 576 and 65536",
                self.mtu
            ));
        }
        if self.latency.floor().is_zero() && self.extra == 0 {
            return Err(
                "a link between hosts with no latency would hide every race: set at least a nanosecond"
                    .into(),
            );
        }
        if (1..1000).contains(&self.bandwidth) {
            return Err(format!(
                "a bandwidth of {} bits a second holds one packet for more than ten seconds: set at least 1000, or 0 for no limit",
                self.bandwidth
            ));
        }
        Ok(())
    }
}

impl Link {
    fn certain_latency(&self) -> Option<Duration> {
        let sure = [self.slow.0, self.segment_loss.unwrap_or(self.loss), self.corrupt, self.reset];
        let latency = self.latency.certain().filter(|_| self.bandwidth == 0)?;
        sure.into_iter().all(Ratio::is_never).then(|| latency + Duration::from_nanos(self.extra))
    }
}

impl Default for Link {
    fn default() -> Link {
        Link::new()
    }
}

/// What of a packet matters to a link.
#[derive(Clone, Copy)]
pub(crate) struct Parcel {
    /// The key of its draws.
    pub(crate) key: u64,
    /// Bytes, headers included.
    pub(crate) bytes: u32,
    pub(crate) segment: bool,
    /// It must not overtake what arrives then: the segment sent before it in its connection.
    pub(crate) not_before: Instant,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    /// When it arrives, or would have.
    pub(crate) at: Instant,
    /// When a copy arrives.
    pub(crate) again: Option<Instant>,
    pub(crate) lost: Option<Lost>,
    /// Something on the way resets the connection.
    pub(crate) reset: bool,
}

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Loss,
    Corrupt,
}

/// A link at work.
#[derive(Clone, Debug)]
pub(crate) struct LinkState {
    pub(crate) settings: Link,
    /// When the last packet will have left.
    busy: Instant,
    certain: Option<Duration>,
}

impl LinkState {
    pub(crate) fn new(settings: Link) -> LinkState {
        LinkState { settings, busy: Instant::ZERO, certain: settings.certain_latency() }
    }

    /// How long every segment takes, if nothing is drawn for one and none waits in line.
    #[inline]
    pub(crate) fn certain_latency(&self) -> Option<Duration> {
        self.certain
    }

    /// Sets what it is from now on.
    pub(crate) fn set(&mut self, settings: Link) {
        self.settings = settings;
        self.certain = settings.certain_latency();
    }

    /// Sends a packet at a moment.
    #[inline]
    pub(crate) fn send(&mut self, now: Instant, parcel: Parcel, draws: &mut Draws) -> Fate {
        let Parcel { key, bytes, segment, not_before } = parcel;
        let link = &self.settings;
        let mut left = now;
        if let Some(nanos) = (u64::from(bytes) * 8_000_000_000).checked_div(link.bandwidth) {
            left = self.busy.max(now) + Duration::from_nanos(nanos);
            self.busy = left;
        }
        let mut latency = link.latency.draw(draws, key) + link.extra;
        if draws.strikes(Kind::Slow, key, link.slow.0) {
            latency += draws.below(Kind::Slow, key ^ 1, link.slow.1 + 1);
        }
        let loss = if segment { link.segment_loss.unwrap_or(link.loss) } else { link.loss };
        let mut lost = None;
        if (!link.bursts || in_a_bad_spell(draws, now)) && draws.strikes(Kind::Loss, key, loss) {
            lost = Some(Lost::Loss);
        } else if draws.strikes(Kind::Corrupt, key, link.corrupt) {
            lost = Some(Lost::Corrupt);
        }
        let mut fate = Fate { at: left + Duration::from_nanos(latency), again: None, lost, reset: false };
        if segment {
            fate.at = fate.at.max(not_before);
            fate.reset = draws.strikes(Kind::Reset, key, link.reset);
            return fate;
        }
        if draws.strikes(Kind::Reorder, key, link.reorder.0) {
            let held = draws.below(Kind::Reorder, key ^ 1, link.reorder.1 + 1);
            fate.at += Duration::from_nanos(held);
        }
        if draws.strikes(Kind::Duplicate, key, link.duplicate) {
            let latency = link.latency.draw(draws, key ^ 2) + link.extra;
            fate.again = Some(left + Duration::from_nanos(latency));
        }
        fate
    }
}

/// Bad spells are drawn for stretches of time, not kept as a state: a packet more or less changes no spell. A stretch is
/// 1/16 s; a sixteenth of them is bad.
fn in_a_bad_spell(draws: &mut Draws, now: Instant) -> bool {
    let stretch = now.as_nanos() >> 26;
    draws.strikes(Kind::Loss, Draws::key(&[stretch, 0xBAD]), Ratio::new(1, 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(key: u64) -> Parcel {
        Parcel { key, bytes: 1250, segment: true, not_before: Instant::ZERO }
    }

    #[test]
    fn packets_wait_for_the_bandwidth() {
        let link = Link::new().latency(Latency::constant(Duration::from_millis(1))).bandwidth(10_000_000);
        let (mut state, mut draws) = (LinkState::new(link), Draws::new(1));
        let arrivals: Vec<u64> =
            (0..3).map(|key| state.send(Instant::ZERO, parcel(key), &mut draws).at.as_nanos()).collect();
        assert_eq!(arrivals, [2_000_000, 3_000_000, 4_000_000]);
    }

    #[test]
    fn a_segment_does_not_overtake_the_one_before_it() {
        let link =
            Link::new().latency(Latency::exponential(Duration::from_millis(1), Duration::from_millis(50)));
        let (mut state, mut draws) = (LinkState::new(link), Draws::new(1));
        let mut last = Instant::ZERO;
        for key in 0..100 {
            let fate = state.send(Instant::ZERO, Parcel { not_before: last, ..parcel(key) }, &mut draws);
            assert!(fate.at >= last);
            last = fate.at;
        }
    }
}
