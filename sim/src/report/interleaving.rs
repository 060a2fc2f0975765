//! The steps of a run, one a line: who ran, what it had waited for, what it waits for now, and whom it overtook.
//!
//! ```text
//! The last 2 of 6 steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.
//!
//!    5  │ ● │  teller   goes on, gives way                            src/bank.rs:31
//!    6  │ │ ◆  auditor  starts, waits for Lock `ledger`               src/bank.rs:48
//!                       ran before `teller`, which was ready earlier
//! ```
//!
//! Between the steps stand the packets: who sent what to whom, what was lost. See [`rows`](super::rows).

use super::focus::{self, Focus};
use super::rows::{Row, is_own, is_own_file, rows_of};
use super::{Names, columns, network};
use counterpoint_runtime::trace::{End, Event, Ran, StepRecord};
use counterpoint_runtime::{Op, WaitingTask};
use std::collections::BTreeMap;
use std::fmt::Write;

/// With more tasks than this, the columns are left out.
const COLUMNS_MAX: usize = 12;

/// Where lines are left out.
const GAP: &str = "⋮";

/// So many of those that a step overtook are named.
const OVERTAKEN_MAX: usize = 4;

/// The last `shown` steps of a trace.
pub(crate) fn interleaving(trace: &[Event], shown: usize) -> String {
    let names = Names::of(trace);
    let rows = rows_of(trace);
    let first = rows.iter().filter(|row| row.step.is_some()).count().saturating_sub(shown);
    let mut score = Score::new(&names, &rows, |_| true);
    let (mut lines, mut steps) = (Vec::new(), 0);
    for row in &rows {
        let line = score.line(row);
        steps += usize::from(row.step.is_some());
        if steps > first && !line.is_empty() {
            lines.push(line);
        }
    }
    let all = lines.iter().filter(|line| !line.number.is_empty()).count() == steps;
    let title = match all {
        true => "All steps, oldest first.".to_owned(),
        false => format!("The last {} of {steps} steps, oldest first.", steps - first),
    };
    score.draw(&title, true, &lines)
}

/// The steps of a trace that matter, with notes below them.
pub(super) fn focused(trace: &[Event], names: &Names, focus: &Focus<'_>, with_legend: bool) -> String {
    let rows = rows_of(trace);
    let mut score = Score::new(names, &rows, |lane| focus.shows(lane));
    let (mut lines, mut noted, mut steps) = (Vec::new(), Vec::new(), 0);
    for row in &rows {
        let mut line = score.line(row);
        steps += usize::from(row.step.is_some());
        let is_shown = match row.step {
            Some(step) => focus.shows(task_of(step)),
            None => focus.packets || !row.events.iter().all(|event| matches!(event, Event::Packet(_))),
        };
        if !is_shown || line.is_empty() {
            continue;
        }
        let notes = row.step.map(|step| focus.notes_of(step)).unwrap_or_default();
        if !notes.is_empty() {
            noted.push(lines.len());
        }
        line.below.splice(0..0, notes.iter().cloned());
        lines.push(line);
    }
    let lines = focus::cut(lines, &noted, Line::gap);
    let shown = lines.iter().filter(|line| line.is_step()).count();
    let title = match shown == steps {
        true => "All steps, oldest first.".to_owned(),
        false => format!("The {shown} of {steps} steps that matter, oldest first."),
    };
    score.draw(&title, with_legend, &lines)
}

/// How each step of a trace begins, in words.
pub(super) fn beginnings<'a>(trace: &'a [Event], names: &Names) -> Vec<(&'a StepRecord, String)> {
    let rows = rows_of(trace);
    let mut score = Score::new(names, &rows, |_| true);
    let mut beginnings = Vec::new();
    for row in &rows {
        let line = score.line(row);
        beginnings.extend(row.step.map(|step| (step, line.begins)));
    }
    beginnings
}

/// A line of the picture, before it is known how wide the columns are.
#[derive(Default)]
struct Line {
    number: String,
    time: String,
    gutter: String,
    name: String,
    /// How the task comes to run: the beginning of `what`.
    begins: String,
    what: String,
    place: String,
    below: Vec<String>,
}

impl Line {
    /// Stands for lines that are left out.
    fn gap() -> Line {
        Line { number: GAP.to_owned(), ..Line::default() }
    }

    fn is_step(&self) -> bool {
        !self.number.is_empty() && self.number != GAP
    }

    fn is_empty(&self) -> bool {
        self.number.is_empty() && self.what.is_empty()
    }
}

/// What is known of the tasks as the steps go by.
struct Score<'a> {
    names: &'a Names,
    columns: BTreeMap<&'a str, usize>,
    alive: Vec<bool>,
    /// What each task waits for.
    waits: BTreeMap<&'a str, String>,
    cancelled: Vec<&'a str>,
    time: String,
}

