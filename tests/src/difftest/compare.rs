//! Where two traces of one program part.

use std::fmt;

/// How many equal lines are shown before the first that differs, and how many of each after it.
const CONTEXT: usize = 6;

/// The first line at which two traces of a program differ, with what stands around it.
#[derive(Debug)]
pub struct Difference {
    line: usize,
    common: Vec<String>,
    theirs: Vec<String>,
    ours: Vec<String>,
}

impl Difference {
    /// Compares CPython's trace with ours, every line and the tick column too.
    pub fn between(theirs: &str, ours: &[String]) -> Option<Difference> {
        let theirs: Vec<&str> = theirs.lines().collect();
        let equal = theirs.iter().zip(ours).take_while(|(theirs, ours)| *theirs == ours).count();
        if equal == theirs.len() && equal == ours.len() {
            return None;
        }
        let part = |line: &[String]| line.iter().take(CONTEXT).cloned().collect();
        let theirs: Vec<String> = theirs.into_iter().map(str::to_owned).collect();
        Some(Difference {
            line: equal + 1,
            common: ours[equal.saturating_sub(CONTEXT)..equal].to_vec(),
            theirs: part(&theirs[equal..]),
            ours: part(&ours[equal..]),
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "first difference in line {}", self.line)?;
        for line in &self.common {
            writeln!(f, "           {line}")?;
        }
        for (who, lines) in [("CPython", &self.theirs), ("ours   ", &self.ours)] {
            for line in lines {
                writeln!(f, "  {who}  {line}")?;
            }
            if lines.is_empty() {
                writeln!(f, "  {who}  (the trace ends here)")?;
            }
        }
        Ok(())
    }
}
