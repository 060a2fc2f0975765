//! Failures that were found, kept in a file: a token and its sentence a line.
//!
//! ```text
//! # Failures that were found, and are played again before each hunt.
//! CP1-kBEOuiz19coaCAA0E…  # It fails if and only if `late_teller` goes on (src/bank.rs:37) before …
//! ```
//!
//! The file belongs to people and to version control: comments, blank lines and the order stay. A line that cannot be read
//! is named by its number, and stays as well.

use crate::token::{Token, TokenError};
use std::fmt;
use std::io;
use std::path::Path;

const TITLE: &str = "\
# Failures that were found, one a line: a token, and why it fails. They are played again before each hunt.
# Keep this file under version control. A line whose bug is repaired may go, or stay and guard against its return.";

/// Failures that were found, as a file keeps them.
///
/// # Examples
/// ```
/// use counterpoint::explore::Regressions;
///
/// let kept = Regressions::parse("# mine\n\nCP1-AAA\n");
/// assert_eq!(kept.damaged().map(|(line, _)| line).collect::<Vec<_>>(), [3]);
/// assert_eq!(kept.to_string(), "# mine\n\nCP1-AAA\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regressions {
    lines: Vec<Line>,
}

/// A line, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    text: String,
    /// None of a comment or a blank line.
    token: Option<Result<Token, TokenError>>,
}

/// A failure of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regression<'a> {
    /// The number of its line, from 1.
    pub line: usize,
    /// What replays it.
    pub token: &'a Token,
    /// Why it failed when it was found.
    pub sentence: &'a str,
}

impl Regressions {
    /// Reads a text.
    pub fn parse(text: &str) -> Regressions {
        let line = |text: &str| {
            let token = text.split('#').next().unwrap_or_default().trim();
            Line { text: text.to_owned(), token: (!token.is_empty()).then(|| token.parse()) }
        };
        Regressions { lines: text.lines().map(line).collect() }
    }

    /// Reads a file; one that is not there has none.
    ///
    /// # Errors
    /// The system's, if the file is there and cannot be read.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Regressions> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Regressions::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Regressions::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes a file, by way of another one beside it: who reads it meanwhile reads the old one.
    ///
    /// # Errors
    /// The system's, if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        std::fs::write(&beside, self.to_string())?;
        std::fs::rename(&beside, path)
    }

    /// All failures that can be read, in their order.
    pub fn all(&self) -> impl Iterator<Item = Regression<'_>> {
        self.lines.iter().enumerate().filter_map(|(index, line)| {
            let token = line.token.as_ref()?.as_ref().ok()?;
            let sentence = line.text.split_once('#').map_or("", |(_, sentence)| sentence.trim());
            Some(Regression { line: index + 1, token, sentence })
        })
    }

    /// The numbers of the lines that cannot be read, from 1, and why.
    pub fn damaged(&self) -> impl Iterator<Item = (usize, &TokenError)> {
        self.lines.iter().enumerate().filter_map(|(index, line)| {
            let error = line.token.as_ref()?.as_ref().err()?;
            Some((index + 1, error))
        })
    }

    /// Adds a failure at the end; false if it is there already.
    pub fn add(&mut self, token: &Token, sentence: &str) -> bool {
        if self.all().any(|regression| regression.token == token) {
            return false;
        }
        if self.lines.is_empty() {
            self.lines = Regressions::parse(TITLE).lines;
        }
        let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
        self.lines.push(Line { text: format!("{token}  # {sentence}"), token: Some(Ok(token.clone())) });
        true
    }
}

/// The text of the file.
impl fmt::Display for Regressions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deviations::Deviations;
    use crate::outcome::{FailureKind, Identity};
    use counterpoint_runtime::Profile;

    fn token(name: &str) -> Token {
        let failure = Identity::new(FailureKind::Panic, None, "lost", Vec::new());
        Token::new(name, &Deviations::none(0, Profile::Fifo), &failure, |_, _| None)
    }

    #[test]
    fn a_failure_is_added_once_with_its_sentence() {
        let mut kept = Regressions::default();
        assert!(kept.add(&token("bank"), "It fails\nif A."));
        assert!(!kept.add(&token("bank"), "It fails if B."));
        assert!(kept.add(&token("shop"), ""));
        let again = Regressions::parse(&kept.to_string());
        let all: Vec<_> = again.all().map(|each| (each.line, each.token.clone(), each.sentence)).collect();
        assert_eq!(all, [(3, token("bank"), "It fails if A."), (4, token("shop"), "")]);
        assert!(kept.to_string().starts_with("# Failures that were found"));
    }

    #[test]
    fn what_people_wrote_stays_and_what_is_damaged_is_named() {
        let bank = token("bank").to_string();
        let text =
            format!("# ours\n\n{bank}  # why\n{}\n  # indented\nCP9-AAAA # old\n", &bank[..bank.len() - 1]);
        let mut kept = Regressions::parse(&text);
        let damaged: Vec<_> = kept.damaged().map(|(line, error)| (line, error.clone())).collect();
        assert_eq!(damaged[0].0, 4);
        assert!(matches!(damaged[0].1, TokenError::Truncated { .. }));
        assert_eq!(damaged[1], (6, TokenError::Version("9".to_owned())));
        assert!(kept.add(&token("shop"), "why not"));
        assert_eq!(kept.to_string(), format!("{text}{}  # why not\n", token("shop")));
    }

    #[test]
    fn a_file_that_is_not_there_has_no_failures() {
        let kept = Regressions::read("/nowhere/at/all").expect("that is no error");
        assert_eq!(kept, Regressions::default());
    }
}
