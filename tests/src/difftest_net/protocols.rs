//! Protocols that do what a script says.
//!
//! A callback prints its line, then runs its statements; one that raises leaves it there. The statements look their own
//! protocol up by the connection's name (`echo`), and they can make its transport say a word before they return. So all
//! that a protocol knows is shared, and it is told to pause in the midst of its own calls ([`FlowControl`]), as in Python.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use asyncio::net::{Address, BufferedProtocol, DatagramProtocol, DatagramTransport, FlowControl};
use asyncio::net::{Protocol, Transport};
use asyncio::{Error, Result};
use counterpoint as asyncio;

use super::addresses::port;
use super::connections::Connection;
use super::errors;
use super::runs;
use super::script::Script;
use crate::difftest::machine::{Activity, LAST, Machine};
use crate::difftest::program::Name;
use crate::difftest::sync::run_sync;
use crate::difftest::value::shown;

/// What every protocol is made of.
pub(super) struct Scripted {
    machine: Rc<Machine>,
    script: Name,
    /// The connection's instance name.
    name: Rc<str>,
    activity: Activity,
    last: RefCell<Vec<u8>>,
    source: RefCell<Option<Address>>,
    /// How often data came.
    count: Cell<u32>,
    /// `resume_writing` runs.
    resuming: Cell<bool>,
}

impl Scripted {
    pub(super) fn new(machine: &Rc<Machine>, script: &str, name: Rc<str>) -> Rc<Scripted> {
        let activity = Activity::new(format!("p:{name}"), LAST).about(Some(name.clone()));
        Rc::new(Scripted {
            machine: machine.clone(),
            script: script.to_owned(),
            name,
            activity,
            last: RefCell::default(),
            source: RefCell::default(),
            count: Cell::default(),
            resuming: Cell::default(),
        })
    }

    /// What came last.
    pub(super) fn last(&self) -> Vec<u8> {
        self.last.borrow().clone()
    }

    /// Where the last datagram came from.
    pub(super) fn source(&self) -> Option<Address> {
        self.source.borrow().clone()
    }

    pub(super) fn is_resuming(&self) -> bool {
        self.resuming.get()
    }

    fn script(&self) -> &Script {
        script(&self.machine, &self.script)
    }

    /// A callback: its line, then the statements under its names.
    fn hit(&self, text: &str, names: &[&str]) -> Result<()> {
        self.machine.print(&self.activity.label, text);
        names
            .iter()
            .try_for_each(|name| run_sync(&self.machine, self.script().statements(name), &self.activity))
    }

    fn made(&self, connection: Connection) -> Result<()> {
        self.machine.network.connections.bind(&self.name, connection);
        self.hit("made", &["made"])
    }

    fn data(&self, word: &str, data: &[u8], from: &str) -> Result<()> {
        self.last.replace(data.to_vec());
        self.count.set(self.count.get() + 1);
        let numbered = format!("data{}", self.count.get());
        self.hit(&format!("{word} {}{from}", runs::shown(data)), &[&numbered, "data"])
    }

    fn eof(&self) -> Result<bool> {
        self.hit("eof", &["eof"])?;
        Ok(self.script().keep)
    }

    fn lost(&self, error: Option<&Error>) -> Result<()> {
        let error = error.map_or_else(|| "None".to_owned(), shown);
        self.hit(&format!("lost {error}"), &["lost"])
    }
}

/// The script of that name.
pub(super) fn script<'a>(machine: &'a Machine, name: &str) -> &'a Script {
    machine.program.protos.get(name).unwrap_or_else(|| panic!("the program has no protocol `{name}`"))
}

impl FlowControl for Scripted {
    fn pause_writing(&self) -> Result<()> {
        self.hit("pause", &["pause"])
    }

    fn resume_writing(&self) -> Result<()> {
        self.resuming.set(true);
        let resumed = self.hit("resume", &["resume"]);
        self.resuming.set(false);
        resumed
    }

    fn error_received(&self, error: &io::Error) -> Result<()> {
        self.hit(&format!("error {}", errors::os_error(error)), &["error"])
    }
}

/// Is given bytes.
pub(super) struct Streaming(pub(super) Rc<Scripted>);

impl Protocol for Streaming {
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        self.0.made(Connection::Protocol { transport: transport.clone(), protocol: self.0.clone() })
    }

    fn data_received(&mut self, data: &[u8]) -> Result<()> {
        self.0.data("data", data, "")
    }

    fn eof_received(&mut self) -> Result<bool> {
        self.0.eof()
    }

    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        self.0.lost(error)
    }

    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        Some(self.0.clone())
    }
}

/// Lends a buffer, a new one for each read.
pub(super) struct Lending {
    scripted: Rc<Scripted>,
    buffer: Vec<u8>,
}

impl Lending {
    pub(super) fn new(scripted: Rc<Scripted>) -> Lending {
        Lending { scripted, buffer: Vec::new() }
    }
}

impl BufferedProtocol for Lending {
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        let protocol = self.scripted.clone();
        self.scripted.made(Connection::Protocol { transport: transport.clone(), protocol })
    }

    fn get_buffer(&mut self, _: Option<usize>) -> Result<&mut [u8]> {
        let size = self.scripted.script().buffer.expect("the script of a protocol that lends has a size");
        self.buffer = vec![0; size];
        Ok(&mut self.buffer)
    }

    fn buffer_updated(&mut self, count: usize) -> Result<()> {
        self.scripted.data("buffer", &self.buffer[..count], "")
    }

    fn eof_received(&mut self) -> Result<bool> {
        self.scripted.eof()
    }

    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        self.scripted.lost(error)
    }

    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        Some(self.scripted.clone())
    }
}

/// Is given datagrams.
pub(super) struct Datagrams(pub(super) Rc<Scripted>);

impl DatagramProtocol for Datagrams {
    fn connection_made(&mut self, transport: &DatagramTransport) -> Result<()> {
        self.0.made(Connection::Endpoint { transport: transport.clone(), protocol: self.0.clone() })
    }

    fn datagram_received(&mut self, data: &[u8], source: &Address) -> Result<()> {
        self.0.source.replace(Some(source.clone()));
        self.0.data("dgram", data, &format!(" from {}", port(source)))
    }

    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        self.0.lost(error)
    }

    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        Some(self.0.clone())
    }
}
