//! Names that stay: the lane path of a task, and the keys of steps and objects.
//!
//! A lane's path is its parent's path, the name of the function its future comes from (or the name the user gave),
//! and its number among those of the same name under the same parent. There is no global counter in it, so that one
//! more task elsewhere renames nothing. Here a path is a 64-bit hash; reports build the text.
//!
//! The numbers come from a small open-addressing table. It is emptied between runs by an epoch, not by writing.

/// The lane of what is made outside of any task.
pub(crate) const ROOT: u64 = 0x9E37_79B9_7F4A_7C15;

const MULTIPLIER: u64 = 0xD6E8_FEB8_6659_FD93;

/// Mixes a word into a hash.
#[inline(always)]
pub(crate) const fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER);
    product ^ product >> 32
}

/// The hash of a name: of its text, not of its address.
pub(crate) const fn name_hash(name: &str) -> u64 {
    let mut bytes = name.as_bytes();
    let mut hash = bytes.len() as u64;
    while let Some((chunk, rest)) = bytes.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*chunk));
        bytes = rest;
    }
    let mut last = 0;
    while let Some((byte, rest)) = bytes.split_last() {
        last = last << 8 | *byte as u64;
        bytes = rest;
    }
    mix(hash, last)
}

/// How many names' hashes a loop remembers.
const REMEMBERED: usize = 8;

/// The hashes of names that were hashed last, by their addresses: a program makes tasks of a few functions.
#[derive(Default)]
pub(crate) struct Hashes([(usize, usize, u64); REMEMBERED]);

impl Hashes {
    /// The hash of a name.
    #[inline(always)]
    pub(crate) fn of(&mut self, name: &'static str) -> u64 {
        let (address, length) = (name.as_ptr() as usize, name.len());
        let index = (address as u64).wrapping_mul(MULTIPLIER) >> (u64::BITS - REMEMBERED.ilog2());
        let remembered = &mut self.0[index as usize];
        if (remembered.0, remembered.1) != (address, length) {
            *remembered = (address, length, name_hash(name));
        }
        remembered.2
    }
}

#[derive(Clone, Copy, Default)]
struct Entry {
    key: u64,
    epoch: u32,
    count: u32,
}

/// Counts by key.
#[derive(Default)]
pub(crate) struct Counters {
    entries: Vec<Entry>,
    used: usize,
    epoch: u32,
}

impl Counters {
    /// Counts one more under `key`; the first is 1.
    #[inline]
    pub(crate) fn next(&mut self, key: u64) -> u32 {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        let mask = self.entries.len() - 1;
        let mut index = key as usize & mask;
        loop {
            let entry = &mut self.entries[index];
            if entry.epoch != self.epoch {
                *entry = Entry { key, epoch: self.epoch, count: 1 };
                self.used += 1;
                return 1;
            }
            if entry.key == key {
                entry.count += 1;
                return entry.count;
            }
            index = (index + 1) & mask;
        }
    }

    /// How many were counted under `key`.
    pub(crate) fn count(&self, key: u64) -> u32 {
        if self.entries.is_empty() {
            return 0;
        }
        let mask = self.entries.len() - 1;
        let mut index = key as usize & mask;
        loop {
            let entry = &self.entries[index];
            match (entry.epoch == self.epoch, entry.key == key) {
                (false, _) => return 0,
                (true, true) => return entry.count,
                (true, false) => index = (index + 1) & mask,
            }
        }
    }

    /// Forgets all, keeping the room.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.entries.clear();
            self.epoch = 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let epoch = self.epoch.max(1);
        let old = std::mem::take(&mut self.entries);
        let size = (old.len() * 2).max(16);
        self.entries = vec![Entry::default(); size];
        for entry in old.into_iter().filter(|entry| entry.epoch == self.epoch && entry.epoch != 0) {
            let mut index = entry.key as usize & (size - 1);
            while self.entries[index].epoch != 0 {
                index = (index + 1) & (size - 1);
            }
            self.entries[index] = entry;
        }
        self.epoch = epoch;
    }
}

/// The part of a function's full name that a person wants: `bank::teller` of
/// `scenarios::bank::teller::{{closure}}`.
pub(crate) fn short_name(function: &str) -> &str {
    let mut name = function;
    while let Some(shorter) = name.strip_suffix("::{{closure}}") {
        name = shorter;
    }
    // Generic arguments say nothing about who it is, and may hold `::` themselves.
    let name = name.split('<').next().unwrap_or(name).trim_end_matches("::");
    match name.rmatch_indices("::").nth(1) {
        Some((index, _)) => &name[index + 2..],
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_function_is_named_by_its_module_and_itself() {
        assert_eq!(short_name("scenarios::bank::teller::{{closure}}"), "bank::teller");
        assert_eq!(short_name("main::{{closure}}::{{closure}}"), "main");
        assert_eq!(short_name("a::b::run<x::y::Z>::{{closure}}"), "b::run");
    }

    proptest! {
        #[test]
        fn counters_count_as_a_map_does(keys in prop::collection::vec((0u64..40, prop::bool::weighted(0.02)), 0..300)) {
            let (mut counters, mut model) = (Counters::default(), BTreeMap::new());
            for (key, clear) in keys {
                if clear {
                    counters.clear();
                    model.clear();
                }
                let count = model.entry(key).or_insert(0u32);
                *count += 1;
                prop_assert_eq!(counters.next(key << 60 | key), *count);
            }
        }
    }
}
