//! The connections of a program by their names, and the statements about one.
//!
//! A connection is a stream's reader and writer, or the transport of a scripted protocol. All of them are kept until the
//! trace is complete: in Python nothing is collected before that either, and a writer that is dropped would close.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use asyncio::net::{Address, EventLoopExt, Socket, SocketOption, StreamReader, StreamWriter};
use asyncio::net::{DatagramTransport, Transport};
use asyncio::{EventLoop, Result};
use counterpoint as asyncio;

use super::addresses::{address, port_or_none};
use super::protocols::Scripted;
use super::runs::Runs;
use super::statement::{ConnectionCall, OnConnection};
use crate::difftest::machine::{Activity, Machine};
use crate::difftest::program::Name;
use crate::difftest::value::python_bool;

/// A connection, as the program got it.
pub(super) enum Connection {
    Stream { reader: StreamReader, writer: StreamWriter },
    Protocol { transport: Transport, protocol: Rc<Scripted> },
    Endpoint { transport: DatagramTransport, protocol: Rc<Scripted> },
}

/// What a name means, and all in the order in which they were bound.
#[derive(Default)]
pub(super) struct Connections {
    names: RefCell<BTreeMap<Name, Rc<Connection>>>,
    all: RefCell<Vec<(Rc<str>, Rc<Connection>)>>,
}

impl Connections {
    /// Binds an instance's name, and that without its number.
    pub(super) fn bind(&self, instance: &Rc<str>, connection: Connection) {
        let connection = Rc::new(connection);
        let base = match instance.rsplit_once('#') {
            Some((base, number)) if number.bytes().all(|digit| digit.is_ascii_digit()) => base,
            _ => instance,
        };
        let mut names = self.names.borrow_mut();
        names.insert(base.to_owned(), connection.clone());
        names.insert((**instance).to_owned(), connection.clone());
        self.all.borrow_mut().push((instance.clone(), connection));
    }

    pub(super) fn find(&self, name: &str, activity: &Activity) -> Option<Rc<Connection>> {
        let name = if name == "@c" { activity.connection.as_deref()? } else { name };
        self.names.borrow().get(name).cloned()
    }

    pub(super) fn states(&self) -> Vec<String> {
        let all = self.all.borrow();
        all.iter().map(|(name, connection)| format!("{name} {}", connection.state())).collect()
    }
}

impl Connection {
    pub(super) fn is_closing(&self) -> bool {
        match self {
            Connection::Stream { writer, .. } => writer.is_closing(),
            Connection::Protocol { transport, .. } => transport.is_closing(),
            Connection::Endpoint { transport, .. } => transport.is_closing(),
        }
    }

    fn is_reading(&self) -> bool {
        match self {
            Connection::Stream { writer, .. } => writer.transport().is_reading(),
            Connection::Protocol { transport, .. } => transport.is_reading(),
            Connection::Endpoint { transport, .. } => transport.is_reading(),
        }
    }

    fn write_buffer_size(&self) -> usize {
        match self {
            Connection::Stream { writer, .. } => writer.transport().get_write_buffer_size(),
            Connection::Protocol { transport, .. } => transport.get_write_buffer_size(),
            Connection::Endpoint { transport, .. } => transport.get_write_buffer_size(),
        }
    }

    fn socket(&self) -> Option<Socket> {
        match self {
            Connection::Stream { writer, .. } => writer.transport().socket(),
            Connection::Protocol { transport, .. } => transport.socket(),
            Connection::Endpoint { transport, .. } => transport.socket(),
        }
    }

    fn sockname(&self) -> Option<Address> {
        match self {
            Connection::Stream { writer, .. } => writer.transport().sockname(),
            Connection::Protocol { transport, .. } => transport.sockname(),
            Connection::Endpoint { transport, .. } => transport.sockname(),
        }
    }

    fn peername(&self) -> Option<Address> {
        match self {
            Connection::Stream { writer, .. } => writer.transport().peername(),
            Connection::Protocol { transport, .. } => transport.peername(),
            Connection::Endpoint { transport, .. } => transport.peername(),
        }
    }

    /// In `resume_writing` of a closed transport whose buffer just ran empty CPython breaks at a write (LANGUAGE.md,
    /// section 8): nothing is written there.
    fn write(&self, data: Vec<u8>) -> Result<()> {
        match self {
            Connection::Stream { writer, .. } => writer.write(data),
            Connection::Protocol { transport, protocol } => {
                let flushed = protocol.is_resuming()
                    && transport.is_closing()
                    && transport.get_write_buffer_size() == 0;
                transport.write(if flushed { Vec::new() } else { data })
            }
            Connection::Endpoint { .. } => panic!("an endpoint is written to by `sendto`"),
        }
    }

    fn write_lines(&self, data: &[Runs]) -> Result<()> {
        let pieces = data.iter().map(Runs::bytes);
        match self {
            Connection::Stream { writer, .. } => writer.writelines(pieces),
            Connection::Protocol { transport, .. } => transport.writelines(pieces),
            Connection::Endpoint { .. } => panic!("an endpoint is written to by `sendto`"),
        }
    }

    fn write_eof(&self) -> Result<()> {
        match self {
            Connection::Stream { writer, .. } => writer.write_eof(),
            Connection::Protocol { transport, .. } => transport.write_eof(),
            Connection::Endpoint { .. } => panic!("an endpoint has no end of a stream"),
        }
    }

    fn close(&self) {
        match self {
            Connection::Stream { writer, .. } => writer.close(),
            Connection::Protocol { transport, .. } => transport.close(),
            Connection::Endpoint { transport, .. } => transport.close(),
        }
    }

