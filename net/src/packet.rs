//! What travels on links: a segment, a datagram, or word that something cannot be reached.

use crate::errno::Errno;
use crate::table::SocketId;
use crate::tcp::Segment;
use bytes::Bytes;
use std::fmt;
use std::net::SocketAddr;

/// A packet under way.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    /// Whom it is for, as far as the sender knows: saves the receiver a look-up.
    pub(crate) to: Option<SocketId>,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Segment(Segment),
    Datagram(Bytes),
    /// ICMP, about a datagram that `destination` had sent to `source`.
    Unreachable(Errno),
}

/// Bytes of IP and TCP headers with timestamps; of IP and UDP.
pub(crate) const TCP_HEADERS: u32 = 52;
const UDP_HEADERS: u32 = 28;

impl Packet {
    /// Its length on the wire.
    pub(crate) fn bytes(&self) -> u32 {
        match &self.body {
            Body::Segment(segment) => segment.payload.len() as u32 + TCP_HEADERS,
            Body::Datagram(data) => data.len() as u32 + UDP_HEADERS,
            Body::Unreachable(..) => 2 * UDP_HEADERS,
        }
    }

    pub(crate) fn is_segment(&self) -> bool {
        matches!(self.body, Body::Segment(_))
    }

    /// An acknowledgement that nobody needs to hear of.
    pub(crate) fn is_plain_ack(&self) -> bool {
        matches!(&self.body, Body::Segment(segment) if segment.is_plain_ack())
    }

    /// A segment that only tells how far its sender has come: nobody sends it again.
    pub(crate) fn is_bare(&self) -> bool {
        use crate::tcp::Flags;
        matches!(&self.body, Body::Segment(segment)
            if segment.payload.is_empty() && !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST))
    }
}

/// Most payload that fits a segment on links of this MTU.
pub(crate) fn maximum_segment(mtu: u32) -> u32 {
    mtu.saturating_sub(TCP_HEADERS).max(1)
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::tcp::Flags;
        match self {
            Body::Datagram(data) => write!(f, "datagram of {} bytes", data.len()),
            Body::Unreachable(errno) => write!(f, "word that it cannot be reached ({errno})"),
            Body::Segment(segment) => {
                let mut said = Vec::new();
                for (flag, name) in [(Flags::SYN, "SYN"), (Flags::FIN, "FIN"), (Flags::RST, "RST")] {
                    if segment.flags.contains(flag) {
                        said.push(name.to_owned());
                    }
                }
                if segment.flags.contains(Flags::SYN | Flags::ACK) {
                    said[0] = "SYN-ACK".to_owned();
                }
                if !segment.payload.is_empty() {
                    said.push(format!("{} bytes", segment.payload.len()));
                }
                if said.is_empty() {
                    said.push(if segment.flags.contains(Flags::PROBE) { "probe" } else { "ACK" }.to_owned());
                }
                write!(f, "{}", said.join(", "))?;
                if segment.attempt > 0 && !segment.flags.intersects(Flags::PROBE | Flags::ANSWER) {
                    write!(f, " (again, {})", segment.attempt)?;
                }
                Ok(())
            }
        }
    }
}
