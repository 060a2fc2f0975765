//! POS: a random priority for each ready entry, drawn anew after a step that conflicts with it.
//!
//! So two steps that race come in either order alike, however many others lie between them. What a ready step will touch
//! is not known before it runs; it is expected to touch what it touched in earlier runs. Without lessons nothing is drawn
//! anew, and this is a random priority for each entry.
//!
//! Source: Yuan, Yang, Gu, "Partial order aware concurrency sampling", CAV 2018.

use super::{Order, Pending};
use crate::choices::Stream;
use crate::schedule::{SharedLessons, StepName, Touch, Touched};
use std::collections::BinaryHeap;

/// Of an entry that is not ready.
const PICKED: u64 = 0;

/// A ready entry that is expected to touch an object.
#[derive(Clone, Copy)]
struct Toucher {
    entry: u32,
    /// Which use of the entry's number this is.
    arrival: u32,
    touch: Touch,
}

/// The entries that are expected to touch one object, and some that were.
#[derive(Default)]
struct Touchers {
    list: Vec<Toucher>,
    /// How long the list may get before it is cleaned.
    room: usize,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// The highest is next.
    priority: u64,
    arrival: u32,
}

pub(super) struct Pos {
    lessons: Option<SharedLessons>,
    /// The objects that lanes contend for, in order.
    objects: Vec<u64>,
    touchers: Vec<Touchers>,
    entries: Vec<Entry>,
    /// A priority that is no longer the entry's is passed over.
    line: BinaryHeap<(u64, u32)>,
    ready: usize,
    arrived: u32,
}

impl Pos {
    pub(super) fn new(lessons: Option<SharedLessons>) -> Pos {
        let objects: Vec<u64> =
            lessons.iter().flat_map(|lessons| &lessons.objects).map(|(object, _)| *object).collect();
        Pos {
            lessons,
            touchers: objects.iter().map(|_| Touchers::default()).collect(),
            objects,
            entries: Vec::new(),
            line: BinaryHeap::new(),
            ready: 0,
            arrived: 0,
        }
    }

    fn draw_priority(&mut self, entry: u32, stream: &mut Stream) {
        let this = &mut self.entries[entry as usize];
        // Arrivals count from 1, so that no two entries share a priority and none has that of a picked one.
        this.priority = u64::from(stream.word()) << 32 | u64::from(this.arrival);
        self.line.push((this.priority, entry));
    }

    fn expect_touches(&mut self, entry: u32, pending: &Pending) {
        let Some(lessons) = &self.lessons else { return };
        let arrival = self.entries[entry as usize].arrival;
        for touched in lessons.footprints.of(&pending.name) {
            let Ok(index) = self.objects.binary_search(&touched.object) else { continue };
            let touchers = &mut self.touchers[index];
            if touchers.list.len() >= touchers.room {
                touchers.list.retain(|toucher| is_ready(&self.entries, toucher));
                touchers.room = touchers.list.len() * 2 + 8;
            }
            touchers.list.push(Toucher { entry, arrival, touch: touched.touch });
        }
    }

    /// Drops priorities that are no longer anybody's, if most are.
    fn clean(&mut self) {
        if self.line.len() > 4 * self.ready + 64 {
            let entries = &self.entries;
            self.line.retain(|(priority, entry)| entries[*entry as usize].priority == *priority);
        }
    }
}

fn is_ready(entries: &[Entry], toucher: &Toucher) -> bool {
    let entry = &entries[toucher.entry as usize];
    entry.arrival == toucher.arrival && entry.priority != PICKED
}

impl Order for Pos {
    fn ready(&mut self, entry: u32, pending: &Pending, stream: &mut Stream) {
        let index = entry as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, Entry::default());
        }
        self.arrived += 1;
        self.entries[index].arrival = self.arrived;
        self.ready += 1;
        self.draw_priority(entry, stream);
        self.expect_touches(entry, pending);
    }

    fn pick(&mut self, _: &mut Stream) -> u32 {
        loop {
            let (priority, entry) = self.line.pop().expect("an entry is ready when one is picked");
            let this = &mut self.entries[entry as usize];
            if this.priority == priority {
                this.priority = PICKED;
                self.ready -= 1;
                return entry;
            }
        }
    }

    fn executed(&mut self, _: &StepName, touched: &[Touched], stream: &mut Stream) {
        for touched in touched {
            let Ok(index) = self.objects.binary_search(&touched.object) else { continue };
            let mut list = std::mem::take(&mut self.touchers[index].list);
            list.retain(|toucher| is_ready(&self.entries, toucher));
            for toucher in list.iter().filter(|toucher| toucher.touch.conflicts(touched.touch)) {
                self.draw_priority(toucher.entry, stream);
            }
            self.touchers[index].list = list;
        }
        self.clean();
    }

    fn wants_footprints(&self) -> bool {
        !self.objects.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Strategy;
    use super::super::testing::{Program, plain, writes};
    use super::*;

    #[test]
    fn what_conflicts_with_a_step_draws_again() {
        // Lane 0 has one write to make, lane 1 six of the same object. Without redraws lane 0 is last about once in
        // seven runs; with them about once in two to the sixth.
        let program = Program { lanes: vec![vec![writes(7)], vec![writes(7); 6]] };
        let lessons = program.lessons();
        let lasts = |lessons: &SharedLessons| {
            let last = |seed| program.order_of(Strategy::Pos, lessons, seed).ends_with(&[0]);
            (0..4_000).filter(|seed| last(*seed)).count()
        };
        let (without, with) = (lasts(&SharedLessons::default()), lasts(&lessons));
        assert!((470..670).contains(&without), "{without} of 4000");
        assert!((20..120).contains(&with), "{with} of 4000");
    }

    #[test]
    fn what_conflicts_with_nothing_keeps_its_priority() {
        let mut program = Program { lanes: vec![vec![plain()], vec![writes(7); 3], vec![writes(7); 3]] };
        program.lanes[0][0] = writes(8);
        let lessons = program.lessons();
        let last = |seed| program.order_of(Strategy::Pos, &lessons, seed).ends_with(&[0]);
        // It is last if the higher of two others wins six times; if it had to draw anew each time, it would be last in
        // one of fifteen runs, 260 in all.
        let lasts = (0..4_000).filter(|seed| last(*seed)).count();
        assert!((800..1_300).contains(&lasts), "{lasts} of 4000");
    }

    #[test]
    fn priorities_that_were_drawn_again_are_cleaned_away() {
        let program = Program { lanes: vec![vec![writes(7); 50]; 20] };
        let mut pos = Pos::new(Some(program.lessons()));
        program.run(&mut pos, 1);
        assert!(pos.line.capacity() < 1_000, "{} places", pos.line.capacity());
        assert!(pos.touchers[0].list.capacity() < 200);
    }
}
