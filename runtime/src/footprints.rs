//! What the running step touches, while somebody asks: noted by number as it happens, named when the step is over.
//!
//! Four sorts of thing are touched, told apart by the two high bits of their number: the objects of the loop; the *result*
//! of a future or task; the *requests* to a task or callback (to be cancelled, to run at all); and things that stand in no
//! table of the loop, which whoever touches them names by a key.
//!
//! Each step reads the requests to its own task. So it conflicts with whoever cancels the task, makes it, or calls its
//! waker; and nobody has to know how lanes and wakes hang together who looks at footprints alone. All other wakes go
//! through an object that the woken step touches as well.

use crate::lanes;
use crate::ops::Op;
use crate::schedule::{Touch, Touched};
use crate::slots::{Kind, flag};
use crate::store::Objects;
use crate::trace::Access;
use crate::waits::{Rt, attention};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The result of a future or task.
const RESULT: u32 = 1 << 30;
/// The requests to a task or callback.
const REQUESTS: u32 = 2 << 30;
/// A thing that was named by a key.
const THING: u32 = 3 << 30;
/// The bits of the sort.
const SORT: u32 = 3 << 30;

/// Sets the requests to a task apart from its result.
const REQUESTS_KEY: u64 = 0x7265_7175_6573_7473;
/// The line of plain callbacks, which keep their order: as a thing that is touched.
const LINE_OF_CALLBACKS: u64 = 0x6C69_6E65_206F_6620;
/// Callbacks that are due at one moment, with the moment.
const LINE_OF_TIMERS: u64 = 0x7469_6D65_7273_2061;

/// The footprint of the running step.
#[derive(Default)]
pub(crate) struct Footprint {
    touches: Vec<(u32, Touch)>,
    /// By the slot of a callback: what names it.
    callbacks: Vec<u64>,
    things: Vec<Thing>,
    /// By key: the index of the thing.
    numbers: BTreeMap<u64, u32>,
}

struct Thing {
    key: u64,
    name: Cow<'static, str>,
}

impl Footprint {
    /// A new step begins: what was touched before is nobody's.
    pub(crate) fn forget(&mut self) {
        self.touches.clear();
    }

    /// A run begins.
    pub(crate) fn clear(&mut self) {
        self.touches.clear();
        self.callbacks.clear();
        self.things.clear();
        self.numbers.clear();
    }

    #[inline(never)]
    fn note(&mut self, number: u32, touch: Touch) {
        // Only what was touched last is looked at here: the rest is sorted out when the footprint is handed over.
        match self.touches.last_mut() {
            Some(last) if last.0 == number => last.1 = last.1.and(touch),
            _ => self.touches.push((number, touch)),
        }
    }

    #[inline(never)]
    fn note_thing(&mut self, key: u64, touch: Touch, name: impl FnOnce() -> Cow<'static, str>) {
        let number = match self.numbers.get(&key) {
            Some(number) => *number,
            None => {
                let number = self.things.len() as u32;
                self.things.push(Thing { key, name: name() });
                self.numbers.insert(key, number);
                number
            }
        };
        self.note(number | THING, touch);
    }

    /// Each thing that the step touched once.
    fn sort(&mut self) {
        self.touches.sort_unstable();
        self.touches.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 = first.1.and(later.1);
            }
            same
        });
    }
}

impl Rt {
    /// Does anybody ask what steps touch?
    #[inline(always)]
    pub(crate) fn watches_footprints(&self) -> bool {
        self.attention & attention::FOOTPRINTS != 0
    }

    /// The running step touches an object.
    #[inline(always)]
    pub(crate) fn touch(&mut self, object: u32, touch: Touch) {
        if self.attention & attention::FOOTPRINTS != 0 {
            self.observed.footprint.note(object, touch);
        }
    }

    /// The running step touches the result of a future or task.
    #[inline(always)]
    pub(crate) fn touch_slot(&mut self, slot: u32, touch: Touch) {
        if self.attention & attention::FOOTPRINTS != 0 {
            self.observed.footprint.note(slot | RESULT, touch);
        }
    }

    /// The running step touches what is asked of a task or callback: its own step reads it.
    #[inline(always)]
    pub(crate) fn touch_requests(&mut self, slot: u32, touch: Touch) {
        if self.attention & attention::FOOTPRINTS != 0 {
            self.observed.footprint.note(slot | REQUESTS, touch);
        }
    }

    /// The running step touches what a task waits in.
    #[inline(always)]
    pub(crate) fn touch_awaited(&mut self, op: Op, object: u32, touch: Touch) {
        if self.attention & attention::FOOTPRINTS != 0 && object != crate::slots::NONE {
            let sort = if matches!(op, Op::Await | Op::AwaitSelf) { RESULT } else { 0 };
            self.observed.footprint.note(object | sort, touch);
        }
    }

