//! The plain sockets of a program by their names, and the calls on one that do not wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use asyncio::net::{EventLoopExt, Family, Socket, SocketOption, SocketType};
use asyncio::{Error, Result};
use counterpoint as asyncio;

use super::addresses::address;
use super::statement::{NewSocket, OnSocket, SocketCall, Watch};
use super::{errors, runs};
use crate::difftest::machine::{Activity, LAST, Machine};
use crate::difftest::program::Name;
use crate::difftest::sync::run_sync;
use crate::difftest::value::python_bool;

#[derive(Default)]
pub(super) struct Sockets {
    names: RefCell<BTreeMap<Name, Socket>>,
    /// Every socket that ever had a name: it stays open when another takes the name.
    all: RefCell<Vec<Socket>>,
}

impl Sockets {
    pub(super) fn bind(&self, name: &str, socket: Socket) {
        self.all.borrow_mut().push(socket.clone());
        self.names.borrow_mut().insert(name.to_owned(), socket);
    }

    pub(super) fn find(&self, name: &str) -> Option<Socket> {
        self.names.borrow().get(name).cloned()
    }

    /// Unbinds the name of a socket that goes to a transport.
    pub(super) fn take(&self, name: &str) -> Result<Socket> {
        self.names.borrow_mut().remove(name).ok_or_else(|| Error::msg(errors::NO_SUCH_NAME))
    }
}

/// Makes a socket; it has its name also if it cannot be bound.
pub(super) fn make(machine: &Machine, statement: &NewSocket) -> Result<String> {
    let NewSocket::Sock { r#as, udp, bind, listen, connect } = statement;
    let kind = if *udp { SocketType::Datagram } else { SocketType::Stream };
    let socket = Socket::new(Family::Inet, kind)?;
    if !udp {
        socket.set_option(SocketOption::NoDelay(true))?;
    }
    if listen.is_some() {
        socket.set_option(SocketOption::ReuseAddress(true))?;
    }
    machine.network.sockets.bind(r#as, socket.clone());
    if let Some(port) = bind {
        socket.bind(&address(*port))?;
    }
    if let Some(backlog) = listen {
        socket.listen(*backlog)?;
    }
    if let Some(port) = connect {
        socket.connect(&address(*port))?;
    }
    Ok("ok".to_owned())
}

/// Runs a statement about a socket; its result, as the trace prints it.
pub(super) fn apply(machine: &Rc<Machine>, statement: &OnSocket) -> Result<String> {
    let Some(socket) = machine.network.sockets.find(&statement.k) else { return Ok("noref".to_owned()) };
    let event_loop = &machine.event_loop;
    match &statement.what {
        SocketCall::Kclose => socket.close(),
        SocketCall::Kshutdown => socket.shutdown(Shutdown::Write)?,
        SocketCall::Klinger0 => socket.set_option(SocketOption::Linger(Some(Duration::ZERO)))?,
        SocketCall::Krecv { n } => {
            let mut buffer = vec![0; *n];
            let count = socket.receive(&mut buffer)?;
            return Ok(runs::shown(&buffer[..count]));
        }
        SocketCall::Ksend { d } => return Ok(socket.send(&d.bytes())?.to_string()),
        SocketCall::Kaccept { into } => {
            let (accepted, _) = socket.accept()?;
            machine.network.sockets.bind(into, accepted);
            return Ok(into.clone());
        }
        SocketCall::Kerror => {
            let error = socket.take_error()?;
            return Ok(error.map_or_else(|| "0".to_owned(), |error| errors::name(error.raw_os_error())));
        }
        SocketCall::Kreader(watch) => {
            let (own, of_loop) = (socket.clone(), event_loop.clone());
            let run =
                watching(machine, format!("r:{}", statement.k), watch, move || of_loop.remove_reader(&own));
            event_loop.add_reader(&socket, run)?;
        }
        SocketCall::Kwriter(watch) => {
            let (own, of_loop) = (socket.clone(), event_loop.clone());
            let run =
                watching(machine, format!("w:{}", statement.k), watch, move || of_loop.remove_writer(&own));
            event_loop.add_writer(&socket, run)?;
        }
        SocketCall::Kunreader => {
            return event_loop.remove_reader(&socket).map(|it| python_bool(it).to_owned());
        }
        SocketCall::Kunwriter => {
            return event_loop.remove_writer(&socket).map(|it| python_bool(it).to_owned());
        }
    }
    Ok("ok".to_owned())
}

/// A callback on a socket: counts its runs, takes itself away in the last, then runs its statements.
fn watching(
    machine: &Rc<Machine>,
    label: String,
    watch: &Watch,
    mut remove: impl FnMut() -> Result<bool> + 'static,
) -> impl FnMut() -> Result<()> + 'static {
    let (machine, activity) = (machine.clone(), Activity::new(label, LAST));
    let (watch, runs) = (watch.clone(), Cell::new(0));
    move || {
        runs.set(runs.get() + 1);
        machine.print(&activity.label, &format!("run {}", runs.get()));
        if runs.get() >= watch.max {
            remove()?;
        }
        run_sync(&machine, &watch.r#do, &activity)
    }
}
