//! A failing run as one line of text that survives edits of the program.
//!
//! ```text
//! CP1-oBx0wYk3V…
//! │   └ six bits a letter: how long it is, what it is of, the failure, then the deviations; a checksum ends it
//! └ the version of the format
//! ```
//!
//! A step is kept as 24 bits of its lane and of what it had waited for, its visit there, and which step of its lane it was:
//! four ways to know it again, of which an edit leaves some (see `explore`'s replay). Hashes are written once, in a list,
//! and then go by their places in it. Reading never panics, whatever the text.

mod bits;

use crate::deviations::{Deviation, Deviations};
use crate::outcome::{Digest, Identity};
use bits::{Reader, Writer};
use counterpoint_runtime::Profile;
use counterpoint_runtime::choices::{Drawn, Kind};
use counterpoint_runtime::schedule::{Burst, Hold, StepName, StepPattern};
use std::fmt;
use std::str::FromStr;

const MAGIC: &str = "CP";
const VERSION: u32 = 1;
const HASH_BITS: u32 = 24;
const SCENARIO_BITS: u32 = 18;
const CHECKSUM_LETTERS: usize = 3;

/// The few deviations from the ordinary run that make a program fail, as a line of text.
///
/// # Examples
/// ```
/// use counterpoint::explore::{Token, TokenError};
///
/// assert_eq!("hunter2".parse::<Token>(), Err(TokenError::Foreign));
/// assert_eq!("CP7-AAAA".parse::<Token>(), Err(TokenError::Version("7".to_owned())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// Of the simulation's name.
    pub(crate) scenario: u32,
    /// Of the program with the bug repaired: a matter of the command line, which has both under one name.
    pub(crate) fixed: bool,
    pub(crate) profile: Profile,
    pub(crate) data_seed: u64,
    pub(crate) kept: Vec<Kept>,
    /// Of the failure's identity.
    pub(crate) failure: u32,
}

/// A deviation as a token keeps it. A loop goes by its number in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    Hold { in_loop: u32, held: KeptStep, until: KeptStep },
    Burst { in_loop: u32, from: KeptStep, steps: u32 },
    Draw(Drawn),
}

/// A step as a token keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeptStep {
    /// 24 bits of its lane.
    pub(crate) lane: u32,
    /// 24 bits of what it had waited for; 0 for the first step of a task.
    pub(crate) awaited: u32,
    /// How many times its lane had waited there.
    pub(crate) visit: u32,
    /// Which step of its lane, from 0.
    pub(crate) nth: u32,
}

/// How a kept step is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum By {
    /// By its lane, what it had waited for, and the visit.
    Visit,
    /// The first that waited there.
    Site,
    /// By its number in the lane, and so many more.
    Number(i32),
}

/// Why a text is no token that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It is something else.
    Foreign,
    /// It was made by another version of the format.
    Version(String),
    /// Its end is missing.
    Truncated {
        /// How many letters there are.
        found: usize,
        /// How many there were.
        expected: usize,
    },
    /// A letter is not as it was written.
    Mistyped,
    /// It is of another program.
    OtherScenario {
        /// The name of the program that it was tried with.
        tried: String,
    },
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::Foreign => {
                write!(f, "this is not a token of Counterpoint: one begins with `{MAGIC}{VERSION}-`")
            }
            TokenError::Version(found) => write!(
                f,
                "this token has version {found} of the format, and this program reads version {VERSION}; hunt again, or \
                 use the version of Counterpoint that made it"
            ),
            TokenError::Truncated { found, expected } => write!(
                f,
                "this token is cut off: {found} of its {expected} letters are there; copy the whole line"
            ),
            TokenError::Mistyped => {
                write!(f, "this token is mistyped: its checksum does not fit its letters; copy it anew")
            }
            TokenError::OtherScenario { tried } => write!(
                f,
                "this token is of another program than `{tried}`; a token counts for the name that its program had when \
                 the failure was found"
            ),
        }
    }
}

impl std::error::Error for TokenError {}

impl KeptStep {
    /// What is kept of a step, the so-manyth of its lane.
    pub(crate) fn of(name: &StepName, nth: u32) -> KeptStep {
        KeptStep { lane: low(name.lane), awaited: low(name.awaited), visit: name.visit, nth }
    }

    fn pattern(&self, by: By) -> StepPattern {
        let KeptStep { lane, awaited, visit, nth } = *self;
        match by {
            By::Visit => StepPattern::Short { lane, awaited, visit: Some(visit) },
            By::Site => StepPattern::Short { lane, awaited, visit: None },
            By::Number(shift) => StepPattern::Nth { lane, step: nth.saturating_add_signed(shift) },
        }
    }

    fn is_first(&self) -> bool {
        (self.awaited, self.visit, self.nth) == (0, 0, 0)
    }
}

/// The part of a hash that a token keeps.
pub(crate) fn low(hash: u64) -> u32 {
    (hash & ((1 << HASH_BITS) - 1)) as u32
}

