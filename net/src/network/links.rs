//! The links of a network: made when the first packet needs one, with the settings of its pair or of all.
//!
//! Cuts and clogs are counted, so that healing one does not heal another.

use crate::link::{Link, LinkState, Preset};
use crate::packet::Packet;
use counterpoint_runtime::choices::Draws;
use std::collections::{BTreeMap, VecDeque};

/// One direction between two hosts.
pub(super) struct LinkEntry {
    pub(super) state: LinkState,
    pub(super) key: u64,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) cuts: u32,
    pub(super) clogs: u32,
    /// Packets that a clog keeps back, in the order in which they were due.
    pub(super) held: VecDeque<Packet>,
}

impl LinkEntry {
    pub(super) fn is_open(&self) -> bool {
        self.cuts == 0 && self.clogs == 0
    }
}

/// All links.
pub(super) struct Links {
    by_pair: BTreeMap<(u32, u32), u32>,
    entries: Vec<LinkEntry>,
    preset: Preset,
    default: Option<Link>,
    /// Settings given before the link was needed.
    set: BTreeMap<(u32, u32), Link>,
    cuts: u32,
}

impl Links {
    pub(super) fn new(preset: Preset) -> Links {
        Links {
            by_pair: BTreeMap::new(),
            entries: Vec::new(),
            preset,
            default: None,
            set: BTreeMap::new(),
            cuts: 0,
        }
    }

    /// What links without settings of their own are made by, from now on.
    pub(super) fn set_preset(&mut self, preset: Preset) {
        (self.preset, self.default) = (preset, None);
    }

    /// The settings of links without settings of their own; those that are made already get them as well.
    pub(super) fn set_default(&mut self, link: Link) {
        self.default = Some(link);
        for entry in &mut self.entries {
            if !self.set.contains_key(&(entry.from, entry.to)) {
                entry.state.set(link);
            }
        }
    }

    pub(super) fn set(&mut self, from: u32, to: u32, link: Link) {
        self.set.insert((from, to), link);
        if let Some(index) = self.by_pair.get(&(from, to)) {
            self.entries[*index as usize].state.set(link);
        }
    }

    /// The number of the link of a pair, which is made if it is needed for the first time.
    pub(super) fn index(&mut self, from: (u32, u64), to: (u32, u64), draws: &mut Draws) -> u32 {
        let pair = (from.0, to.0);
        if let Some(index) = self.by_pair.get(&pair) {
            return *index;
        }
        let key = Draws::key(&[from.1, to.1]);
        let settings = match (self.set.get(&pair), self.default) {
            (Some(link), _) => *link,
            (None, Some(link)) => link,
            (None, None) => self.preset.link(draws, key),
        };
        let index = self.entries.len() as u32;
        self.entries.push(LinkEntry {
            state: LinkState::new(settings),
            key,
            from: from.0,
            to: to.0,
            cuts: 0,
            clogs: 0,
            held: VecDeque::new(),
        });
        self.by_pair.insert(pair, index);
        index
    }

    #[inline]
    pub(super) fn at(&mut self, index: u32) -> &mut LinkEntry {
        &mut self.entries[index as usize]
    }

    pub(super) fn count_cut(&mut self, index: u32, cut: bool) {
        let entry = &mut self.entries[index as usize];
        if cut {
            entry.cuts += 1;
            self.cuts += 1;
        } else if entry.cuts > 0 {
            entry.cuts -= 1;
            self.cuts -= 1;
        }
    }

    pub(super) fn is_any_cut(&self) -> bool {
        self.cuts > 0
    }

    pub(super) fn indices(&self) -> std::ops::Range<u32> {
        0..self.entries.len() as u32
    }
}
