//! The servers of a program by their names, and the statements about one.

use std::cell::RefCell;

use asyncio::net::Server;
use counterpoint as asyncio;

use super::statement::{OnServer, ServerCall};
use crate::difftest::machine::Machine;
use crate::difftest::program::Name;
use crate::difftest::value::python_bool;

/// In the order in which the names were bound first.
#[derive(Default)]
pub(super) struct Servers(RefCell<Vec<(Name, Server)>>);

impl Servers {
    /// Binds a name; one that is bound keeps its place.
    pub(super) fn bind(&self, name: &str, server: &Server) {
        let servers = &mut *self.0.borrow_mut();
        match servers.iter_mut().find(|(bound, _)| bound == name) {
            Some((_, place)) => *place = server.clone(),
            None => servers.push((name.to_owned(), server.clone())),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<Server> {
        self.0.borrow().iter().find(|(bound, _)| bound == name).map(|(_, server)| server.clone())
    }

    pub(super) fn states(&self) -> Vec<String> {
        self.0.borrow().iter().map(|(name, server)| format!("{name} {}", state(server))).collect()
    }
}

fn state(server: &Server) -> String {
    format!("serving={} sockets={}", python_bool(server.is_serving()), server.sockets().len())
}

/// Runs a statement about a server; its result, as the trace prints it.
pub(super) fn apply(machine: &Machine, statement: &OnServer) -> String {
    let Some(server) = machine.network.servers.find(&statement.s) else { return "noref".to_owned() };
    match statement.op {
        ServerCall::Close => server.close(),
        ServerCall::CloseClients => server.close_clients(),
        ServerCall::AbortClients => server.abort_clients(),
        ServerCall::State => return state(&server),
    }
    "ok".to_owned()
}
