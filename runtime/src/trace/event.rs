//! The closed list of what a trace can hold.

use crate::clock::Instant;
use crate::ops::Op;
use crate::schedule::StepName;
use crate::trace::waiting::WaitingTask;
use std::panic::Location;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step was run.
    Step(StepRecord),
    /// A task was made.
    TaskCreated {
        /// Its lane path.
        task: String,
        /// When.
        time: Instant,
        /// Where in the program.
        place: Option<&'static Location<'static>>,
    },
    /// A task ended.
    TaskEnded {
        /// Its lane path.
        task: String,
        /// When.
        time: Instant,
        /// How.
        how: End,
    },
    /// Somebody asked a task to end with a cancellation.
    CancelRequested {
        /// Its lane path.
        task: String,
        /// When.
        time: Instant,
    },
    /// A packet of the simulated network left, arrived, or did not.
    Packet(PacketRecord),
    /// Something happened to a host or a process of the world, or to the links between hosts.
    World {
        /// When.
        time: Instant,
        /// The host; none if it is about links.
        host: Option<String>,
        /// What, as the end of a sentence: `crashes`, `is cut off from b`.
        what: String,
    },
    /// A line that the program logged.
    Log {
        /// The lane path of the task that logged it, if one did.
        task: Option<String>,
        /// When.
        time: Instant,
        /// The line.
        text: String,
    },
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRecord {
    /// When.
    pub time: Instant,
    /// Who sent it: host and port.
    pub from: String,
    /// Whom it is for: host and port.
    pub to: String,
    /// What it is: `SYN`, `64 bytes`, `datagram of 12 bytes`.
    pub what: String,
    /// What became of it.
    pub fate: PacketFate,
}

/// What became of a packet, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFate {
    /// It is on its way.
    Sent,
    /// It arrived.
    Arrived,
    /// The link lost it.
    Lost,
    /// The link damaged it, and the checksum told.
    Damaged,
    /// Something on the way took it and reset its connection.
    Reset,
    /// The link was cut when it was due.
    Cut,
    /// The host was down, or suspended.
    HostDown,
    /// It found no room in the receiver's queue.
    NoRoom,
}

impl PacketFate {
    /// The word that reports use.
    pub fn name(self) -> &'static str {
        match self {
            PacketFate::Sent => "sent",
            PacketFate::Arrived => "arrived",
            PacketFate::Lost => "lost",
            PacketFate::Damaged => "damaged",
            PacketFate::Reset => "reset on the way",
            PacketFate::Cut => "dropped by a cut",
            PacketFate::HostDown => "dropped: the host is down",
            PacketFate::NoRoom => "dropped: the receiver's queue is full",
        }
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a result.
    Finished,
    /// With an error.
    Failed,
    /// Cancelled.
    Cancelled,
}

/// What a step ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// A task, up to its next wait.
    Task,
    /// A callback.
    Callback,
    /// A timer that was due: it made a task ready.
    Timer,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Its number in the run, from 1.
    pub number: u64,
    /// The tick in which it ran.
    pub tick: u64,
    /// Virtual time.
    pub time: Instant,
    /// The lane path of what ran.
    pub lane: String,
    /// What kind of thing ran.
    pub ran: Ran,
    /// What the task had waited in.
    pub op: Op,
    /// The number of the loop that ran it, in its run: 0 is the program's own.
    pub loop_number: u32,
    /// Its name, which survives edits.
    pub name: StepName,
    /// What it read and wrote.
    pub footprint: Vec<Access>,
    /// How many older entries it was preferred to; 0 is the ordinary choice.
    pub choice: u32,
    /// What else was ready, oldest first.
    pub others: Vec<String>,
    /// Where in the program the task had waited.
    pub place: Option<&'static Location<'static>>,
    /// What the task waits for after the step; none if it ended or panicked, or was no task.
    pub waits: Option<WaitingTask>,
}

/// An object that a step touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The object's name.
    pub object: String,
    /// Was it written, or read alone?
    pub write: bool,
}
