//! Bytes as programs and traces write them: as runs.
//!
//! `a5/b` is five times "a", a newline, "b". A trace shows the first runs only, and a sum over all bytes, so that no line
//! of it is long and none hides a difference.

use serde::{Deserialize, Serialize};

/// Runs that a trace shows before it only sums.
const SHOWN_MAX: usize = 8;
/// The greatest prime below 2 to the 16th.
const MODULUS: u64 = 65_521;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Runs(String);

impl Runs {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = self.0.chars().peekable();
        while let Some(letter) = rest.next() {
            let mut count = None;
            while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                count = Some(count.unwrap_or(0) * 10 + digit as usize);
                rest.next();
            }
            let byte = if letter == '/' { b'\n' } else { letter as u8 };
            bytes.resize(bytes.len() + count.unwrap_or(1), byte);
        }
        bytes
    }
}

/// The length, then the runs: `7[a5/b]`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = format!("{}[", bytes.len());
    let mut runs = bytes.chunk_by(|one, next| one == next);
    for run in runs.by_ref().take(SHOWN_MAX) {
        text.push(if run[0] == b'\n' { '/' } else { char::from(run[0]) });
        if run.len() > 1 {
            text += &run.len().to_string();
        }
    }
    if runs.next().is_some() {
        let sum: u64 = (1..).zip(bytes).map(|(place, byte): (u64, &u8)| place * u64::from(*byte)).sum();
        text += &format!("~{}", sum % MODULUS);
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_written_and_read() {
        assert_eq!(Runs("a5/b".to_owned()).bytes(), b"aaaaa\nb");
        assert_eq!(shown(b"aaaaa\nb"), "7[a5/b]");
        assert_eq!(shown(b""), "0[]");
        assert_eq!(shown(b"abcdefgh"), "8[abcdefgh]");
    }

    #[test]
    fn more_than_eight_runs_are_summed() {
        assert_eq!(shown(b"abababababab"), "12[abababab~7608]");
        let sum: usize = b"abababababab".iter().enumerate().map(|(i, c)| (i + 1) * usize::from(*c)).sum();
        assert_eq!(sum % 65_521, 7608);
    }
}
