//! Who waits for what, and who holds it: read when nothing can run any more.

use crate::clock::Instant;
use crate::event_loop::{EventLoop, Loop};
use crate::ops::Op;
use crate::slots::{Kind, NONE, flag};
use crate::store::{ObjectKind, Objects, access_quietly};
use crate::trace::WaitingTask;
use crate::waits::{Rt, WAITING};
use std::collections::BTreeSet;
use std::fmt;

/// Nothing can run any more, and no timer is set: the tasks that wait, in the order of creation.
#[derive(Clone, Debug)]
pub struct Deadlock {
    /// When.
    pub time: Instant,
    /// The step that ran last.
    pub step: u64,
    /// The tasks that wait for ever.
    pub tasks: Vec<WaitingTask>,
}

impl Deadlock {
    pub(crate) fn of<'a>(loops: impl Iterator<Item = &'a EventLoop>) -> Deadlock {
        let mut report = Deadlock { time: Instant::ZERO, step: 0, tasks: Vec::new() };
        for event_loop in loops {
            let _ = access_quietly(event_loop.id(), |l| {
                report.time = report.time.max(Instant::from_nanos(l.rt.now));
                report.step = report.step.max(l.rt.steps);
                report.tasks.extend(waiting_tasks(l));
            });
        }
        report
    }
}

fn waiting_tasks(l: &Loop) -> Vec<WaitingTask> {
    let tasks = l.rt.live_tasks();
    let mut found: Vec<WaitingTask> =
        tasks.iter().map(|task| waiting_task(&l.rt, &l.objects, *task)).collect();
    for (index, task) in tasks.iter().enumerate() {
        found[index].in_cycle = is_in_cycle(&l.rt, &l.objects, *task);
    }
    found
}

pub(crate) fn waiting_task(rt: &Rt, objects: &Objects, task: u32) -> WaitingTask {
    let node = &rt.slot(wait_of(rt, task)).node;
    let (op, place, number) = match node.state & WAITING {
        0 => (Op::Foreign, None, NONE),
        _ => (node.op, node.place, node.object),
    };
    let (mut object, mut taken_at) = (None, None);
    if op == Op::Await {
        object = Some(awaited_name(rt, number));
    } else if number != NONE {
        object = Some(objects.name(number));
        taken_at = objects.slots[number as usize].taken_at;
    }
    let holder = match op {
        Op::Await => None,
        _ => holders_of(rt, objects, task).first().map(|holder| rt.lane_path(*holder)),
    };
    WaitingTask {
        task: rt.lane_path(task),
        lane: rt.cold[task as usize].lane,
        op,
        object,
        taken_at,
        holder,
        place,
        in_cycle: false,
    }
}

/// The node in which a task waits: its own, or its first extra one.
fn wait_of(rt: &Rt, task: u32) -> u32 {
    if rt.slot(task).node.state & WAITING != 0 || !rt.slot(task).is(flag::HAS_EXTRAS) {
        return task;
    }
    rt.extras.iter().copied().find(|extra| rt.slot(*extra).node.handles == task).unwrap_or(task)
}

/// A future in words; that of a `gather` by the children that are not done.
fn awaited_name(rt: &Rt, future: u32) -> String {
    if let Some(gathering) = rt.gathering.get(&future) {
        let pending = gathering.children.iter().filter(|child| !rt.slot(**child).is(flag::DONE));
        let names: Vec<String> = pending.map(|child| awaited_name(rt, *child)).collect();
        return format!("gather of {}", names.join(", "));
    }
    match rt.slot(future).word.kind() {
        Kind::Task => format!("Task `{}`", rt.lane_path(future)),
        _ => "a Future that nobody has set".to_owned(),
    }
}

/// The tasks that a task waits for: the one it awaits, those that it gathers, or the holder of the lock.
fn holders_of(rt: &Rt, objects: &Objects, task: u32) -> Vec<u32> {
    let node = &rt.slot(wait_of(rt, task)).node;
    let mut holders = Vec::new();
    match node.op {
        _ if node.state & WAITING == 0 => {}
        Op::Await => awaited_tasks(rt, node.object, &mut holders),
        Op::Acquire if objects.slots[node.object as usize].kind == ObjectKind::Lock => {
            holders.extend(rt.marked(objects.slots[node.object as usize].holder));
        }
        _ => {}
    }
    holders.retain(|holder| *holder != NONE && rt.slot(*holder).is_live_task());
    holders
}

fn awaited_tasks(rt: &Rt, future: u32, tasks: &mut Vec<u32>) {
    if rt.slot(future).is(flag::DONE) {
        return; // the slots of a finished gather's children may be others' by now
    }
    match rt.gathering.get(&future) {
        Some(gathering) => gathering.children.iter().for_each(|child| awaited_tasks(rt, *child, tasks)),
        None => tasks.push(future),
    }
}

fn is_in_cycle(rt: &Rt, objects: &Objects, task: u32) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = holders_of(rt, objects, task);
    while let Some(holder) = next.pop() {
        if holder == task {
            return true;
        }
        if seen.insert(holder) {
            next.extend(holders_of(rt, objects, holder));
        }
    }
    false
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.tasks.iter().filter(|task| task.in_cycle).count();
        write!(f, "deadlock at {} (step {}): ", self.time, self.step)?;
        match (count, self.tasks.len()) {
            (0, 0) => write!(f, "nothing is ready and no timer is set")?,
            (0, 1) => write!(f, "1 task waits for what nobody will do, and no timer is set")?,
            (0, all) => write!(f, "{all} tasks wait for what nobody will do, and no timer is set")?,
            (1, _) => write!(f, "1 task waits for itself and no timer is set")?,
            (cycle, _) => write!(f, "{cycle} tasks wait for each other and no timer is set")?,
        }
        for task in &self.tasks {
            write!(f, "\n  `{}` {task}", task.task)?;
        }
        Ok(())
    }
}

impl std::error::Error for Deadlock {}
