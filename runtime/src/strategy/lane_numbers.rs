//! Small numbers for the lanes of one run, in the order in which they were met.
//!
//! Strategies keep what they know of a lane in a vector by its number. An open-addressing table finds the number: lanes
//! are hashes already.

use crate::schedule::StepName;

const FREE: u32 = u32::MAX;

pub(super) struct LaneNumbers {
    /// Lane and number; twice as many places as lanes at least, a power of two.
    places: Vec<(u64, u32)>,
    count: u32,
}

impl LaneNumbers {
    pub(super) fn new() -> LaneNumbers {
        LaneNumbers { places: vec![(0, FREE); 32], count: 0 }
    }

    /// The number of the lane of a step. A lane that was never asked for before gets the next number.
    #[inline]
    pub(super) fn of(&mut self, name: &StepName) -> usize {
        self.number(name.lane)
    }

    /// The number of a lane.
    #[inline]
    pub(super) fn number(&mut self, lane: u64) -> usize {
        let place = self.place(lane);
        if self.places[place].1 != FREE {
            return self.places[place].1 as usize;
        }
        let number = self.count;
        self.places[place] = (lane, number);
        self.count += 1;
        if self.count as usize * 2 > self.places.len() {
            self.grow();
        }
        number as usize
    }

    #[inline]
    fn place(&self, lane: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut place = lane as usize & mask;
        while self.places[place].1 != FREE && self.places[place].0 != lane {
            place = (place + 1) & mask;
        }
        place
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![(0, FREE); self.places.len() * 2];
        for (lane, number) in std::mem::replace(&mut self.places, larger) {
            if number != FREE {
                let place = self.place(lane);
                self.places[place] = (lane, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_numbered_as_they_are_met() {
        let mut numbers = LaneNumbers::new();
        // Many share the low bits.
        let lanes: Vec<u64> = (0..200).map(|lane| (lane << 7) + lane % 3).collect();
        for round in 0..2 {
            for (number, lane) in lanes.iter().enumerate() {
                assert_eq!(numbers.number(*lane), number, "round {round}");
            }
        }
    }
}
