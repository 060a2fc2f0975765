//! The strict recording of one run, and its file.
//!
//! A recording holds all that decides the run (settings, then each step's choice, of each process, and what the network
//! drew), and what it led to (fingerprint and failure). It is followed strictly: the replay ends at the first step that is not as recorded, and names it.
//!
//! The file is a line of text with the format's version, then bytes: numbers as little-endian base 128 (seven bits a
//! byte, the top bit says that more follow), texts as length and UTF-8, lanes as a dictionary and numbers into it. The
//! last eight bytes are a digest of all before them. Reading never panics, whatever the bytes.

use crate::outcome::{Digest, Failure, FailureKind};
use crate::settings::{Limits, Settings};
use counterpoint_runtime::Strategy;
use counterpoint_runtime::choices::recording::RecordedStep;
use counterpoint_runtime::choices::{Drawn, Kind};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

const MAGIC: &str = "counterpoint recording ";
const VERSION: u32 = 3;

/// All choices of one run, and what they led to.
///
/// # Examples
/// ```
/// use counterpoint::sim::{Recording, Simulation};
///
/// let simulation = Simulation::new(|| async { Ok(()) }).named("nothing").record(true);
/// let recording = simulation.run().recording.expect("it was asked for");
/// let again = Recording::from_bytes(&recording.to_bytes())?;
/// assert_eq!(again, recording);
/// assert_eq!(again.name(), "nothing");
/// # Ok::<(), counterpoint::sim::RecordingError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub(crate) name: String,
    pub(crate) fixed: bool,
    pub(crate) settings: Settings,
    /// Which strategy the run took.
    pub(crate) strategy: Strategy,
    /// A number for the lessons that it went by; none if it had no lessons.
    pub(crate) lessons: Option<u64>,
    /// Of the program's own process.
    pub(crate) steps: Vec<RecordedStep>,
    /// Of each process on a host, in the order in which they were started.
    pub(crate) processes: Vec<RecordedProcess>,
    /// What the network drew and was not ordinary.
    pub(crate) draws: Vec<Drawn>,
    pub(crate) fingerprint: u64,
    pub(crate) failure: Option<RecordedFailure>,
}

/// The steps of a process on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordedProcess {
    pub(crate) host: String,
    pub(crate) steps: Vec<RecordedStep>,
}

/// The failure that a recorded run ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedFailure {
    pub(crate) kind: FailureKind,
    /// Of its identity.
    pub(crate) digest: u64,
    pub(crate) message: String,
}

impl RecordedFailure {
    pub(crate) fn of(failure: &Failure) -> RecordedFailure {
        let (kind, digest) = (failure.kind, failure.identity.digest());
        RecordedFailure { kind, digest, message: failure.message.clone() }
    }
}

/// Why a file is no recording that can be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingError {
    /// The file cannot be read or written: the system's words.
    File(String),
    /// It is another kind of file.
    Foreign,
    /// It was made by another version of the format.
    Version(String),
    /// It is damaged: cut off or changed.
    Damaged,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordingError::File(error) => write!(f, "the recording cannot be opened: {error}"),
            RecordingError::Foreign => write!(f, "this file is not a recording of Counterpoint"),
            RecordingError::Version(found) => write!(
                f,
                "this recording has version {found} of the format, and this program reads version {VERSION}; hunt \
                 again, or use the version of Counterpoint that made it"
            ),
            RecordingError::Damaged => write!(
                f,
                "this recording is damaged: it was cut off or changed since it was written; hunt again, or copy it anew"
            ),
        }
    }
}

impl std::error::Error for RecordingError {}

impl Recording {
    /// The name of the simulation.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.settings.seed
    }

    /// Which run of the seed it is.
    pub fn run_number(&self) -> u64 {
        self.settings.number
    }

    /// Which strategy the run took.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// How many steps were recorded.
    pub fn len(&self) -> usize {
        self.steps.len() + self.processes.iter().map(|process| process.steps.len()).sum::<usize>()
    }

    /// Was nothing recorded?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes it to a file.
    ///
    /// # Errors
    /// [`RecordingError::File`] if the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), RecordingError> {
        let path = path.as_ref();
        let written = std::fs::write(path, self.to_bytes());
        written.map_err(|error| RecordingError::File(format!("{}: {error}", path.display())))
    }

    /// Reads it from a file.
    ///
    /// # Errors
    /// Says why it is not a recording that can be followed.
    pub fn read(path: impl AsRef<Path>) -> Result<Recording, RecordingError> {
        let path = path.as_ref();
        let read = std::fs::read(path);
        let bytes = read.map_err(|error| RecordingError::File(format!("{}: {error}", path.display())))?;
        Recording::from_bytes(&bytes)
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(format!("{MAGIC}{VERSION}\n").into_bytes());
        out.text(&self.name);
        out.number(u64::from(self.fixed));
        self.write_settings(&mut out);
        out.text(self.strategy.name());
        out.number(u64::from(self.lessons.is_some()));
        out.number(self.lessons.unwrap_or_default());
        out.number(self.fingerprint);
        out.number(u64::from(self.failure.is_some()));
        if let Some(failure) = &self.failure {
            out.text(failure.kind.name());
            out.number(failure.digest);
            out.text(&failure.message);
        }
        write_steps(&self.steps, &mut out);
        out.number(self.processes.len() as u64);
        for process in &self.processes {
            out.text(&process.host);
            write_steps(&process.steps, &mut out);
        }
        out.number(self.draws.len() as u64);
        for drawn in &self.draws {
            out.number(drawn.kind as u64);
            out.number(drawn.key);
            out.number(drawn.value);
        }
        let mut digest = Digest::new();
        digest.bytes(&out.0);
        out.0.extend_from_slice(&digest.value().to_le_bytes());
        out.0
    }

    fn write_settings(&self, out: &mut Writer) {
        let Settings { seed, number, profile, sampling, limits, step_cost, tasks_must_end } = &self.settings;
        out.number(*seed);
        out.number(*number);
        out.text(profile.name());
        out.text(sampling.name());
        out.maybe(limits.ticks);
        out.maybe(limits.steps);
        out.maybe(limits.time.map(nanos));
        out.maybe(step_cost.map(|cost| nanos(cost.0)));
        out.maybe(step_cost.map(|cost| nanos(cost.1)));
        out.number(u64::from(*tasks_must_end));
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Says why they are not a recording that can be followed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Recording, RecordingError> {
        let body = bytes.strip_prefix(MAGIC.as_bytes()).ok_or(RecordingError::Foreign)?;
        let end = body.iter().take(12).position(|byte| *byte == b'\n').ok_or(RecordingError::Damaged)?;
        let version = String::from_utf8_lossy(&body[..end]).into_owned();
        if version != VERSION.to_string() {
            return Err(RecordingError::Version(version.escape_default().to_string()));
        }
        let (content, digest) = bytes.split_last_chunk::<8>().ok_or(RecordingError::Damaged)?;
        let mut found = Digest::new();
        found.bytes(content);
        if found.value() != u64::from_le_bytes(*digest) {
            return Err(RecordingError::Damaged);
        }
        let rest = content.get(MAGIC.len() + end + 1..).ok_or(RecordingError::Damaged)?;
        read_body(&mut Reader(rest)).ok_or(RecordingError::Damaged)
    }
}