impl<'a> Score<'a> {
    fn new(names: &'a Names, rows: &[Row<'a>], is_shown: impl Fn(&str) -> bool) -> Score<'a> {
        let (columns, width) = columns::of(rows.iter().map(|row| &row.events[..]), is_shown);
        let alive = vec![false; width];
        Score { names, columns, alive, waits: BTreeMap::new(), cancelled: Vec::new(), time: String::new() }
    }

    fn line(&mut self, row: &Row<'a>) -> Line {
        let mut words = Vec::new();
        let time = row.time.map_or(String::new(), |time| time.to_string());
        let mut line = Line { time, ..Line::default() };
        if let Some(step) = row.step {
            line.begins = self.resumes(step);
            words.push(line.begins.clone());
            line.number = row.number.to_string();
            line.name = self.names.name(task_of(step)).to_owned();
            line.gutter = self.gutter(Some(step));
        }
        let mut created = Vec::new();
        for event in &row.events {
            self.tell(event, row.step, &mut words, &mut created, &mut line.below);
        }
        if row.step.is_none() {
            // Nobody's step: what it says stands in the place of what a task does, and a task that is made begins soon.
            line.gutter = self.gutter(None);
            if words.is_empty() && !line.below.is_empty() {
                words.push(line.below.remove(0));
            }
        } else if !created.is_empty() {
            words.insert(1, format!("creates {}", created.join(" and ")));
        }
        if let Some(step) = row.step {
            let ended = row.events.iter().any(|event| ends(event, &step.lane));
            match &step.waits {
                Some(waits) => {
                    let waits = self.waits_now(&step.lane, waits);
                    let object =
                        waits.strip_prefix("waits for ").filter(|object| object.starts_with("Stream "));
                    let again = object.is_some_and(|object| words[0].ends_with(object));
                    words.push(if again { "waits for more".to_owned() } else { waits });
                }
                None if step.ran == Ran::Task && !ended => words.push("panics".to_owned()),
                None => {}
            }
            line.place = place_of(step);
            if step.choice > 0 {
                line.below.insert(0, self.overtook(step));
            }
        }
        line.what = words.join(", ");
        line
    }

    /// How the task comes to run.
    fn resumes(&mut self, step: &'a StepRecord) -> String {
        let waited = self.waits.remove(step.lane.as_str());
        let cancelled = self.cancelled.iter().position(|task| *task == step.lane);
        match step.ran {
            Ran::Timer => return "its timer is due: it is ready".to_owned(),
            Ran::Callback => return "runs".to_owned(),
            Ran::Task => {}
        }
        if let Some(index) = cancelled {
            self.cancelled.swap_remove(index);
            return "is cancelled".to_owned();
        }
        match (step.op, waited) {
            (Op::None, _) => "starts".to_owned(),
            (Op::Yield, _) => "goes on".to_owned(),
            (Op::Sleep, _) => "has slept".to_owned(),
            (Op::Acquire, Some(object)) => format!("has {object}"),
            (Op::Await, Some(object)) if object.starts_with("Task") => format!("has the end of {object}"),
            (Op::Await, Some(object)) => format!("has the result of {object}"),
            (op, Some(object)) => format!("is through `{}` of {object}", op.name()),
            (op, None) => format!("is through `{}`", op.name()),
        }
    }

    /// What happened in the step.
    fn tell(
        &mut self,
        event: &'a Event,
        step: Option<&StepRecord>,
        words: &mut Vec<String>,
        created: &mut Vec<String>,
        below: &mut Vec<String>,
    ) {
        match event {
            Event::Step(_) => {}
            Event::Packet(_) => below.extend(network::told(event)),
            Event::World { .. } => {
                for (_, column) in self.columns.iter().filter(|(task, _)| columns::ends(event, task)) {
                    self.alive[*column] = false;
                }
                below.extend(network::told(event));
            }
            Event::TaskCreated { task, .. } => {
                self.set_alive(task, true);
                if step.is_none_or(|step| step.lane != *task) {
                    created.push(format!("`{}`", self.names.name(task)));
                }
            }
            Event::TaskEnded { task, how, .. } => {
                self.set_alive(task, false);
                let ends = match how {
                    End::Finished => "ends",
                    End::Failed => "ends with an error",
                    End::Cancelled => "ends cancelled",
                };
                match step {
                    Some(step) if step.lane == *task => words.push(ends.to_owned()),
                    _ => words.push(format!("`{}` {ends}", self.names.name(task))),
                }
            }
            Event::CancelRequested { task, .. } => {
                self.cancelled.push(task);
                words.push(format!("cancels `{}`", self.names.name(task)));
            }
            Event::Log { task, text, .. } => {
                let by = task.as_ref().filter(|task| step.is_none_or(|step| step.lane != **task));
                let by = by.map_or(String::new(), |task| format!(" of `{}`", self.names.speaker(task)));
                below.push(format!("log{by}: {text}"));
            }
        }
    }

    /// What the task waits for from here on.
    fn waits_now(&mut self, lane: &'a str, waits: &WaitingTask) -> String {
        match (&waits.object, waits.op) {
            (_, Op::Yield) => "gives way".to_owned(),
            (_, Op::Sleep) => "sleeps".to_owned(),
            (None, Op::Foreign | Op::None) => "waits for a future that is not ours".to_owned(),
            (None, op) => format!("waits in `{}`", op.name()),
            (Some(object), _) => {
                // Of a deadlock nobody will set it; of a step, nobody has yet.
                let object = if object.starts_with("a Future") { "a Future" } else { object.as_str() };
                let object = self.names.shorten(object);
                self.waits.insert(lane, object.clone());
                match &waits.holder {
                    Some(holder) => format!("waits for {object}, held by `{}`", self.names.name(holder)),
                    None => format!("waits for {object}"),
                }
            }
        }
    }

    fn overtook(&self, step: &StepRecord) -> String {
        let older = step.others.iter().take(step.choice as usize);
        let mut older: Vec<String> = older.map(|lane| self.entry(lane)).collect();
        older.dedup();
        if older.len() > OVERTAKEN_MAX {
            let more = older.split_off(OVERTAKEN_MAX).len();
            older.push(format!("{more} more"));
        }
        let (which, were) = if older.len() == 1 { ("which", "was") } else { ("which", "were") };
        format!("ran before {}, {which} {were} ready earlier", older.join(" and "))
    }

    /// An entry of the ready queue in words: a task by its short name.
    fn entry(&self, lane: &str) -> String {
        match lane.strip_prefix("timer of ") {
            Some(task) => format!("the timer of `{}`", self.names.name(task)),
            None if is_own(lane) => "a callback of the library".to_owned(),
            None if lane.starts_with("callback") => format!("the {lane}"),
            None => format!("`{}`", self.names.name(lane)),
        }
    }

    fn set_alive(&mut self, task: &str, alive: bool) {
        if let Some(column) = self.columns.get(task) {
            self.alive[*column] = alive;
        }
    }

    fn gutter(&self, step: Option<&StepRecord>) -> String {
        let early = step.is_some_and(|step| step.choice > 0);
        if self.alive.len() > COLUMNS_MAX {
            return step.map_or("", |_| if early { "◆" } else { "●" }).to_owned();
        }
        let lane = step.map(task_of);
        let timer = step.is_some_and(|step| step.ran == Ran::Timer);
        let mut gutter = String::new();
        for column in 0..self.alive.len() {
            let here = lane.is_some_and(|lane| self.columns.get(lane) == Some(&column));
            gutter.push(match (here, self.alive[column]) {
                (true, _) if timer => '○',
                (true, _) if early => '◆',
                (true, _) => '●',
                (false, true) => '│',
                (false, false) => ' ',
            });
            gutter.push(' ');
        }
        gutter.pop();
        gutter
    }

    /// Puts the lines below each other, with the columns as wide as they must be.
    fn draw(&mut self, title: &str, with_legend: bool, lines: &[Line]) -> String {
        let mut text = title.to_owned();
        if with_legend {
            let columns = self.alive.len() <= COLUMNS_MAX;
            text.push_str(if columns { " Each column is a task: ● it runs" } else { " ● a task runs" });
            text.push_str(", ◆ it runs before one that was ready earlier.");
        }
        text.push_str("\n\n");
        let width =
            |of: fn(&Line) -> &str| lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0);
        let timed = lines.iter().any(|line| !line.time.is_empty() && line.time != "00:00:00.000");
        let times = if timed { width(|line| &line.time) } else { 0 };
        let (numbers, gutters, names) =
            (width(|line| &line.number).max(4), width(|line| &line.gutter), width(|line| &line.name));
        let whats = width(|line| &line.what).min(76);
        let indent = numbers + 2 + if timed { times + 2 } else { 0 } + gutters + 2 + names + 2;
        for line in lines {
            let _ = write!(text, "{:>numbers$}  ", line.number);
            if timed {
                let time = if line.time == self.time { "" } else { &line.time };
                let _ = write!(text, "{time:times$}  ");
                self.time.clone_from(&line.time);
            }
            let Line { gutter, name, what, place, .. } = line;
            let row = format!("{gutter:gutters$}  {name:names$}  {what:whats$}  {place}");
            text.push_str(row.trim_end());
            text.push('\n');
            for below in &line.below {
                let _ = writeln!(text, "{:indent$}{below}", "");
            }
        }
        text
    }
}

/// The lane that a step is about: of a timer, the one that waits for it.
fn task_of(step: &StepRecord) -> &str {
    step.lane.strip_prefix("timer of ").unwrap_or(&step.lane)
}

/// Is this the end of the task?
fn ends(event: &Event, lane: &str) -> bool {
    matches!(event, Event::TaskEnded { task, .. } if task == lane)
}

/// Where the task waits now, or where it went on if it waits no more.
fn place_of(step: &StepRecord) -> String {
    let place = step.waits.as_ref().and_then(|waits| waits.place).or(step.place);
    let place = place.filter(|place| !is_own_file(place.file()));
    place.map_or(String::new(), |place| format!("{}:{}", place.file(), place.line()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
