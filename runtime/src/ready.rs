//! The ready queue of a loop: what may run now.
//!
//! One vector of words for all profiles, so that making a task ready never asks which strategy runs. `fifo` reads at
//! `head`; a strategy that takes from anywhere swaps the last one into the gap and leaves `head` at 0. **A tick is the
//! same for all**: n = the entries when it starts, then n picks; under `fifo` that is CPython's snapshot, under
//! `any-ready` a pick may take an entry that came within the tick.
//!
//! Plain callbacks keep their order in every profile. Under `any-ready` they wait in a line of their own, which is one
//! entry ([`LANE`]) in the vector while it is not empty.
//!
//! A strategy with an order of its own takes nothing from the vector: before each pick the new entries move to the
//! *shown* ones ([`Ready::show`]), where each has a small number that stays its own until it is picked.

use crate::profile::Profile;
use crate::schedule::StepName;
use crate::slots::{Kind, Word};
use std::collections::VecDeque;

/// The entry that stands for the line of plain callbacks.
pub(crate) const LANE: Word = Word((Kind::Passive as u64) << 24);

pub(crate) struct Ready {
    entries: Vec<Word>,
    head: usize,
    callbacks: VecDeque<Word>,
    profile: Profile,
    /// When each entry came, in step with `entries`; kept only while somebody asks for ranks.
    arrivals: Vec<u64>,
    arrived: u64,
    /// By number: the entries that a strategy was shown.
    shown: Vec<Shown>,
    /// Numbers that nothing has.
    unused: Vec<u32>,
    /// How many are shown and not picked.
    shown_count: usize,
}

/// An entry that a strategy was shown and has not picked.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) word: Word,
    pub(crate) name: StepName,
    /// When it came; none if nothing has this number.
    arrival: Option<u64>,
}

impl Ready {
    pub(crate) fn new(profile: Profile) -> Ready {
        Ready {
            entries: Vec::new(),
            head: 0,
            callbacks: VecDeque::new(),
            profile,
            arrivals: Vec::new(),
            arrived: 0,
            shown: Vec::new(),
            unused: Vec::new(),
            shown_count: 0,
        }
    }

    pub(crate) fn clear(&mut self, profile: Profile) {
        self.entries.clear();
        self.callbacks.clear();
        self.arrivals.clear();
        self.shown.clear();
        self.unused.clear();
        (self.head, self.arrived, self.profile, self.shown_count) = (0, 0, profile, 0);
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, word: Word) {
        self.entries.push(word);
    }

    /// As [`push`](Ready::push) if there is room already; false otherwise.
    #[inline(always)]
    pub(crate) fn push_in_room(&mut self, word: Word) -> bool {
        let room = self.entries.len() < self.entries.capacity();
        if room {
            self.entries.push(word);
        }
        room
    }

    pub(crate) fn push_callback(&mut self, word: Word) {
        if self.profile == Profile::Fifo {
            return self.push(word);
        }
        if self.callbacks.is_empty() {
            self.push(LANE);
        }
        self.callbacks.push_back(word);
    }

    /// The front of the line of plain callbacks; the line stands again if there is more.
    pub(crate) fn next_callback(&mut self) -> Option<Word> {
        let word = self.callbacks.pop_front();
        if !self.callbacks.is_empty() {
            self.push(LANE);
        }
        word
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.unshown_len() + self.shown_count
    }

