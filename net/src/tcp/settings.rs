//! What a program or a host may set about a connection: sizes, patience, options.
//!
//! A connection holds its settings behind one shared pointer: the thousand connections of a listener have one
//! copy, and whoever changes an option gets a copy of its own.

use std::time::Duration;

/// Options and limits of a connection; the defaults are Linux's, but for the buffers, which do not tune
/// themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes that may be taken from the program and not yet acknowledged.
    pub send_buffer: u32,
    /// Bytes that may wait for the program to read them: the window.
    pub receive_buffer: u32,
    /// Most bytes of payload in a segment.
    pub maximum_segment: u32,
    /// Whether a short segment waits while something is unacknowledged (the opposite of `TCP_NODELAY`).
    pub nagle: bool,
    /// `SO_KEEPALIVE` and its times; none by default.
    pub keep_alive: Option<KeepAlive>,
    /// `TCP_USER_TIMEOUT`: how long sent bytes may stay unacknowledged.
    pub user_timeout: Option<Duration>,
    /// `SO_LINGER`. Only zero matters here (close resets); how long a blocking close waits is the socket's affair.
    pub linger: Option<Duration>,
    /// `tcp_syn_retries`: gives up at the first SYN timer at or after 2^(n+1) - 1 seconds.
    pub syn_retries: u8,
    /// `tcp_synack_retries`.
    pub synack_retries: u8,
    /// `tcp_retries2`: 15 is 924.6 s.
    pub retries: u8,
    /// `tcp_orphan_retries`: patience for what the program has closed; 8 is 102.2 s.
    pub orphan_retries: u8,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            send_buffer: 256 * 1024,
            receive_buffer: 64 * 1024,
            maximum_segment: 1448,
            nagle: false,
            keep_alive: None,
            user_timeout: None,
            linger: None,
            syn_retries: 6,
            synack_retries: 5,
            retries: 15,
            orphan_retries: 8,
        }
    }
}

/// How an idle connection is asked whether it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe; a second at least, as `setsockopt` demands.
    pub idle: Duration,
    /// Time between probes; a second at least.
    pub interval: Duration,
    /// Unanswered probes after which the connection is given up.
    pub probes: u32,
}

impl Default for KeepAlive {
    /// Linux's: 7200 s, 75 s, 9 probes.
    fn default() -> KeepAlive {
        KeepAlive { idle: Duration::from_secs(7200), interval: Duration::from_secs(75), probes: 9 }
    }
}
