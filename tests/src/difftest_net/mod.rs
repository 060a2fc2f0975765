//! The network chapter of the difftest language: connections, servers, datagrams and plain sockets on one loop.
//!
//! A program of it is one of the core language (`difftest`) with more statements, more to await, and a kernel below its
//! loop; what that means is written down in `tests/conformance/net/LANGUAGE.md`. `interp.py` there runs it on CPython's
//! own transports and streams over a simulated kernel; here it runs on ours. The core's machine runs both: this module
//! is what the chapter adds to it.
//!
//! `statement`, `expression` and `script` are what a program says; `connections`, `servers` and `sockets` keep what it
//! has names for; `evaluate`, `opening` and `serving` are what it awaits; `protocols` do what a script says.

mod addresses;
mod connections;
pub(crate) mod errors;
mod evaluate;
mod expression;
mod kernel;
mod opening;
mod protocols;
mod runs;
mod script;
mod servers;
mod serving;
mod sockets;
mod statement;

use std::rc::Rc;

use asyncio::Result;
use counterpoint as asyncio;

use crate::difftest::machine::{Activity, Machine};

pub(crate) use evaluate::{evaluate, lines};
pub(crate) use expression::NetworkExpression;
pub(crate) use kernel::KernelSpec;
pub(crate) use script::Script;
pub(crate) use statement::NetworkStatement;

/// What a program of the network has names for.
#[derive(Default)]
pub(crate) struct Network {
    connections: connections::Connections,
    servers: servers::Servers,
    sockets: sockets::Sockets,
}

impl Network {
    /// The texts of the final states.
    pub(crate) fn states(&self) -> Vec<String> {
        let mut states = self.connections.states();
        states.extend(self.servers.states());
        states
    }
}

/// Runs a statement; its result, as the trace prints it.
pub(crate) fn apply(
    machine: &Rc<Machine>,
    statement: &NetworkStatement,
    activity: &Activity,
) -> Result<String> {
    match statement {
        NetworkStatement::Connection(statement) => connections::apply(machine, statement, activity),
        NetworkStatement::Server(statement) => Ok(servers::apply(machine, statement)),
        NetworkStatement::Sock(statement) => sockets::make(machine, statement),
        NetworkStatement::Socket(statement) => sockets::apply(machine, statement),
    }
}
