//! Where text goes, and whether it has colours.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// What a command ends in: the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Failed,
    Inconclusive,
}

impl End {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            End::Passed => "passed",
            End::Failed => "failed",
            End::Inconclusive => "inconclusive",
        }
    }
}

impl From<End> for std::process::ExitCode {
    fn from(end: End) -> Self {
        Self::from(match end {
            End::Passed => 0,
            End::Failed => 1,
            End::Inconclusive => 3,
        })
    }
}

/// Writes to the standard output. Who closes the pipe (`| head`) has read enough: that is no error.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Colours, if a person reads on a terminal and does not mind them.
#[derive(Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    pub(super) fn for_stdout() -> Paint {
        let minds = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint(std::io::stdout().is_terminal() && !minds)
    }

    pub(super) fn bold(self, text: impl Display) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: impl Display) -> String {
        self.with("2", text)
    }

    /// The word for how it ended.
    pub(super) fn verdict(self, end: End, text: impl Display) -> String {
        let colour = match end {
            End::Passed => "32",
            End::Failed => "31",
            End::Inconclusive => "33",
        };
        self.with(&format!("1;{colour}"), text)
    }

    fn with(self, code: &str, text: impl Display) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }
}

/// `12345` as `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.strip_prefix(".").unwrap_or(path).display().to_string();
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:+=@%".contains(letter);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The candidate that a mistyped word is nearest to, if it is near enough.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.map(|candidate| (edits(word, candidate), candidate));
    let (distance, candidate) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2.max(word.chars().count() / 3)).then_some(candidate)
}

/// How many letters must be put in, taken out or replaced to make one word of the other.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for column in 0..other.len() {
            let replaced = diagonal + usize::from(letter != other[column]);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_one_by_one() {
        let cases = [
            ("", "abc", 3),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "bc", 1),
            ("kitten", "sitting", 3),
        ];
        for (one, other, distance) in cases {
            assert_eq!(edits(one, other), distance, "{one} {other}");
        }
    }

    #[test]
    fn a_word_that_is_near_nothing_has_no_suggestion() {
        let names = ["lost-update", "abba"];
        assert_eq!(nearest("lost-updte", names.into_iter()), Some("lost-update"));
        assert_eq!(nearest("gather", names.into_iter()), None);
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!([1, 999, 1000, 1_234_567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
    }
}