/// What a token keeps of the name of a program.
fn digest_of(name: &str) -> u32 {
    let mut digest = Digest::new();
    digest.bytes(name.as_bytes());
    let digest = digest.value();
    ((digest ^ digest >> 32) & ((1 << SCENARIO_BITS) - 1)) as u32
}

/// What a token keeps of a failure.
fn digest_of_failure(identity: &Identity) -> u32 {
    let digest = identity.digest();
    low(digest ^ digest >> 32)
}

impl Token {
    /// The token of deviations that make the simulation of this name fail like this. `step_of` knows the steps of a loop by
    /// their keys, and which of their lanes they are; a deviation with a step that it does not know is left out.
    pub(crate) fn new(
        name: &str,
        deviations: &Deviations,
        failure: &Identity,
        step_of: impl Fn(u32, u64) -> Option<KeptStep>,
    ) -> Token {
        let step = |number, pattern| match pattern {
            StepPattern::Exact(key) => step_of(number, key),
            StepPattern::Short { .. } | StepPattern::Nth { .. } => None,
        };
        let kept = deviations.list().into_iter().filter_map(|deviation| {
            Some(match deviation {
                Deviation::Hold(in_loop, Hold { held, until }) => {
                    Kept::Hold { in_loop, held: step(in_loop, held)?, until: step(in_loop, until)? }
                }
                Deviation::Burst(in_loop, Burst { from, steps }) => {
                    Kept::Burst { in_loop, from: step(in_loop, from)?, steps }
                }
                Deviation::Draw(drawn) => Kept::Draw(drawn),
            })
        });
        Token {
            scenario: digest_of(name),
            fixed: false,
            profile: deviations.profile,
            data_seed: deviations.data_seed,
            kept: kept.collect(),
            failure: digest_of_failure(failure),
        }
    }

    /// How many deviations it keeps.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Does the ordinary run fail, so that it keeps none?
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Which orders are legal in its run.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The same, of the program with the bug repaired, or not of that.
    #[cfg(feature = "cli")]
    pub(crate) fn of_fixed(self, fixed: bool) -> Token {
        Token { fixed, ..self }
    }

    /// Is it of the program of this name?
    pub fn is_of(&self, name: &str) -> bool {
        self.scenario == digest_of(name)
    }

    /// Is this its failure?
    pub(crate) fn is_failure(&self, identity: &Identity) -> bool {
        self.failure == digest_of_failure(identity)
    }

    /// The deviations, with steps known again in these ways: the first of each pair for the held step or the beginning
    /// of the burst, the second for that until which it holds. One pair for each that it keeps; none leaves it out.
    pub(crate) fn deviations(&self, by: &[Option<(By, By)>]) -> Deviations {
        let kept = self.kept.iter().zip(by).filter_map(|(kept, by)| {
            let (first, second) = (*by)?;
            Some(match kept {
                Kept::Hold { in_loop, held, until } => Deviation::Hold(
                    *in_loop,
                    Hold { held: held.pattern(first), until: until.pattern(second) },
                ),
                Kept::Burst { in_loop, from, steps } => {
                    Deviation::Burst(*in_loop, Burst { from: from.pattern(first), steps: *steps })
                }
                Kept::Draw(drawn) => Deviation::Draw(*drawn),
            })
        });
        Deviations::none(self.data_seed, self.profile).with(kept)
    }

    fn write(&self, out: &mut Writer) {
        out.bits(u64::from(self.scenario), SCENARIO_BITS);
        out.bits(u64::from(self.fixed), 1);
        out.number(Profile::ALL.iter().position(|profile| *profile == self.profile).unwrap_or(0) as u64);
        out.bits(u64::from(self.failure), HASH_BITS);
        out.number(self.data_seed);
        let hashes = self.hashes();
        out.number(hashes.len() as u64);
        hashes.iter().for_each(|hash| out.bits(u64::from(*hash), HASH_BITS));
        out.number(self.kept.len() as u64);
        let step = |out: &mut Writer, step: &KeptStep| {
            let place = |hash| hashes.binary_search(&hash).expect("all hashes are in the list") as u64;
            let width = width_of(hashes.len());
            out.bits(place(step.lane), width);
            out.bits(u64::from(step.is_first()), 1);
            if !step.is_first() {
                out.bits(place(step.awaited), width);
                out.number(u64::from(step.visit));
                out.number(u64::from(step.nth));
            }
        };
        for kept in &self.kept {
            match kept {
                Kept::Hold { in_loop, held, until } => {
                    out.bits(0, 2);
                    out.number(u64::from(*in_loop));
                    step(out, held);
                    step(out, until);
                }
                Kept::Burst { in_loop, from, steps } => {
                    out.bits(1, 2);
                    out.number(u64::from(*in_loop));
                    step(out, from);
                    out.number(u64::from(*steps));
                }
                Kept::Draw(drawn) => {
                    out.bits(2, 2);
                    out.number(drawn.kind as u64);
                    out.bits(drawn.key, 64);
                    out.number(drawn.value);
                }
            }
        }
    }

