//! Making connections, servers and endpoints: what the loop's `create_*` methods do.
//!
//! Everything here runs in the caller's task. Each step that does not suspend takes no tick; a connection is made one
//! tick after its socket is connected, and the caller goes on in the tick after that.

mod connecting;
mod datagram;
mod serving;
mod staggered;
mod tcp;
mod unix;

pub use connecting::CreateConnection;
pub use datagram::CreateDatagramEndpoint;
pub use serving::{CreateServer, Hosts};
pub use unix::{CreateUnixConnection, CreateUnixServer};

pub(crate) use connecting::{connect_accepted, make_transport, making};
pub(crate) use serving::{Listening, create_server, listening_options};
pub(crate) use tcp::Target;
pub(crate) use unix::{UnixListening, UnixTarget, create_unix_server, unix_listening_options};

use crate::socket::Socket;
use counterpoint_runtime::Result;
use std::future::Future;
use std::pin::Pin;

/// A coroutine that makes something.
pub type Coroutine<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// A coroutine that makes something, and can go where `Send` is asked for.
pub type SendCoroutine<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// `ValueError` if it is not for streams.
#[track_caller]
pub(crate) fn ensure_stream(socket: &Socket) -> Result<()> {
    if socket.kind() == crate::addr::SocketType::Stream {
        return Ok(());
    }
    Err(crate::errors::value_error(format!("A Stream Socket was expected, got fd={}", socket.fileno())))
}
