//! The statements of the network, all of them ones that do not wait.

use serde::{Deserialize, Serialize};

use super::runs::Runs;
use crate::difftest::program::{Name, SyncBlock};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum NetworkStatement {
    Server(OnServer),
    Socket(OnSocket),
    Sock(NewSocket),
    Connection(OnConnection),
}

impl NetworkStatement {
    /// What its trace line begins with: its name and its subject.
    pub(crate) fn words(&self) -> String {
        let json = serde_json::to_value(self).expect("a statement is plain data");
        let op = json["op"].as_str().expect("a statement has a name");
        let subject = match self {
            NetworkStatement::Server(OnServer { s, .. }) => s,
            NetworkStatement::Socket(OnSocket { k, .. }) => k,
            NetworkStatement::Sock(NewSocket::Sock { r#as, .. }) => r#as,
            NetworkStatement::Connection(OnConnection { s, .. }) => s,
        };
        format!("{op} {subject}")
    }
}

/// On a transport, or on the writer or reader of a stream.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OnConnection {
    pub(super) s: Name,
    #[serde(flatten)]
    pub(super) what: ConnectionCall,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum ConnectionCall {
    Write {
        d: Runs,
    },
    Writelines {
        d: Vec<Runs>,
    },
    WriteEof,
    Close,
    Abort,
    Pause,
    Resume,
    IsClosing,
    IsReading,
    AtEof,
    /// The size of the transport's buffer.
    Wbuf,
    Limits {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        high: Option<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<usize>,
    },
    Linger0,
    /// Tries to have a reader on the transport's own socket.
    Claim,
    Names,
    /// Sends back what came last.
    Echo,
    Sendto {
        d: Runs,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
    },
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OnServer {
    pub(super) s: Name,
    pub(super) op: ServerCall,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) enum ServerCall {
    #[serde(rename = "srv_close")]
    Close,
    #[serde(rename = "srv_close_clients")]
    CloseClients,
    #[serde(rename = "srv_abort_clients")]
    AbortClients,
    #[serde(rename = "srv_state")]
    State,
}

/// A new plain socket.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum NewSocket {
    Sock {
        r#as: Name,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        udp: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bind: Option<u16>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        listen: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connect: Option<u16>,
    },
}

/// One call on a plain socket.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OnSocket {
    pub(super) k: Name,
    #[serde(flatten)]
    pub(super) what: SocketCall,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum SocketCall {
    Kclose,
    Kshutdown,
    Klinger0,
    Krecv {
        n: usize,
    },
    Ksend {
        d: Runs,
    },
    Kaccept {
        into: Name,
    },
    /// `SO_ERROR`.
    Kerror,
    Kreader(Watch),
    Kwriter(Watch),
    Kunreader,
    Kunwriter,
}

/// A callback on a socket: it takes itself away in its `max`-th run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Watch {
    pub(super) max: u32,
    pub(super) r#do: SyncBlock,
}
