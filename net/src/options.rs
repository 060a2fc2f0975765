//! What can be set on a socket.

use crate::tcp::{KeepAlive, Settings};
use std::time::Duration;

/// What can be set on a socket (`setsockopt`). What a socket has no use for is taken and has no effect.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketOption {
    /// `SO_REUSEADDR`.
    ReuseAddress(bool),
    /// `SO_REUSEPORT`.
    ReusePort(bool),
    /// `TCP_NODELAY`. Off, a short segment waits while another is unacknowledged (Nagle's rule); on by default.
    NoDelay(bool),
    /// `SO_KEEPALIVE`, with its times.
    KeepAlive(Option<KeepAlive>),
    /// `SO_LINGER`; zero resets the connection at its close.
    Linger(Option<Duration>),
    /// `TCP_USER_TIMEOUT`.
    UserTimeout(Option<Duration>),
    /// `SO_SNDBUF`, in bytes.
    SendBuffer(u32),
    /// `SO_RCVBUF`, in bytes.
    ReceiveBuffer(u32),
    /// `SO_BROADCAST`.
    Broadcast(bool),
    /// `IPV6_V6ONLY`.
    OnlyV6(bool),
    /// `IP_MULTICAST_LOOP`: do this host's own members hear what it sends to a group?
    MulticastLoop(bool),
}

/// The options of one socket that the kernel itself asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) broadcast: bool,
    pub(crate) only_v6: bool,
    pub(crate) no_multicast_loop: bool,
}

impl Options {
    /// Sets what is the kernel's; true if it was.
    pub(crate) fn set(&mut self, option: SocketOption) -> bool {
        match option {
            SocketOption::ReuseAddress(on) => self.reuse_address = on,
            SocketOption::ReusePort(on) => self.reuse_port = on,
            SocketOption::Broadcast(on) => self.broadcast = on,
            SocketOption::OnlyV6(on) => self.only_v6 = on,
            SocketOption::MulticastLoop(on) => self.no_multicast_loop = !on,
            _ => return false,
        }
        true
    }
}

/// Linux takes no shorter times than a second.
fn at_least_a_second(keep_alive: KeepAlive) -> KeepAlive {
    let second = Duration::from_secs(1);
    let KeepAlive { idle, interval, probes } = keep_alive;
    KeepAlive { idle: idle.max(second), interval: interval.max(second), probes: probes.max(1) }
}

/// Sets what is a connection's.
pub(crate) fn set_on_connection(settings: &mut Settings, option: SocketOption) {
    match option {
        SocketOption::NoDelay(on) => settings.nagle = !on,
        SocketOption::KeepAlive(keep_alive) => settings.keep_alive = keep_alive.map(at_least_a_second),
        SocketOption::Linger(linger) => settings.linger = linger,
        SocketOption::UserTimeout(timeout) => settings.user_timeout = timeout,
        SocketOption::SendBuffer(bytes) => settings.send_buffer = bytes.max(1),
        SocketOption::ReceiveBuffer(bytes) => settings.receive_buffer = bytes.max(1),
        _ => {}
    }
}
