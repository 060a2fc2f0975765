//! Lane paths, as short as they can be without being mistaken.
//!
//! `bank::run/bank::teller#2` is `teller#2` where nothing else of the trace would be that as well, else
//! `bank::teller#2`, else the path. A task on a host is `store:teller`, and the host's main task is the host, `store`.

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
        let paths = trace.iter().filter_map(|event| match event {
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
        let paths: BTreeMap<&str, [Cow<'_, str>; 3]> = paths.map(|path| (path, forms(path))).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for [function, last, path] in paths.values() {
            *counts.entry(function).or_default() += 1;
            if last != function {
                *counts.entry(last).or_default() += 1;
            }
            if path != last && path != function {
                *counts.entry(path).or_default() += 1;
            }
        }
        let short_of = |forms: &[Cow<'_, str>; 3]| {
            forms.iter().find(|form| counts[&***form] == 1).unwrap_or(&forms[2]).to_string()
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

/// A path as its function alone, with its module, and whole. On a host it has the host before it, and the main task is the
/// host.
fn forms(path: &str) -> [Cow<'_, str>; 3] {
    let last = path.rsplit('/').next().unwrap_or(path);
    let function = last.rsplit("::").next().unwrap_or(last);
    let Some(host) = host_of(path) else { return [function.into(), last.into(), path.into()] };
    let of_host = |name: &str| match name.strip_prefix(host).and_then(|rest| rest.strip_prefix(':')) {
        Some("main") => host.to_owned(),
        Some(_) => name.to_owned(),
        None => format!("{host}:{name}"),
    };
    [of_host(function).into(), of_host(last).into(), path.into()]
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
