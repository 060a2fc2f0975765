//! Connections and endpoints that a program opens: streams, and transports with a scripted protocol.

use std::cell::OnceCell;
use std::rc::Rc;

use asyncio::Result;
use asyncio::net::{
    EventLoopExt, Family, IntoProtocol, StreamReader, StreamWriter, open_connection, open_connection_from,
    open_unix_connection,
};
use counterpoint as asyncio;

use super::addresses::{HOST, path};
use super::connections::Connection;
use super::expression::Destination;
use super::protocols::{Datagrams, Lending, Scripted, Streaming, script};
use crate::difftest::machine::Machine;
use crate::difftest::value::Value;

/// A stream: named once it is open.
pub(super) async fn open(
    machine: &Machine,
    name: &str,
    to: Destination,
    limit: Option<usize>,
) -> Result<Value> {
    let (reader, writer) = open_stream(machine, to, limit).await?;
    let instance = machine.instance(name);
    machine.network.connections.bind(&instance, Connection::Stream { reader, writer });
    Ok(Value::Text(instance.to_string()))
}

async fn open_stream(
    machine: &Machine,
    to: Destination,
    limit: Option<usize>,
) -> Result<(StreamReader, StreamWriter)> {
    if let Some(name) = to.path {
        let opening = open_unix_connection(path(&name));
        return match limit {
            Some(limit) => opening.limit(limit).await,
            None => opening.await,
        };
    }
    let opening = match &to.k {
        Some(socket) => open_connection_from(machine.network.sockets.take(socket)?),
        None => open_connection(to.host(), to.port()),
    };
    match limit {
        Some(limit) => opening.limit(limit).await,
        None => opening.await,
    }
}

impl Destination {
    fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(HOST)
    }

    fn port(&self) -> u16 {
        self.port.expect("a destination is a path, a socket or a port")
    }
}

/// Makes a scripted protocol when it is asked for, and remembers the name that it got.
#[derive(Clone)]
struct Factory {
    machine: Rc<Machine>,
    script: String,
    name: String,
    made: Rc<OnceCell<Rc<str>>>,
}

impl Factory {
    fn new(machine: &Rc<Machine>, script: &str, name: &str) -> Factory {
        Factory {
            machine: machine.clone(),
            script: script.to_owned(),
            name: name.to_owned(),
            made: Rc::default(),
        }
    }

    fn make(&self) -> Rc<Scripted> {
        let instance = self.made.get_or_init(|| self.machine.instance(&self.name));
        Scripted::new(&self.machine, &self.script, instance.clone())
    }

    fn name(&self) -> Value {
        Value::Text(self.made.get().expect("what is open has a protocol").to_string())
    }
}

/// A connection with the protocols of a script: named by the protocol factory.
pub(super) async fn connect(
    machine: &Rc<Machine>,
    name: &str,
    script_name: &str,
    to: Destination,
) -> Result<Value> {
    let factory = Factory::new(machine, script_name, name);
    let own = factory.clone();
    if script(machine, script_name).buffer.is_some() {
        connect_with(machine, to, move || Lending::new(own.make())).await?;
    } else {
        connect_with(machine, to, move || Streaming(own.make())).await?;
    }
    Ok(factory.name())
}

async fn connect_with<P: IntoProtocol<K>, K>(
    machine: &Machine,
    to: Destination,
    factory: impl FnOnce() -> P + 'static,
) -> Result<()> {
    let event_loop = &machine.event_loop;
    if let Some(name) = &to.path {
        event_loop.create_unix_connection(factory, path(name)).await?;
    } else if let Some(socket) = &to.k {
        event_loop.create_connection_from(factory, machine.network.sockets.take(socket)?).await?;
    } else {
        event_loop.create_connection(factory, to.host(), to.port()).await?;
    }
    Ok(())
}

/// A datagram endpoint, of IPv4.
pub(super) async fn endpoint(
    machine: &Rc<Machine>,
    name: &str,
    script_name: &str,
    local: Option<u16>,
    remote: Option<u16>,
) -> Result<Value> {
    let factory = Factory::new(machine, script_name, name);
    let own = factory.clone();
    assert!(script(machine, script_name).dgram, "an endpoint has a protocol of datagrams");
    let mut endpoint = machine.event_loop.create_datagram_endpoint(move || Datagrams(own.make()));
    if let Some(port) = local {
        endpoint = endpoint.local_addr(HOST, port);
    }
    if let Some(port) = remote {
        endpoint = endpoint.remote_addr(HOST, port);
    }
    if local.is_none() && remote.is_none() {
        endpoint = endpoint.family(Family::Inet);
    }
    endpoint.await?;
    Ok(factory.name())
}
