//! What epoll would say of a connection (linux-facts 2.8).

use super::{Connection, State};

/// The mask that epoll shows when IN, OUT and RDHUP are asked for; HUP and ERR are always told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read would not wait: bytes, end of file or an error. (`EPOLLIN`)
    pub readable: bool,
    /// A write would not wait. (`EPOLLOUT`)
    pub writable: bool,
    /// Nothing more will come from the other end. (`EPOLLRDHUP`)
    pub read_closed: bool,
    /// Both directions are over. (`EPOLLHUP`)
    pub hung_up: bool,
    /// An error waits to be told. (`EPOLLERR`)
    pub error: bool,
}

impl Connection {
    /// epoll's mask.
    pub fn readiness(&self) -> Readiness {
        if matches!(self.state, State::SynSent | State::SynReceived) {
            return Readiness::default();
        }
        let closed = self.state == State::Closed;
        Readiness {
            readable: self.receive.available() > 0 || self.receive_shut,
            writable: self.send_shut || self.has_room(),
            read_closed: self.receive_shut,
            hung_up: closed || (self.send_shut && self.receive_shut),
            error: self.error.is_some(),
        }
    }

    /// Whether a selector reports it to a reader: IN, HUP or ERR.
    pub fn is_readable(&self) -> bool {
        match self.state {
            State::SynSent | State::SynReceived => false,
            State::Closed => true,
            _ => self.receive.available() > 0 || self.receive_shut || self.error.is_some(),
        }
    }

    /// Whether a selector reports it to a writer: OUT, HUP or ERR.
    pub fn is_writable(&self) -> bool {
        match self.state {
            State::SynSent | State::SynReceived => false,
            State::Closed => true,
            _ => self.send_shut || self.error.is_some() || self.has_room(),
        }
    }

    /// Whether both directions are over (HUP).
    pub fn is_hung_up(&self) -> bool {
        self.readiness().hung_up
    }

    /// Whether the free part of the send buffer is at least half of the used part.
    pub(super) fn has_room(&self) -> bool {
        let used = self.send.used();
        (self.settings.send_buffer as usize).saturating_sub(used) >= used / 2
    }
}