    /// The running step touches a thing that stands in no table of the loop. The key names it in every run; the name is
    /// for people.
    #[inline(always)]
    pub(crate) fn touch_thing(&mut self, key: u64, touch: Touch, name: impl FnOnce() -> Cow<'static, str>) {
        if self.attention & attention::FOOTPRINTS != 0 {
            self.observed.footprint.note_thing(key, touch, name);
        }
    }

    /// A plain callback joins the line: whoever joins it first runs first, in every profile.
    #[inline(always)]
    pub(crate) fn touch_line_of_callbacks(&mut self, touch: Touch) {
        self.touch_thing(LINE_OF_CALLBACKS, touch, || "the line of callbacks".into());
    }

    /// A callback is to run at a moment: of those that are due together, the order in which they were made decides.
    #[inline(always)]
    pub(crate) fn touch_timers(&mut self, at: u64) {
        self.touch_thing(lanes::mix(LINE_OF_TIMERS, at), Touch::Put, || "timers".into());
    }

    /// A key for a thing of this kind that the running lane has made, while anybody asks what is touched.
    #[cold]
    pub(crate) fn new_thing(&mut self, kind: &str) -> u64 {
        if self.watches_footprints() { self.child_lane(lanes::name_hash(kind)).0 } else { 0 }
    }

    /// A task was made: its first step comes after this one.
    #[cold]
    pub(crate) fn touch_new_task(&mut self, slot: u32) {
        self.touch_requests(slot, Touch::Write);
    }

    /// A callback was made: it gets a name, since all of one lane have but that of their lane.
    #[cold]
    pub(crate) fn touch_new_callback(&mut self, slot: u32) {
        let (key, _) = self.child_lane(REQUESTS_KEY);
        let callbacks = &mut self.observed.footprint.callbacks;
        if callbacks.len() <= slot as usize {
            callbacks.resize(slot as usize + 1, 0);
        }
        callbacks[slot as usize] = key;
        self.touch_requests(slot, Touch::Write);
    }

    /// Names what the step touched, in the order of the names.
    pub(crate) fn name_footprint(&mut self) {
        let mut touched = std::mem::take(&mut self.observed.touched);
        self.observed.footprint.sort();
        touched.clear();
        let touches = &self.observed.footprint.touches;
        touched.extend(
            touches
                .iter()
                .map(|(number, touch)| Touched { object: self.touched_key(*number), touch: *touch }),
        );
        touched.sort_unstable();
        touched.dedup_by(|later, first| {
            let same = later.object == first.object;
            if same {
                first.touch = first.touch.and(later.touch);
            }
            same
        });
        self.observed.touched = touched;
    }

    /// What names a touched thing in every run.
    fn touched_key(&self, number: u32) -> u64 {
        let index = (number & !SORT) as usize;
        match number & SORT {
            RESULT => self.cold[index].lane,
            REQUESTS if self.slots[index].word.kind() == Kind::Callback => {
                self.observed.footprint.callbacks.get(index).copied().unwrap_or(0)
            }
            REQUESTS => lanes::mix(self.cold[index].lane, REQUESTS_KEY),
            THING => self.observed.footprint.things[index].key,
            _ => self.observed.object_key(index as u32),
        }
    }

    /// The footprint in words. What every step reads of its own task is left out.
    pub(crate) fn tell_footprint(&mut self, objects: &Objects) -> Vec<Access> {
        self.observed.footprint.sort();
        let told = self.observed.footprint.touches.iter().filter_map(|(number, touch)| {
            let (index, write) = (number & !SORT, *touch != Touch::Read);
            let object = match number & SORT {
                RESULT => self.slot_name(index),
                REQUESTS if !write || self.slot(index).word.kind() != Kind::Task => return None,
                REQUESTS => format!("requests to {}", self.slot_name(index)),
                THING => self.observed.footprint.things[index as usize].name.clone().into_owned(),
                _ => objects.name(index),
            };
            Some(Access { object, write })
        });
        told.collect()
    }

    fn slot_name(&self, slot: u32) -> String {
        match self.slot(slot).word.kind() {
            Kind::Task => format!("Task {}", self.lane_path(slot)),
            _ => format!("Future #{}", self.cold[slot as usize].nth),
        }
    }

    /// How a callback joins the line that was put on a future: some may run in any order, if all ends well.
    pub(crate) fn touch_line_for(&mut self, callback: u32, finished: bool) {
        let in_any_order = finished && self.slot(callback).is(flag::IN_ANY_ORDER);
        self.touch_line_of_callbacks(if in_any_order { Touch::Release } else { Touch::Put });
    }
}
