//! What a program of the network can await, beside what the core language has.

use serde::{Deserialize, Serialize};

use super::runs::Runs;
use crate::difftest::program::Name;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "a", rename_all = "snake_case")]
pub(crate) enum NetworkExpression {
    Open {
        r#as: Name,
        #[serde(flatten)]
        to: Destination,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    Connect {
        r#as: Name,
        p: Name,
        #[serde(flatten)]
        to: Destination,
    },
    Serve(Serve),
    Endpoint {
        r#as: Name,
        p: Name,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remote: Option<u16>,
    },
    #[serde(untagged)]
    Stream(OfStream),
    #[serde(untagged)]
    Server(OfServer),
    #[serde(untagged)]
    Socket(OfSocket),
}

/// Where a connection leads to: the first of a path, a socket that is connected, and a port that is given.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Destination {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) k: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<String>,
}

/// A server whose connections a function handles, or the protocols of a script.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Serve {
    pub(super) r#as: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) f: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) p: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<Hosts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) backlog: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) start_serving: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Hosts {
    One(String),
    Many(Vec<String>),
}

/// What a stream's reader or writer has.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OfStream {
    pub(super) s: Name,
    #[serde(flatten)]
    pub(super) what: StreamWait,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "a", rename_all = "snake_case")]
pub(crate) enum StreamWait {
    /// To the end of the stream, if `n` is negative.
    Read {
        n: i64,
    },
    #[serde(rename = "readexactly")]
    ReadExactly {
        n: usize,
    },
    #[serde(rename = "readline")]
    ReadLine,
    #[serde(rename = "readuntil")]
    ReadUntil {
        sep: Vec<Runs>,
    },
    Drain,
    WaitClosed,
}

/// What a server has.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OfServer {
    pub(super) s: Name,
    pub(super) a: ServerWait,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServerWait {
    SrvWait,
    Forever,
    Start,
}

/// The loop's calls on a plain socket.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OfSocket {
    pub(super) k: Name,
    #[serde(flatten)]
    pub(super) what: SocketWait,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "a")]
pub(crate) enum SocketWait {
    #[serde(rename = "sock_connect")]
    Connect { port: u16 },
    #[serde(rename = "sock_recv")]
    Receive { n: usize },
    #[serde(rename = "sock_recv_into")]
    ReceiveInto { n: usize },
    #[serde(rename = "sock_recvfrom")]
    ReceiveFrom { n: usize },
    #[serde(rename = "sock_sendall")]
    SendAll { d: Runs },
    #[serde(rename = "sock_sendto")]
    SendTo { d: Runs, port: u16 },
    #[serde(rename = "sock_accept")]
    Accept { r#as: Name },
}
