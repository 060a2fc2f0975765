//! Protocols: what a program does with what a transport tells it.
//!
//! A protocol is a value of the program whose methods are called in the loop, never two at once. A method that fails
//! stands for an exception that leaves it, and each has asyncio's consequence: `data_received` ends the connection,
//! `connection_made` and `connection_lost` are told to the loop's exception handler.
//!
//! In Python a call can lead back to the protocol that makes it: a `write` inside of `data_received` calls
//! `pause_writing` before it returns. Here a protocol is borrowed while one of its methods runs. So such a word waits
//! until that method has returned, unless the protocol hands out a [`FlowControl`], which is told at once.

mod held;

pub(crate) use held::{HeldDatagram, HeldProtocol, Read};

use crate::addr::Address;
use crate::transports::{DatagramTransport, Transport};
use counterpoint_runtime::{Error, Result};
use std::io;
use std::rc::Rc;

/// A protocol of a stream: it is given bytes (`asyncio.Protocol`).
///
/// # Source
/// CPython 3.13, `Lib/asyncio/protocols.py`, `Protocol`.
///
/// # Examples
/// ```
/// use counterpoint_net::{EventLoopExt, Protocol, Transport};
/// use counterpoint_runtime as asyncio;
///
/// #[derive(Default)]
/// struct Echo(Option<Transport>);
///
/// impl Protocol for Echo {
///     fn connection_made(&mut self, transport: &Transport) -> asyncio::Result<()> {
///         self.0 = Some(transport.clone());
///         Ok(())
///     }
///
///     fn data_received(&mut self, data: &[u8]) -> asyncio::Result<()> {
///         self.0.as_ref().map_or(Ok(()), |transport| transport.write(data))
///     }
/// }
///
/// struct Count(usize);
///
/// impl Protocol for Count {
///     fn data_received(&mut self, data: &[u8]) -> asyncio::Result<()> {
///         self.0 += data.len();
///         Ok(())
///     }
/// }
///
/// asyncio::run(async {
///     let event_loop = asyncio::get_running_loop()?;
///     let _server = event_loop.create_server(Echo::default, "127.0.0.1", 8000).await?;
///     let (transport, count) =
///         event_loop.create_connection(|| Count(0), "127.0.0.1", 8000).await?;
///     transport.write("four")?;
///     asyncio::sleep(std::time::Duration::from_secs(1)).await?;
///     assert_eq!(count.borrow().0, 4);
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub trait Protocol: 'static {
    /// The connection is up. Called once, before everything else.
    ///
    /// # Errors
    /// Go to the loop's exception handler ("Exception in callback ..."); the connection stays.
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        let _ = transport;
        Ok(())
    }

    /// Bytes have come: at least one, at most 256 KiB.
    ///
    /// # Errors
    /// End the connection: "Fatal error: protocol.data_received() call failed."
    fn data_received(&mut self, data: &[u8]) -> Result<()> {
        let _ = data;
        Ok(())
    }

    /// The peer will send no more. True keeps the own direction open; false closes the transport.
    ///
    /// # Errors
    /// End the connection: "Fatal error: protocol.eof_received() call failed."
    fn eof_received(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// The connection is gone, with the error that ended it; none after a close or an abort. Called once, last.
    ///
    /// # Errors
    /// Go to the loop's exception handler.
    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// The transport's buffer has grown over its high mark.
    ///
    /// # Errors
    /// Go to the loop's exception handler: "protocol.pause_writing() failed".
    fn pause_writing(&mut self) -> Result<()> {
        Ok(())
    }

    /// The transport's buffer has shrunk to its low mark.
    ///
    /// # Errors
    /// Go to the loop's exception handler: "protocol.resume_writing() failed".
    fn resume_writing(&mut self) -> Result<()> {
        Ok(())
    }

    /// Who is told to pause and to resume, if it is to be told in the midst of the protocol's own calls. Asked once,
    /// when the transport gets the protocol; `pause_writing` and `resume_writing` are then not called.
    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        None
    }
}

/// A protocol of a stream that lends the buffer into which bytes are read (`asyncio.BufferedProtocol`).
///
/// # Source
/// CPython 3.13, `Lib/asyncio/protocols.py`, `BufferedProtocol`.
pub trait BufferedProtocol: 'static {
    /// As [`Protocol::connection_made`].
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        let _ = transport;
        Ok(())
    }

    /// A buffer for what is to be read; `hint` is how many bytes would be of use, if that is known.
    ///
    /// # Errors
    /// End the connection, as an empty buffer does: "Fatal error: protocol.get_buffer() call failed."
    fn get_buffer(&mut self, hint: Option<usize>) -> Result<&mut [u8]>;

    /// So many bytes were read into the buffer.
    ///
    /// # Errors
    /// End the connection: "Fatal error: protocol.buffer_updated() call failed."
    fn buffer_updated(&mut self, count: usize) -> Result<()>;

    /// As [`Protocol::eof_received`].
    fn eof_received(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// As [`Protocol::connection_lost`].
    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// As [`Protocol::pause_writing`].
    fn pause_writing(&mut self) -> Result<()> {
        Ok(())
    }

    /// As [`Protocol::resume_writing`].
    fn resume_writing(&mut self) -> Result<()> {
        Ok(())
    }

    /// As [`Protocol::flow_control`].
    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        None
    }
}

