//! Between the loop and a strategy with an order of its own: what is ready is shown to it, what it picks is taken.
//!
//! An entry's name ([`StepName`]) is made when it is shown, and goes with it until it has run. For strategies that take
//! from the vector a name is made when the entry is picked, if anybody asks for it.

use crate::event_loop::Loop;
use crate::lanes;
use crate::ops::Op;
use crate::ready::LANE;
use crate::schedule::StepName;
use crate::slots::{Kind, Word, flag};
use crate::strategy::{Class, Order, Pending, Picker, Strategy};
use crate::waits::{Rt, attention};

/// The lane of all plain callbacks: they keep their order among themselves.
const CALLBACKS: u64 = 0x6361_6C6C_6261_636B;
/// What a task had waited in that suspended without a wait of ours.
const FOREIGN: u64 = 0x666F_7265_6967_6E00;
/// What the timer of a lane stands for.
const TIMER: u64 = 0x7469_6D65_7200_0000;
/// Sets the counting of a lane's steps apart from that of its visits.
const STEPS: u64 = 0x7374_6570_7300_0000;

impl Loop {
    /// Lets the strategy pick, having shown it what is new.
    #[inline(never)]
    pub(crate) fn pick_ordered(&mut self) -> Option<Word> {
        if self.settings.fair_after.is_some_and(|steps| self.rt.steps >= steps) {
            return self.go_on_fairly();
        }
        let Loop { rt, picker, schedule, settings, .. } = self;
        let Picker::Ordered(order) = picker else { return None };
        while let Some(word) = rt.ready.first_unshown() {
            let name = rt.take_name(word, order.wants_names());
            let nth = if settings.directed.is_some() {
                rt.observed.visits.next(lanes::mix(name.lane, STEPS)) - 1
            } else {
                0
            };
            let pending = Pending { name, nth, class: rt.class_of(word) };
            let entry = rt.ready.show(name);
            order.ready(entry, &pending, schedule);
        }
        if rt.ready.is_empty() {
            return None;
        }
        let entry = order.pick(schedule);
        if order.is_redundant() {
            rt.observed.redundant = true;
            return None;
        }
        // Not for every strategy that follows steps: a rank is found by looking at all that is ready.
        if rt.attention & attention::WATCHED != 0 || rt.observed.seen.is_some() {
            let (rank, ready) = (rt.ready.rank_of_shown(entry) as u32, rt.ready.len() as u32);
            rt.observed.note_picked(rank, ready);
        }
        let shown = rt.ready.take_shown(entry);
        rt.observed.picked_name = Some(shown.name);
        Some(shown.word)
    }

    /// The strategy may have passed somebody over for long: from here on nobody is.
    #[cold]
    fn go_on_fairly(&mut self) -> Option<Word> {
        for shown in self.rt.ready.unshow_all() {
            self.rt.give_name_back(shown.word, shown.name);
        }
        self.picker = Strategy::RandomWalk.start(self.settings.profile, None, None);
        self.settings.fair_after = None;
        self.pick_next()
    }

    /// The step that ran last is over: it is known what it touched.
    #[inline(never)]
    pub(crate) fn follow_step(&mut self) {
        let Some(name) = self.rt.observed.followed.take() else { return };
        self.rt.name_footprint();
        let touched = &self.rt.observed.touched;
        if let Some(seen) = &mut self.rt.observed.seen {
            seen.ended(touched);
        }
        if let Some(behaviour) = &mut self.rt.observed.behaviour {
            behaviour.step(&name, touched);
        }
        if let Picker::Ordered(order) = &mut self.picker {
            order.executed(&name, touched, &mut self.schedule);
        }
    }
}

impl Rt {
    /// The name of the step that an entry stands for, which is used up by it.
    pub(crate) fn take_name(&mut self, word: Word, with_visits: bool) -> StepName {
        if !with_visits && self.attention & attention::KEYS == 0 {
            return StepName { lane: self.lane_of_entry(word), awaited: 0, visit: 0 };
        }
        let name = self.peek_name(word);
        match word.kind() {
            Kind::Task => {
                if let Some(kept) = self.observed.names.get_mut(word.slot() as usize) {
                    *kept = None;
                }
            }
            // Counted when it has run: until then its callback may be cancelled.
            Kind::Passive => {}
            Kind::Callback | Kind::Timer => {
                self.observed.visits.next(name.site());
            }
        }
        name
    }

    fn give_name_back(&mut self, word: Word, name: StepName) {
        if word.kind() == Kind::Task && self.attention & attention::KEYS != 0 {
            *self.observed.name_of_slot(word.slot()) = Some(name);
        }
    }

    /// The lane of an entry: of a task, its own.
    fn lane_of_entry(&self, word: Word) -> u64 {
        match word.kind() {
            Kind::Passive => CALLBACKS,
            Kind::Callback => lanes::mix(self.cold[word.slot() as usize].lane, CALLBACKS),
            Kind::Task | Kind::Timer => self.cold[word.slot() as usize].lane,
        }
    }

    /// The name of the step that an entry stands for.
    pub(crate) fn peek_name(&mut self, word: Word) -> StepName {
        if self.is_stale(word) {
            return StepName::default();
        }
        let lane = self.lane_of_entry(word);
        let awaited = match word.kind() {
            Kind::Task => {
                let slot = word.slot();
                if let Some(Some(name)) = self.observed.names.get(slot as usize) {
                    return *name;
                }
                if !self.slot(slot).is(flag::STARTED) {
                    return StepName { lane, awaited: 0, visit: 0 };
                }
                FOREIGN
            }
            // Named by the first callback of the line and whoever made it.
            Kind::Passive => match self.ready.first_callback() {
                Some(callback) => self.cold[callback.slot() as usize].lane,
                None => 0,
            },
            Kind::Callback => 0,
            Kind::Timer => TIMER,
        };
        let mut name = StepName { lane, awaited, visit: 0 };
        if word.kind() == Kind::Task {
            name.visit = self.observed.visits.next(name.site());
            *self.observed.name_of_slot(word.slot()) = Some(name);
        } else {
            name.visit = self.observed.visits.count(name.site()) + 1;
        }
        name
    }

    /// Is this an entry that will run nothing?
    pub(crate) fn is_stale(&self, word: Word) -> bool {
        word != LANE && !self.is_live_entry(word)
    }

    fn class_of(&self, word: Word) -> Class {
        if word == LANE {
            return Class::Callbacks;
        }
        let slot = self.slot(word.slot());
        match (word.kind(), slot.node.op) {
            (Kind::Passive | Kind::Callback, _) => Class::Callbacks,
            (Kind::Timer, _) => Class::Timer,
            (Kind::Task, _) if !slot.is(flag::STARTED) => Class::Start,
            (Kind::Task, Op::Yield) => Class::Yield,
            (Kind::Task, Op::Sleep) => Class::Timer,
            (
                Kind::Task,
                Op::Connect | Op::Accept | Op::Read | Op::Write | Op::Drain | Op::Resolve | Op::Exit,
            ) => Class::Kernel,
            (Kind::Task, _) => Class::Woken,
        }
    }
}

/// Does a strategy ask for more than lanes and what is ready?
pub(crate) fn attention_of(order: &dyn Order) -> u32 {
    let names = if order.wants_names() { attention::KEYS } else { 0 };
    let footprints = if order.wants_footprints() { attention::FOOTPRINTS | attention::FOLLOWED } else { 0 };
    names | footprints
}
