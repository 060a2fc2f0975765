//! Servers that a program starts: a handler for each stream, or protocols of a script.
//!
//! A handler runs as asyncio's own task. It is entered under its connection's name in its first step, where it is the
//! current task; what it comes to is written into a future beside it, since no one else has that task's result.

use std::cell::Cell;
use std::rc::Rc;

use asyncio::net::{EventLoopExt, Hosts, IntoProtocol, Server, start_server, start_unix_server};
use asyncio::{Result, current_task};
use counterpoint as asyncio;

use super::addresses::{HOST, path};
use super::connections::Connection;
use super::expression::{self, Serve};
use super::protocols::{Lending, Scripted, Streaming, script};
use crate::difftest::machine::{Activity, Machine, Named};
use crate::difftest::program::Name;
use crate::difftest::statements::body;
use crate::difftest::value::Value;

pub(super) async fn serve(machine: &Rc<Machine>, serve: Serve) -> Result<Value> {
    let instance = machine.instance(&serve.r#as);
    let names = Names { server: instance.clone(), count: Cell::new(0) };
    let server = match (serve.p.clone(), serve.f.clone()) {
        (Some(name), _) => with_protocols(machine, &serve, names, name).await?,
        (None, Some(function)) => with_handlers(machine, &serve, names, function).await?,
        (None, None) => panic!("a server has a function or a script"),
    };
    machine.network.servers.bind(&serve.r#as, &server);
    machine.network.servers.bind(&instance, &server);
    Ok(Value::Text(instance.to_string()))
}

/// The names of a server's connections: its own, and a number that counts them.
struct Names {
    server: Rc<str>,
    count: Cell<u32>,
}

impl Names {
    fn next(&self) -> Rc<str> {
        self.count.set(self.count.get() + 1);
        format!("{}.{}", self.server, self.count.get()).into()
    }
}

impl Serve {
    fn hosts(&self) -> Hosts {
        match &self.host {
            None => HOST.into(),
            Some(expression::Hosts::One(host)) => host.as_str().into(),
            Some(expression::Hosts::Many(hosts)) => hosts.clone().into(),
        }
    }

    fn port(&self) -> u16 {
        self.port.expect("a server has a path or a port")
    }
}

async fn with_protocols(machine: &Rc<Machine>, serve: &Serve, names: Names, name: Name) -> Result<Server> {
    let lends = script(machine, &name).buffer.is_some();
    let own = machine.clone();
    let scripted = move || Scripted::new(&own, &name, names.next());
    if lends {
        create(machine, serve, move || Lending::new(scripted())).await
    } else {
        create(machine, serve, move || Streaming(scripted())).await
    }
}

async fn create<P: IntoProtocol<K>, K: 'static>(
    machine: &Machine,
    serve: &Serve,
    factory: impl Fn() -> P + 'static,
) -> Result<Server> {
    if let Some(name) = &serve.path {
        let mut creating = machine.event_loop.create_unix_server(factory, path(name));
        if let Some(backlog) = serve.backlog {
            creating = creating.backlog(backlog);
        }
        if let Some(start) = serve.start_serving {
            creating = creating.start_serving(start);
        }
        return creating.await;
    }
    let mut creating = machine.event_loop.create_server(factory, serve.hosts(), serve.port());
    if let Some(backlog) = serve.backlog {
        creating = creating.backlog(backlog);
    }
    if let Some(start) = serve.start_serving {
        creating = creating.start_serving(start);
    }
    creating.await
}

async fn with_handlers(machine: &Rc<Machine>, serve: &Serve, names: Names, function: Name) -> Result<Server> {
    let own = machine.clone();
    let connected = move |reader, writer| {
        let label = names.next();
        own.network.connections.bind(&label, Connection::Stream { reader, writer });
        own.print(&format!("p:{label}"), "connected");
        let activity = Activity::new(label.clone(), own.next_index()).about(Some(label));
        handle(own.clone(), function.clone(), activity)
    };
    if let Some(name) = &serve.path {
        let mut starting = start_unix_server(connected, path(name));
        if let Some(limit) = serve.limit {
            starting = starting.limit(limit);
        }
        if let Some(backlog) = serve.backlog {
            starting = starting.backlog(backlog);
        }
        if let Some(start) = serve.start_serving {
            starting = starting.start_serving(start);
        }
        return starting.await;
    }
    let mut starting = start_server(connected, serve.hosts(), serve.port());
    if let Some(limit) = serve.limit {
        starting = starting.limit(limit);
    }
    if let Some(backlog) = serve.backlog {
        starting = starting.backlog(backlog);
    }
    if let Some(start) = serve.start_serving {
        starting = starting.start_serving(start);
    }
    starting.await
}

/// The coroutine of a handler.
async fn handle(machine: Rc<Machine>, function: Name, activity: Activity) -> Result<()> {
    let outcome = machine.event_loop.create_future();
    let name = activity.label.clone();
    let named =
        Named { future: outcome.clone(), task: current_task(), index: activity.index, name: name.clone() };
    machine.enter(&name, named);
    match body(machine, function, activity).await {
        Ok(value) => outcome.set_result(value),
        Err(error) if error.is_cancelled() => {
            outcome.cancel();
            Err(error)
        }
        Err(error) => {
            outcome.set_exception(error.clone())?;
            Err(error)
        }
    }
}
