//! Lane paths, as short as they can be without being mistaken.
//!
//! `bank::run/bank::teller#2` is `teller#2` where nothing else of the trace would be that as well, else
//! `bank::teller#2`, else with the task that made it, `run/teller#2`, and so on to the whole path. A task on a host is `store:teller`, and the host's main task is the host, `store`.

use counterpoint_runtime::trace::Event;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The short names of a trace's lanes.
pub(crate) struct Names {
    short: BTreeMap<String, String>,
}

impl Names {
    /// The lanes of all tasks in a trace.
    pub(crate) fn of(trace: &[Event]) -> Names {
        Names::of_all([trace])
    }

    /// The lanes of all tasks in some traces.
    pub(crate) fn of_all<'a>(traces: impl IntoIterator<Item = &'a [Event]>) -> Names {
        let paths = traces.into_iter().flatten().filter_map(|event| match event {
            Event::TaskCreated { task, .. } | Event::TaskEnded { task, .. } => Some(task.as_str()),
            Event::Step(_)
            | Event::CancelRequested { .. }
            | Event::Log { .. }
            | Event::Packet(_)
            | Event::World { .. } => None,
        });
        Names::of_paths(paths)
    }

    fn of_paths<'a>(paths: impl Iterator<Item = &'a str>) -> Names {
        let paths: BTreeMap<&str, Vec<Cow<'_, str>>> = paths.map(|path| (path, forms(path))).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for forms in paths.values() {
            for form in forms {
                *counts.entry(form).or_default() += 1;
            }
        }
        let short_of = |forms: &[Cow<'_, str>]| {
            let short = forms.iter().find(|form| counts[&***form] == 1).or(forms.last());
            short.expect("the whole path is a form").to_string()
        };
        Names { short: paths.iter().map(|(path, forms)| ((*path).to_owned(), short_of(forms))).collect() }
    }

    /// The short name of a lane.
    pub(crate) fn name<'a>(&'a self, path: &'a str) -> &'a str {
        self.short.get(path).map_or(path, String::as_str)
    }

    /// Who says something: a task by its short name, a callback on a host by the host.
    pub(crate) fn speaker<'a>(&'a self, path: &'a str) -> &'a str {
        let task = self.short.get(path).map(String::as_str);
        task.or_else(|| host_of(path)).unwrap_or(path)
    }

    /// The text with every lane in backquotes made short.
    pub(crate) fn shorten(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (index, part) in text.split('`').enumerate() {
            if index > 0 {
                out.push('`');
            }
            out.push_str(if index % 2 == 1 { self.name(part) } else { part });
        }
        out
    }
}

/// A path in the ways in which it can be named, each once, the shortest first: its function, that with its module, with the
/// functions above it one after the other, and whole. On a host it has the host before it, and the main task is the host.
fn forms(path: &str) -> Vec<Cow<'_, str>> {
    let host = host_of(path);
    let own = host.map_or(path, |host| &path[host.len() + 1..]);
    let parts: Vec<&str> = own.split('/').collect();
    let last = parts[parts.len() - 1];
    let functions: Vec<&str> = parts.iter().map(|part| part.rsplit("::").next().unwrap_or(part)).collect();
    let mut forms: Vec<Cow<'_, str>> = vec![functions[functions.len() - 1].into(), last.into()];
    forms.extend((0..functions.len().saturating_sub(1)).rev().map(|from| functions[from..].join("/").into()));
    if let Some(host) = host {
        for form in &mut forms {
            *form = if *form == "main" { host.into() } else { format!("{host}:{form}").into() };
        }
    }
    forms.push(path.into());
    // Of two that are equal the first stays.
    let mut kept: Vec<Cow<'_, str>> = Vec::new();
    forms.into_iter().for_each(|form| {
        if !kept.contains(&form) {
            kept.push(form);
        }
    });
    kept
}

/// The host of a lane: what stands before its first colon, if that is a single one.
pub(super) fn host_of(path: &str) -> Option<&str> {
    let (host, rest) = path.split_once(':')?;
    let is_name = !rest.starts_with([':', ' ']) && !host.contains([' ', '/']);
    is_name.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_as_short_as_it_can_be_without_being_mistaken() {
        let names = Names::of_paths(
            [
                "bank::run",
                "bank::run/bank::teller",
                "bank::run/bank::teller#2",
                "bank::run/shop::teller",
                "a",
                "a/a",
            ]
            .into_iter(),
        );
        assert_eq!(names.name("bank::run"), "run");
        assert_eq!(names.name("bank::run/bank::teller"), "bank::teller");
        assert_eq!(names.name("bank::run/bank::teller#2"), "teller#2");
        assert_eq!(names.name("a/a"), "a/a");
    }

    #[test]
    fn tasks_with_one_name_are_told_apart_by_those_that_made_them() {
        let paths = ["v::run/v::a/v::ask", "v::run/v::a#2/v::ask", "v::run/v::a", "v::run/v::a#2"];
        let names = Names::of_paths(paths.into_iter());
        let short: Vec<&str> = paths.iter().map(|path| names.name(path)).collect();
        assert_eq!(short, ["a/ask", "a#2/ask", "a", "a#2"]);
    }

    #[test]
    fn a_task_on_a_host_is_named_with_it() {
        let paths = ["store:main", "store:main/bank::teller", "store:bank::serve", "client:bank::serve"];
        let names = Names::of_paths(paths.into_iter());
        let short: Vec<&str> = paths.iter().map(|path| names.name(path)).collect();
        assert_eq!(short, ["store", "store:teller", "store:serve", "client:serve"]);
    }

    #[test]
    fn lanes_in_a_text_are_shortened() {
        let names = Names::of_paths(["bank::run", "bank::run/bank::teller#2"].into_iter());
        assert_eq!(
            names.shorten("`bank::run` waits for Task `bank::run/bank::teller#2`"),
            "`run` waits for Task `teller#2`"
        );
    }
}
