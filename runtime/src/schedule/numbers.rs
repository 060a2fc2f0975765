//! Small numbers for keys, in the order in which the keys come. Emptied by an epoch, not by writing.

/// The numbers of keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    entries: Vec<Entry>,
    used: u32,
    epoch: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    key: u64,
    epoch: u32,
    number: u32,
}

impl Numbers {
    /// The number of a key, and whether it was given just now.
    #[inline]
    pub(super) fn number(&mut self, key: u64) -> (u32, bool) {
        if self.used as usize * 2 >= self.entries.len() {
            self.grow();
        }
        let mask = self.entries.len() - 1;
        let mut index = (key ^ key >> 32) as usize & mask;
        loop {
            let entry = &mut self.entries[index];
            if entry.epoch != self.epoch {
                *entry = Entry { key, epoch: self.epoch, number: self.used };
                self.used += 1;
                return (entry.number, true);
            }
            if entry.key == key {
                return (entry.number, false);
            }
            index = (index + 1) & mask;
        }
    }

    /// Forgets all, keeping the room.
    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.entries.clear();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.entries.len() * 2).max(16);
        let old = std::mem::replace(&mut self.entries, vec![Entry::default(); size]);
        let epoch = std::mem::replace(&mut self.epoch, 1);
        for entry in old.into_iter().filter(|entry| entry.epoch == epoch && epoch != 0) {
            let mut index = (entry.key ^ entry.key >> 32) as usize & (size - 1);
            while self.entries[index].epoch != 0 {
                index = (index + 1) & (size - 1);
            }
            self.entries[index] = Entry { epoch: 1, ..entry };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_keeps_its_number_until_all_are_forgotten(
            keys in prop::collection::vec((0u64..60, prop::bool::weighted(0.02)), 0..300),
        ) {
            let (mut numbers, mut model) = (Numbers::default(), Vec::new());
            for (key, clear) in keys {
                if clear {
                    numbers.clear();
                    model.clear();
                }
                let key = key << 60 | key;
                let place = model.iter().position(|known| *known == key);
                if place.is_none() {
                    model.push(key);
                }
                let expected = place.unwrap_or(model.len() - 1);
                prop_assert_eq!(numbers.number(key), (expected as u32, place.is_none()));
            }
        }
    }
}