    /// The hashes of all steps, each once, in order.
    fn hashes(&self) -> Vec<u32> {
        let mut hashes = Vec::new();
        let mut add = |step: &KeptStep| {
            hashes.push(step.lane);
            if !step.is_first() {
                hashes.push(step.awaited);
            }
        };
        for kept in &self.kept {
            match kept {
                Kept::Hold { held, until, .. } => {
                    add(held);
                    add(until);
                }
                Kept::Burst { from, .. } => add(from),
                Kept::Draw(_) => {}
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn read(input: &mut Reader) -> Option<Token> {
        let scenario = input.bits(SCENARIO_BITS)? as u32;
        let fixed = input.bits(1)? == 1;
        let profile = *Profile::ALL.get(usize::try_from(input.number()?).ok()?)?;
        let failure = input.bits(HASH_BITS)? as u32;
        let data_seed = input.number()?;
        let mut hashes = Vec::new();
        for _ in 0..input.count()? {
            hashes.push(input.bits(HASH_BITS)? as u32);
        }
        let mut kept = Vec::new();
        for _ in 0..input.count()? {
            kept.push(read_kept(input, &hashes)?);
        }
        input.is_at_end().then_some(Token { scenario, fixed, profile, data_seed, kept, failure })
    }
}

fn read_kept(input: &mut Reader, hashes: &[u32]) -> Option<Kept> {
    let short = |number: u64| u32::try_from(number).ok();
    Some(match input.bits(2)? {
        0 => Kept::Hold {
            in_loop: short(input.number()?)?,
            held: read_step(input, hashes)?,
            until: read_step(input, hashes)?,
        },
        1 => Kept::Burst {
            in_loop: short(input.number()?)?,
            from: read_step(input, hashes)?,
            steps: short(input.number()?)?,
        },
        2 => Kept::Draw(Drawn {
            kind: Kind::from_number(input.number()?)?,
            key: input.bits(64)?,
            value: input.number()?,
        }),
        _ => return None,
    })
}

fn read_step(input: &mut Reader, hashes: &[u32]) -> Option<KeptStep> {
    let width = width_of(hashes.len());
    let lane = *hashes.get(input.bits(width)? as usize)?;
    if input.bits(1)? == 1 {
        return Some(KeptStep { lane, ..KeptStep::default() });
    }
    let awaited = *hashes.get(input.bits(width)? as usize)?;
    let (visit, nth) = (u32::try_from(input.number()?).ok()?, u32::try_from(input.number()?).ok()?);
    Some(KeptStep { lane, awaited, visit, nth })
}

/// How many bits the places of a list of so many take.
fn width_of(count: usize) -> u32 {
    usize::BITS - count.saturating_sub(1).leading_zeros()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = Writer::default();
        self.write(&mut body);
        let body = body.letters();
        let text = format!("{MAGIC}{VERSION}-{}{body}", length_letters(body.len() + CHECKSUM_LETTERS));
        let checksum = bits::checksum(&text);
        f.pad(&(text + &checksum))
    }
}

/// How many letters follow, in letters: five bits each, and one that says that more follow.
fn length_letters(length: usize) -> String {
    let (mut writer, mut left) = (Writer::default(), length as u64);
    loop {
        let more = left >> 5 != 0;
        writer.bits(left, 5);
        writer.bits(u64::from(more), 1);
        left >>= 5;
        if !more {
            return writer.letters();
        }
    }
}

/// How many letters are to follow, and those that do.
fn read_length(mut letters: &str) -> Result<(usize, &str), TokenError> {
    let mut length = 0;
    for shift in (0..20).step_by(5) {
        let Some(first) = letters.chars().next() else { break };
        let value = u8::try_from(first).ok().and_then(bits::value_of).ok_or(TokenError::Mistyped)?;
        letters = &letters[1..];
        length |= (value as usize & 31) << shift;
        if value & 32 == 0 {
            return Ok((length, letters));
        }
    }
    if letters.is_empty() {
        return Err(TokenError::Truncated { found: 0, expected: length.max(1) });
    }
    Err(TokenError::Mistyped)
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Token, TokenError> {
        let text = text.trim();
        let (version, letters) =
            text.strip_prefix(MAGIC).and_then(|rest| rest.split_once('-')).ok_or(TokenError::Foreign)?;
        if version.is_empty() || !version.bytes().all(|letter| letter.is_ascii_digit()) {
            return Err(TokenError::Foreign);
        }
        if version != VERSION.to_string() {
            return Err(TokenError::Version(version.to_owned()));
        }
        let (expected, letters) = read_length(letters)?;
        let found = letters.chars().count();
        if found < expected {
            return Err(TokenError::Truncated { found, expected });
        }
        if found > expected || !letters.is_ascii() || expected < CHECKSUM_LETTERS {
            return Err(TokenError::Mistyped);
        }
        let (body, checksum) = letters.split_at(expected - CHECKSUM_LETTERS);
        if bits::checksum(&text[..text.len() - CHECKSUM_LETTERS]) != checksum {
            return Err(TokenError::Mistyped);
        }
        let mut reader = Reader::new(body).ok_or(TokenError::Mistyped)?;
        Token::read(&mut reader).ok_or(TokenError::Mistyped)
    }
}

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