fn write_steps(steps: &[RecordedStep], out: &mut Writer) {
    let mut numbers = BTreeMap::new();
    let mut lanes = Vec::new();
    for step in steps {
        numbers.entry(step.lane.as_str()).or_insert_with(|| {
            lanes.push(step.lane.as_str());
            lanes.len() as u64 - 1
        });
    }
    out.number(lanes.len() as u64);
    lanes.iter().for_each(|lane| out.text(lane));
    out.number(steps.len() as u64);
    for step in steps {
        out.number(numbers[step.lane.as_str()]);
        out.number(u64::from(step.rank));
        out.number(u64::from(step.ready));
        out.number(u64::from(step.check));
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn read_body(input: &mut Reader<'_>) -> Option<Recording> {
    let name = input.text()?;
    let fixed = input.flag()?;
    let settings = read_settings(input)?;
    let strategy = input.text()?.parse().ok()?;
    let (taught, digest) = (input.flag()?, input.number()?);
    let lessons = taught.then_some(digest);
    let fingerprint = input.number()?;
    let failure = match input.flag()? {
        false => None,
        true => Some(read_failure(input)?),
    };
    let steps = read_steps(input)?;
    let mut processes = Vec::new();
    for _ in 0..input.number()? {
        processes.push(RecordedProcess { host: input.text()?, steps: read_steps(input)? });
    }
    let mut draws = Vec::new();
    for _ in 0..input.number()? {
        let kind = Kind::from_number(input.number()?)?;
        draws.push(Drawn { kind, key: input.number()?, value: input.number()? });
    }
    let recording =
        Recording { name, fixed, settings, strategy, lessons, steps, processes, draws, fingerprint, failure };
    input.0.is_empty().then_some(recording)
}

fn read_settings(input: &mut Reader<'_>) -> Option<Settings> {
    let (seed, number) = (input.number()?, input.number()?);
    let (profile, sampling) = (input.text()?.parse().ok()?, input.text()?.parse().ok()?);
    let (ticks, steps) = (input.maybe()?, input.maybe()?);
    let time = input.maybe()?.map(Duration::from_nanos);
    let cost = (input.maybe()?.map(Duration::from_nanos), input.maybe()?.map(Duration::from_nanos));
    let tasks_must_end = input.flag()?;
    let limits = Limits { ticks, steps, time };
    Some(Settings { seed, number, profile, sampling, limits, step_cost: cost.0.zip(cost.1), tasks_must_end })
}

fn read_failure(input: &mut Reader<'_>) -> Option<RecordedFailure> {
    let name = input.text()?;
    let kind = FailureKind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some(RecordedFailure { kind, digest: input.number()?, message: input.text()? })
}

fn read_steps(input: &mut Reader<'_>) -> Option<Vec<RecordedStep>> {
    let mut lanes = Vec::new();
    for _ in 0..input.number()? {
        lanes.push(input.text()?);
    }
    let mut steps = Vec::new();
    for _ in 0..input.number()? {
        let lane = lanes.get(usize::try_from(input.number()?).ok()?)?.clone();
        let (rank, ready) = (u32::try_from(input.number()?).ok()?, u32::try_from(input.number()?).ok()?);
        let check = u16::try_from(input.number()?).ok()?;
        steps.push(RecordedStep { lane, rank, ready, check });
    }
    Some(steps)
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// None is 0; a number is one more.
    fn maybe(&mut self, number: Option<u64>) {
        self.number(number.map_or(0, |number| number.saturating_add(1)));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7F);
            number |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn maybe(&mut self) -> Option<Option<u64>> {
        Some(self.number()?.checked_sub(1))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
#[path = "recording/tests.rs"]
mod tests;