/// A protocol of datagrams (`asyncio.DatagramProtocol`).
///
/// # Source
/// CPython 3.13, `Lib/asyncio/protocols.py`, `DatagramProtocol`.
///
/// # Examples
/// ```
/// use counterpoint_net::{Address, DatagramProtocol, EventLoopExt};
/// use counterpoint_runtime as asyncio;
///
/// struct Last(Vec<u8>);
///
/// impl DatagramProtocol for Last {
///     fn datagram_received(&mut self, data: &[u8], _source: &Address) -> asyncio::Result<()> {
///         self.0 = data.to_vec();
///         Ok(())
///     }
/// }
///
/// asyncio::run(async {
///     let event_loop = asyncio::get_running_loop()?;
///     let (_endpoint, last) = event_loop
///         .create_datagram_endpoint(|| Last(Vec::new()))
///         .local_addr("127.0.0.1", 53)
///         .await?;
///     let (client, _) = event_loop
///         .create_datagram_endpoint(|| Last(Vec::new()))
///         .remote_addr("127.0.0.1", 53)
///         .await?;
///     client.sendto("who?", None)?;
///     asyncio::sleep(std::time::Duration::from_secs(1)).await?;
///     assert_eq!(last.borrow().0, b"who?");
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub trait DatagramProtocol: 'static {
    /// As [`Protocol::connection_made`].
    fn connection_made(&mut self, transport: &DatagramTransport) -> Result<()> {
        let _ = transport;
        Ok(())
    }

    /// A datagram has come from `source`. It may be empty.
    ///
    /// # Errors
    /// Go to the loop's exception handler; the endpoint stays.
    fn datagram_received(&mut self, data: &[u8], source: &Address) -> Result<()> {
        let _ = (data, source);
        Ok(())
    }

    /// A send or receive failed, mostly for one that was sent before. The endpoint stays.
    ///
    /// # Errors
    /// Leave the call that met it: `sendto` gives it to its caller.
    fn error_received(&mut self, error: &io::Error) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// As [`Protocol::connection_lost`].
    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        let _ = error;
        Ok(())
    }

    /// As [`Protocol::pause_writing`].
    fn pause_writing(&mut self) -> Result<()> {
        Ok(())
    }

    /// As [`Protocol::resume_writing`].
    fn resume_writing(&mut self) -> Result<()> {
        Ok(())
    }

    /// As [`Protocol::flow_control`]; it is told of errors, too.
    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        None
    }
}

/// What a transport says in the midst of a protocol's own call, before that returns: Python's order exactly.
///
/// A protocol that needs it shares its state with this part, for instance in a `Cell`, and hands it out in
/// [`Protocol::flow_control`].
///
/// # Examples
/// ```
/// use counterpoint_net::{FlowControl, Protocol};
/// use counterpoint_runtime as asyncio;
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// #[derive(Default)]
/// struct Paused(Cell<bool>);
///
/// impl FlowControl for Paused {
///     fn pause_writing(&self) -> asyncio::Result<()> {
///         self.0.set(true);
///         Ok(())
///     }
///
///     fn resume_writing(&self) -> asyncio::Result<()> {
///         self.0.set(false);
///         Ok(())
///     }
/// }
///
/// /// Looks at `paused` after each write, within its own calls as well.
/// struct Sending {
///     paused: Rc<Paused>,
/// }
///
/// impl Protocol for Sending {
///     fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
///         Some(self.paused.clone())
///     }
/// }
/// # Ok::<(), asyncio::Error>(())
/// ```
pub trait FlowControl {
    /// As [`Protocol::pause_writing`].
    fn pause_writing(&self) -> Result<()>;

    /// As [`Protocol::resume_writing`].
    fn resume_writing(&self) -> Result<()>;

    /// As [`DatagramProtocol::error_received`].
    fn error_received(&self, error: &io::Error) -> Result<()> {
        let _ = error;
        Ok(())
    }
}

/// What a factory for a stream's connections may make: a [`Protocol`] or a [`BufferedProtocol`]. `K` says which, and is
/// inferred.
pub trait IntoProtocol<K>: Sized + 'static {
    /// The protocol as a transport holds it.
    #[doc(hidden)]
    fn into_held(self) -> (Rc<std::cell::RefCell<Self>>, held::Sealed);
}

/// The kind of [`Protocol`].
pub enum Streaming {}

/// The kind of [`BufferedProtocol`].
pub enum Buffered {}
