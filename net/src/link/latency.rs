//! How long a packet is under way: a floor, and what is drawn on top of it.
//!
//! A draw of 0 is the floor, the ordinary outcome; so a shrunk run has the least latency everywhere.

use super::quantiles::{EXPONENTIAL, EXPONENTIAL_TAIL, HEAVY, HEAVY_TAIL, NORMAL};
use counterpoint_runtime::choices::{Draws, Kind};
use std::time::Duration;

/// How many standard deviations the floor of the normal shape lies below its mean, in 65536ths.
const NORMAL_FLOOR: u64 = 216_085;

/// The latency of a link, one way.
///
/// # Examples
/// ```
/// use counterpoint_net::Latency;
/// use std::time::Duration;
///
/// let latency = Latency::uniform(Duration::from_micros(100), Duration::from_micros(300));
/// assert_eq!(latency.floor(), Duration::from_micros(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    floor: u64,
    /// The mean of what is added, the width, or the standard deviation: nanoseconds.
    spread: u64,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Constant,
    Uniform,
    Exponential,
    Heavy,
    Normal,
}

impl Latency {
    /// Always the same.
    pub fn constant(latency: Duration) -> Latency {
        Latency { floor: nanos(latency), spread: 0, shape: Shape::Constant }
    }

    /// Evenly between the two.
    ///
    /// # Panics
    /// If `max` is less than `min`.
    #[track_caller]
    pub fn uniform(min: Duration, max: Duration) -> Latency {
        assert!(min <= max, "a latency from {min:?} to {max:?} is empty: give the smaller one first");
        Latency { floor: nanos(min), spread: nanos(max - min), shape: Shape::Uniform }
    }

    /// A floor, and an exponential tail with this mean on top; at most 14 times the mean.
    pub fn exponential(floor: Duration, mean: Duration) -> Latency {
        Latency { floor: nanos(floor), spread: nanos(mean), shape: Shape::Exponential }
    }

    /// A floor, and a heavy tail (Pareto, shape 3/2) with about this mean on top: rarely, a thousand times the mean.
    pub fn heavy(floor: Duration, mean: Duration) -> Latency {
        Latency { floor: nanos(floor), spread: nanos(mean), shape: Shape::Heavy }
    }

    /// Normal-like around a mean, cut 3.3 standard deviations off and at zero.
    pub fn normal(mean: Duration, deviation: Duration) -> Latency {
        let low = nanos(deviation).saturating_mul(NORMAL_FLOOR) >> 16;
        Latency { floor: nanos(mean).saturating_sub(low), spread: nanos(deviation), shape: Shape::Normal }
    }

    /// Across an ocean: 40 ms, and an exponential tail of 5 ms.
    pub fn wan() -> Latency {
        Latency::exponential(Duration::from_millis(40), Duration::from_millis(5))
    }

    /// Within a data centre: 100 to 300 µs.
    pub fn lan() -> Latency {
        Latency::uniform(Duration::from_micros(100), Duration::from_micros(300))
    }

    /// The least that it takes.
    pub fn floor(&self) -> Duration {
        Duration::from_nanos(self.floor)
    }

    /// The latency of every packet, if it is always the same.
    pub(crate) fn certain(&self) -> Option<Duration> {
        (self.shape == Shape::Constant).then(|| self.floor())
    }

    /// The latency of one packet, in nanoseconds.
    #[inline]
    pub(crate) fn draw(&self, draws: &mut Draws, key: u64) -> u64 {
        const STEPS: u64 = 1 << 24;
        let drawn = match self.shape {
            Shape::Constant => return self.floor,
            Shape::Uniform => return self.floor + draws.below(Kind::Latency, key, self.spread + 1),
            _ => draws.below(Kind::Latency, key, STEPS),
        };
        let in_tail = drawn >> 16 == 255;
        let quantile = match self.shape {
            Shape::Exponential if in_tail => EXPONENTIAL_TAIL + quantile(&EXPONENTIAL, (drawn & 0xFFFF) << 8),
            Shape::Exponential => quantile(&EXPONENTIAL, drawn),
            Shape::Heavy if in_tail => {
                let stretched = ((0x1_0000 + 2 * quantile(&HEAVY, (drawn & 0xFFFF) << 8)) * HEAVY_TAIL) >> 16;
                (stretched - 0x1_0000) / 2
            }
            Shape::Heavy => quantile(&HEAVY, drawn),
            _ => quantile(&NORMAL, drawn),
        };
        let added = (u128::from(self.spread) * u128::from(quantile)) >> 16;
        self.floor.saturating_add(u64::try_from(added).unwrap_or(u64::MAX))
    }
}

/// The quantile of a number below 2^24: 8 bits of index, 16 bits between two entries.
fn quantile(table: &[u32; 257], drawn: u64) -> u64 {
    let (index, part) = ((drawn >> 16) as usize, drawn & 0xFFFF);
    let (low, high) = (u64::from(table[index]), u64::from(table[index + 1]));
    low + (((high - low) * part) >> 16)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(latency: Latency) -> u64 {
        let mut draws = Draws::new(1);
        let sum: u64 = (0..100_000).map(|key| latency.draw(&mut draws, key)).sum();
        sum / 100_000
    }

    #[test]
    fn the_shapes_have_the_means_that_they_promise() {
        let (floor, mean) = (Duration::from_millis(1), Duration::from_millis(10));
        assert!((10_800_000..11_200_000).contains(&mean_of(Latency::exponential(floor, mean))));
        assert!((10_300_000..11_800_000).contains(&mean_of(Latency::heavy(floor, mean))));
        assert!((9_950_000..10_050_000).contains(&mean_of(Latency::normal(mean, floor))));
        assert!((5_450_000..5_550_000).contains(&mean_of(Latency::uniform(floor, mean))));
    }

    #[test]
    fn the_ordinary_draw_is_the_floor() {
        let mut ordinary = Draws::fixed([]);
        for latency in
            [Latency::wan(), Latency::lan(), Latency::heavy(Duration::from_nanos(7), Duration::MAX)]
        {
            assert_eq!(Duration::from_nanos(latency.draw(&mut ordinary, 1)), latency.floor());
        }
    }
}
