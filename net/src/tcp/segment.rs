//! What two ends of a connection send each other, and the answer of a host that knows no such connection.
//!
//! Sequence numbers are absolute: they begin at the number that was drawn for the connection and never wrap.
//! Three flags are not on any wire; they say what a real header says in other ways (a probe's odd number, SACK's
//! blocks), so that neither end has to guess and a network may tell a plain acknowledgement from one that causes
//! an answer.

use bytes::Bytes;
use std::fmt;
use std::ops::BitOr;

/// What a segment says beside its bytes: a small set.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// Nothing said.
    pub const NONE: Flags = Flags(0);
    /// Opens a direction; takes one sequence number.
    pub const SYN: Flags = Flags(1);
    /// `ack` and `right` count.
    pub const ACK: Flags = Flags(2);
    /// Ends a direction; takes one sequence number behind the payload.
    pub const FIN: Flags = Flags(4);
    /// The connection is no more.
    pub const RST: Flags = Flags(8);
    /// Asks for an acknowledgement although it brings nothing: keep-alive, or a closed window's probe.
    pub const PROBE: Flags = Flags(16);
    /// Answers the probe whose number is in `attempt`.
    pub const ANSWER: Flags = Flags(32);
    /// Bytes in front of what arrived are missing: three of these start a fast retransmission.
    pub const HOLE: Flags = Flags(64);

    /// Whether all of `other` is said.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is said.
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Both together.
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        self.with(other)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 7] = ["SYN", "ACK", "FIN", "RST", "PROBE", "ANSWER", "HOLE"];
        let said = (0..NAMES.len()).filter(|bit| self.0 & (1 << bit) != 0);
        for (index, bit) in said.enumerate() {
            if index > 0 {
                f.write_str("+")?;
            }
            f.write_str(NAMES[bit])?;
        }
        if self.0 == 0 { f.write_str("-") } else { Ok(()) }
    }
}

/// One segment of a connection, without addresses: the network knows who sends to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number of the first byte of the payload, or of the SYN.
    pub seq: u64,
    /// The next byte that the sender of this segment expects.
    pub ack: u64,
    /// Right edge of the window that the sender of this segment grants: the first number that may not be sent. In
    /// a SYN without ACK, which knows no numbers of the other end yet, it is the size of the window.
    pub right: u64,
    /// What is said beside the bytes.
    pub flags: Flags,
    /// The bytes; a cheap clone of what the sender keeps.
    pub payload: Bytes,
    /// How often this range was sent before: 0 the first time. A probe, and its answer: the probe's number.
    pub attempt: u32,
}

impl Segment {
    /// The number behind the last one that this segment takes.
    pub fn end(&self) -> u64 {
        let flags = u64::from(self.flags.contains(Flags::SYN)) + u64::from(self.flags.contains(Flags::FIN));
        self.seq.saturating_add(self.payload.len() as u64).saturating_add(flags)
    }

    /// Whether it says nothing but how far its sender has come: an acknowledgement or window update that neither
    /// answers a probe nor tells of a hole.
    pub fn is_plain_ack(&self) -> bool {
        self.flags == Flags::ACK && self.payload.is_empty()
    }
}

/// The answer to a segment that finds no connection: a RST as RFC 9293 (3.10.7.1) says; none to a RST.
pub fn refuse(segment: &Segment) -> Option<Segment> {
    if segment.flags.contains(Flags::RST) {
        return None;
    }
    let (seq, ack, flags) = match segment.flags.contains(Flags::ACK) {
        true => (segment.ack, 0, Flags::RST),
        false => (0, segment.end(), Flags::RST | Flags::ACK),
    };
    Some(Segment { seq, ack, right: 0, flags, payload: Bytes::new(), attempt: 0 })
}
