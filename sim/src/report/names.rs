//! Lane paths, as short as they can be without being mistaken.
//!
//! `bank::run/bank::teller#2` is `teller#2` where nothing else of the trace would be that as well, else
//! `bank::teller#2`, else the path.

use counterpoint_runtime::trace::Event;
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
        let paths: BTreeMap<&str, [&str; 3]> = paths.map(|path| (path, forms(path))).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for forms in paths.values() {
            let mut forms = *forms;
            forms.sort_unstable();
            let distinct =
                forms.iter().enumerate().filter(|(index, form)| *index == 0 || forms[index - 1] != **form);
            distinct.for_each(|(_, form)| *counts.entry(form).or_default() += 1);
        }
        let short_of =
            |forms: &[&str; 3]| forms.iter().find(|form| counts[*form] == 1).unwrap_or(&forms[2]).to_string();
        Names { short: paths.iter().map(|(path, forms)| ((*path).to_owned(), short_of(forms))).collect() }
    }

    /// The short name of a lane.
    pub(crate) fn name<'a>(&'a self, path: &'a str) -> &'a str {
        self.short.get(path).map_or(path, String::as_str)
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

/// A path as its function alone, with its module, and whole.
fn forms(path: &str) -> [&str; 3] {
    let last = path.rsplit('/').next().unwrap_or(path);
    let function = last.rsplit("::").next().unwrap_or(last);
    [function, last, path]
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
        assert_eq!(
            names.shorten("`bank::run` waits for Task `bank::run/bank::teller#2`"),
            "`run` waits for Task `teller#2`"
        );
    }
}