    /// How many are in the vector: all of them, unless the strategy has an order of its own.
    #[inline(always)]
    pub(crate) fn unshown_len(&self) -> usize {
        self.entries.len() - self.head
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives used room back; called at the start of a tick.
    #[inline(always)]
    pub(crate) fn compact(&mut self) {
        if self.head >= 64 || self.head == self.entries.len() {
            self.compact_now();
        }
    }

    #[inline(never)]
    fn compact_now(&mut self) {
        if self.head > 0 {
            self.entries.drain(..self.head);
            if !self.arrivals.is_empty() {
                self.arrivals.drain(..self.head);
            }
            self.head = 0;
        }
    }

    /// Takes the oldest. Only for strategies that always do.
    #[inline(always)]
    pub(crate) fn take_first(&mut self) -> Option<Word> {
        let word = *self.entries.get(self.head)?;
        self.head += 1;
        Some(word)
    }

    /// Takes the entry at an index, which is not its rank: the last one fills the gap.
    #[inline(always)]
    pub(crate) fn swap_take(&mut self, index: usize) -> Word {
        debug_assert_eq!(self.head, 0, "a strategy that swaps never reads at the head");
        self.entries.swap_remove(index)
    }

    /// Notes when the entries came that are new since the last pick. Entries are only ever added at the end, so this
    /// can be done as late as the next pick.
    pub(crate) fn rank_arrivals(&mut self) {
        while self.arrivals.len() < self.entries.len() {
            self.arrivals.push(self.arrived);
            self.arrived += 1;
        }
    }

    /// How many of the ready entries came before this one.
    pub(crate) fn rank_of(&self, index: usize) -> usize {
        let arrival = self.arrivals[index];
        self.arrivals[self.head..].iter().filter(|other| **other < arrival).count()
    }

    /// The index of the entry with this rank.
    pub(crate) fn index_of(&self, rank: usize) -> usize {
        let mut order: Vec<usize> = (self.head..self.entries.len()).collect();
        order.sort_unstable_by_key(|index| self.arrivals[*index]);
        order[rank]
    }

    /// Takes the entry at an index, keeping the arrivals in step.
    pub(crate) fn take_ranked(&mut self, index: usize) -> Word {
        if self.profile == Profile::Fifo {
            debug_assert_eq!(index, self.head, "under fifo only the oldest may be next");
            self.head += 1;
            return self.entries[index];
        }
        self.arrivals.swap_remove(index);
        self.swap_take(index)
    }

    /// The index of the oldest entry, while arrivals are kept.
    pub(crate) fn oldest(&self) -> usize {
        if self.profile == Profile::Fifo { self.head } else { self.index_of(0) }
    }

    /// The oldest entry that the strategy was not shown yet: it is shown by [`show`](Ready::show).
    pub(crate) fn first_unshown(&self) -> Option<Word> {
        self.entries.get(self.head).copied()
    }

    /// The strategy is shown the oldest entry that it was not shown yet; its number.
    pub(crate) fn show(&mut self, name: StepName) -> u32 {
        let word = self.entries[self.head];
        self.head += 1;
        let shown = Shown { word, name, arrival: Some(self.arrived) };
        self.arrived += 1;
        self.shown_count += 1;
        match self.unused.pop() {
            Some(number) => {
                self.shown[number as usize] = shown;
                number
            }
            None => {
                self.shown.push(shown);
                self.shown.len() as u32 - 1
            }
        }
    }

    /// The strategy has picked the entry with this number.
    pub(crate) fn take_shown(&mut self, number: u32) -> Shown {
        let shown = self.shown[number as usize];
        debug_assert!(shown.arrival.is_some(), "a strategy picks only what it was shown");
        self.shown[number as usize].arrival = None;
        self.unused.push(number);
        self.shown_count -= 1;
        shown
    }

    /// The strategy gives up: what it was shown and has not picked goes back, ahead of all others.
    pub(crate) fn unshow_all(&mut self) -> Vec<Shown> {
        let shown = self.shown_oldest_first();
        let rest = self.entries.split_off(self.head);
        self.entries.clear();
        self.entries.extend(shown.iter().map(|shown| shown.word));
        self.entries.extend(rest);
        (self.head, self.shown_count) = (0, 0);
        self.shown.clear();
        self.unused.clear();
        shown
    }

    /// How many of the shown entries came before the one with this number.
    pub(crate) fn rank_of_shown(&self, number: u32) -> usize {
        let arrival = self.shown[number as usize].arrival;
        self.shown.iter().filter(|other| other.arrival.is_some() && other.arrival < arrival).count()
    }

    /// The shown entries, oldest first.
    pub(crate) fn shown_oldest_first(&self) -> Vec<Shown> {
        let mut shown: Vec<Shown> =
            self.shown.iter().filter(|shown| shown.arrival.is_some()).copied().collect();
        shown.sort_unstable_by_key(|shown| shown.arrival);
        shown
    }

    /// The ready entries, oldest first.
    pub(crate) fn oldest_first(&self) -> Vec<Word> {
        let shown = self.shown_oldest_first().into_iter().map(|shown| shown.word);
        shown.chain(self.unshown_oldest_first()).collect()
    }

    /// The ready entries with the names that they were shown by, oldest first.
    pub(crate) fn others_oldest_first(&self) -> Vec<(Word, Option<StepName>)> {
        let shown = self.shown_oldest_first().into_iter().map(|shown| (shown.word, Some(shown.name)));
        shown.chain(self.unshown_oldest_first().into_iter().map(|word| (word, None))).collect()
    }

    /// The entries that no strategy was shown, oldest first.
    fn unshown_oldest_first(&self) -> Vec<Word> {
        let mut order: Vec<usize> = (self.head..self.entries.len()).collect();
        if self.arrivals.len() == self.entries.len() {
            order.sort_unstable_by_key(|index| self.arrivals[*index]);
        }
        order.into_iter().map(|index| self.entries[index]).collect()
    }

    /// The next plain callback, without taking it.
    pub(crate) fn first_callback(&self) -> Option<Word> {
        self.callbacks.front().copied()
    }
}