    fn abort(&self) {
        match self {
            Connection::Stream { writer, .. } => writer.transport().abort(),
            Connection::Protocol { transport, .. } => transport.abort(),
            Connection::Endpoint { transport, .. } => transport.abort(),
        }
    }

    fn pause_reading(&self) {
        match self {
            Connection::Stream { writer, .. } => writer.transport().pause_reading(),
            Connection::Protocol { transport, .. } => transport.pause_reading(),
            Connection::Endpoint { transport, .. } => transport.pause_reading(),
        }
    }

    fn resume_reading(&self) {
        match self {
            Connection::Stream { writer, .. } => writer.transport().resume_reading(),
            Connection::Protocol { transport, .. } => transport.resume_reading(),
            Connection::Endpoint { transport, .. } => transport.resume_reading(),
        }
    }

    /// Sets the marks of the buffer; what they are then.
    fn limit(&self, high: Option<usize>, low: Option<usize>) -> Result<(usize, usize)> {
        match self {
            Connection::Stream { writer, .. } => {
                writer.transport().set_write_buffer_limits(high, low)?;
                Ok(writer.transport().get_write_buffer_limits())
            }
            Connection::Protocol { transport, .. } => {
                transport.set_write_buffer_limits(high, low)?;
                Ok(transport.get_write_buffer_limits())
            }
            Connection::Endpoint { transport, .. } => {
                transport.set_write_buffer_limits(high, low)?;
                Ok(transport.get_write_buffer_limits())
            }
        }
    }

    fn at_eof(&self) -> Option<bool> {
        match self {
            Connection::Stream { reader, .. } => Some(reader.at_eof()),
            Connection::Protocol { .. } | Connection::Endpoint { .. } => None,
        }
    }

    /// The words of its final state.
    fn state(&self) -> String {
        let eof = self.at_eof().map_or_else(String::new, |eof| format!(" eof={}", python_bool(eof)));
        format!(
            "closing={} reading={} wbuf={}{eof}",
            python_bool(self.is_closing()),
            python_bool(self.is_reading()),
            self.write_buffer_size()
        )
    }
}

/// Runs a statement about a connection; its result, as the trace prints it.
pub(super) fn apply(machine: &Rc<Machine>, statement: &OnConnection, activity: &Activity) -> Result<String> {
    let Some(connection) = machine.network.connections.find(&statement.s, activity) else {
        return Ok("noref".to_owned());
    };
    let flag = |flag| Ok(python_bool(flag).to_owned());
    match &statement.what {
        ConnectionCall::Write { d } => connection.write(d.bytes())?,
        ConnectionCall::WriteEof => connection.write_eof()?,
        ConnectionCall::Close => connection.close(),
        ConnectionCall::Abort => connection.abort(),
        ConnectionCall::Pause => connection.pause_reading(),
        ConnectionCall::Resume => connection.resume_reading(),
        ConnectionCall::IsClosing => return flag(connection.is_closing()),
        ConnectionCall::IsReading => return flag(connection.is_reading()),
        ConnectionCall::AtEof => return connection.at_eof().map_or_else(|| Ok("noref".to_owned()), flag),
        ConnectionCall::Wbuf => return Ok(connection.write_buffer_size().to_string()),
        ConnectionCall::Limits { high, low } => {
            let (low, high) = connection.limit(*high, *low)?;
            return Ok(format!("{low}..{high}"));
        }
        ConnectionCall::Names => {
            let (own, peer) = (connection.sockname(), connection.peername());
            return Ok(format!("sockname={} peername={}", port_or_none(own), port_or_none(peer)));
        }
        ConnectionCall::Echo => return echo(&connection),
        // The rest is not done to what is closing.
        _ if connection.is_closing() => return Ok("skipped".to_owned()),
        ConnectionCall::Writelines { d } => connection.write_lines(d)?,
        ConnectionCall::Linger0 => linger(&connection)?,
        ConnectionCall::Claim => claim(&machine.event_loop, &connection)?,
        ConnectionCall::Sendto { d, port } => send_to(&connection, &d.bytes(), port.map(address))?,
    }
    Ok("ok".to_owned())
}

fn linger(connection: &Connection) -> Result<()> {
    if let Some(socket) = connection.socket() {
        socket.set_option(SocketOption::Linger(Some(Duration::ZERO)))?;
    }
    Ok(())
}

fn claim(event_loop: &EventLoop, connection: &Connection) -> Result<()> {
    let socket = connection.socket().expect("the loop is open while statements run");
    event_loop.add_reader(&socket, || ())
}

fn send_to(connection: &Connection, data: &[u8], to: Option<Address>) -> Result<()> {
    let Connection::Endpoint { transport, .. } = connection else { panic!("`sendto` names an endpoint") };
    transport.sendto(data, to)
}

/// Sends back what came last, to whom it came from.
fn echo(connection: &Connection) -> Result<String> {
    match connection {
        Connection::Stream { .. } => panic!("`echo` names the connection of a protocol"),
        Connection::Protocol { protocol, .. } if protocol.last().is_empty() => {
            return Ok("nothing".to_owned());
        }
        Connection::Protocol { protocol, .. } => connection.write(protocol.last())?,
        Connection::Endpoint { transport, .. } if transport.is_closing() => return Ok("skipped".to_owned()),
        Connection::Endpoint { transport, protocol } => {
            let source = if transport.peername().is_some() { None } else { protocol.source() };
            transport.sendto(protocol.last(), source)?;
        }
    }
    Ok("ok".to_owned())
}
