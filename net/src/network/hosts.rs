//! Hosts and processes as the network knows them: made, switched off and on, frozen, ended.

use super::{Network, Process};
use crate::errno::Errno;
use crate::stack::Stack;
use crate::table::{Body, NOBODY, SocketId};
use crate::tcp::Settings;
use counterpoint_runtime::trace::Event as Traced;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::rc::Rc;

/// What a host's sockets begin with, and what its kernel allows.
#[derive(Clone, Debug)]
pub struct StackSettings {
    tcp: Settings,
    datagram_queue: Option<usize>,
    ports: Option<RangeInclusive<u16>>,
    count_ports_from: Option<u16>,
}

impl StackSettings {
    /// Linux's, with windows of 64 KiB that do not tune themselves.
    pub fn new() -> StackSettings {
        StackSettings { tcp: Settings::default(), datagram_queue: None, ports: None, count_ports_from: None }
    }

    /// Sets what new connections begin with: buffers, patience, options.
    pub fn tcp(self, tcp: Settings) -> StackSettings {
        StackSettings { tcp, ..self }
    }

    /// Sets how many datagrams wait in a socket. Default: by Linux's memory, 256 small ones.
    pub fn datagram_queue(self, datagrams: usize) -> StackSettings {
        StackSettings { datagram_queue: Some(datagrams), ..self }
    }

    /// Sets the range of ephemeral ports (`ip_local_port_range`). Default: 32768 to 60999, from a drawn one on.
    pub fn ephemeral_ports(self, ports: RangeInclusive<u16>) -> StackSettings {
        StackSettings { ports: Some(ports), ..self }
    }

    /// Lets ephemeral ports be counted up from here: for examples and tests that print them.
    pub fn count_ports_from(self, first: u16) -> StackSettings {
        StackSettings { count_ports_from: Some(first), ..self }
    }
}

impl Default for StackSettings {
    fn default() -> StackSettings {
        StackSettings::new()
    }
}

impl Network {
    /// A host's half of the network. Names and addresses are the caller's to keep apart.
    pub fn add_stack(&mut self, name: &str, addresses: Vec<IpAddr>) -> u32 {
        let index = self.stacks.len() as u32;
        for address in &addresses {
            self.addresses.insert(*address, index);
        }
        self.names.add_host(name, &addresses);
        self.stacks.push(Stack::new(name, addresses));
        index
    }

    /// Sets what the sockets of a host begin with.
    pub fn configure_stack(&mut self, stack: u32, settings: StackSettings) {
        let stack = &mut self.stacks[stack as usize];
        stack.settings = Rc::new(settings.tcp);
        stack.datagram_queue = settings.datagram_queue;
        if let Some(ports) = settings.ports {
            stack.set_ports(ports);
        }
        if let Some(first) = settings.count_ports_from {
            stack.count_ports_from(first);
        }
    }

    /// Which host has an address.
    pub fn owner_of(&self, address: IpAddr) -> Option<u32> {
        self.addresses.get(&address).copied()
    }

    /// A host's name.
    pub fn stack_name(&self, stack: u32) -> &str {
        &self.stacks[stack as usize].name
    }

    /// A host's addresses.
    pub fn stack_addresses(&self, stack: u32) -> &[IpAddr] {
        &self.stacks[stack as usize].addresses
    }

    /// A process begins on a host. Its number is never another's.
    pub fn begin_process(&mut self, stack: u32) -> u32 {
        self.processes.push(Process { stack, alive: true, open: 0, listed: Vec::new(), stirred: false });
        self.processes.len() as u32 - 1
    }

    /// A process has ended: its kernel closes what it had open, so that its peers see the end of a stream, or a reset if
    /// something was unread.
    pub fn end_process(&mut self, process: u32) {
        if self.processes[process as usize].open > 0 {
            for index in self.sockets.indices() {
                if self.sockets.at(index).process == process {
                    self.close(index);
                }
            }
        }
        let process = &mut self.processes[process as usize];
        (process.alive, process.listed) = (false, Vec::new());
    }

    /// The power of a host goes: nothing of its kernel stays, and nobody is told.
    pub fn cut_power(&mut self, stack: u32) {
        for index in self.sockets.indices() {
            if self.sockets.at(index).stack == stack {
                let socket = self.sockets.remove(index);
                self.trash.push(socket);
            }
        }
        for process in self.processes.iter_mut().filter(|process| process.stack == stack) {
            (process.alive, process.open, process.listed) = (false, 0, Vec::new());
        }
        self.stacks[stack as usize].forget();
        self.tell_of_host(stack, "crashes: the power is cut");
        self.tell_peers_of_loss(stack);
    }

    /// Whoever talks to a host waits in vain for what it would have said.
    fn tell_peers_of_loss(&mut self, stack: u32) {
        for index in self.sockets.indices() {
            let id = self.sockets.id(index);
            if self.sockets.at(index).tcp().is_some_and(|tcp| tcp.route.stack == stack) {
                self.with_tcp(id, |connection, now, _| connection.on_loss(now));
            }
        }
    }

    /// The end of a run: all power goes, without a word.
    pub fn cut_all_power(&mut self) {
        for index in self.sockets.indices() {
            let socket = self.sockets.remove(index);
            self.trash.push(socket);
        }
        for process in &mut self.processes {
            (process.alive, process.open, process.listed) = (false, 0, Vec::new());
        }
        self.stacks.iter_mut().for_each(Stack::forget);
    }

    /// The power of a host is back, its kernel new.
    pub fn restore_power(&mut self, stack: u32) {
        let entry = &mut self.stacks[stack as usize];
        if !entry.power {
            entry.power = true;
            entry.incarnation += 1;
            self.tell_of_host(stack, "starts again");
        }
    }

    /// A machine is suspended: it hears nothing and its timers stand still.
    pub fn freeze(&mut self, stack: u32) {
        self.stacks[stack as usize].frozen = true;
        self.tell_of_host(stack, "is frozen, its kernel too");
    }

    /// A suspended machine goes on: timers that came meanwhile are due at once.
    pub fn thaw(&mut self, stack: u32) {
        self.stacks[stack as usize].frozen = false;
        self.tell_of_host(stack, "thaws");
        let held: Vec<SocketId> = std::mem::take(&mut self.stacks[stack as usize].held_timers);
        for socket in held {
            self.on_timer(socket);
        }
    }

    /// Is the host switched on?
    pub fn has_power(&self, stack: u32) -> bool {
        self.stacks[stack as usize].power
    }

    /// Is the host switched on, and not suspended?
    pub fn is_up(&self, stack: u32) -> bool {
        let stack = &self.stacks[stack as usize];
        stack.power && !stack.frozen
    }

    /// Notes in the trace what happened to a host.
    pub fn tell_of_host(&self, stack: u32, what: &str) {
        if let Some(sink) = &self.trace {
            let host = Some(self.stacks[stack as usize].name.clone());
            sink.push(Traced::World { time: self.clock, host, what: what.to_owned() });
        }
    }

    pub(super) fn tell_of_links(&self, what: String) {
        if let Some(sink) = &self.trace {
            sink.push(Traced::World { time: self.clock, host: None, what });
        }
    }

    /// The stack of a process; an error on a dead host.
    pub(super) fn stack_of(&self, process: u32) -> Result<u32, Errno> {
        let process = &self.processes[process as usize];
        if process.alive { Ok(process.stack) } else { Err(Errno::NetworkDown) }
    }

    /// How many sockets there are, on all hosts: those included that nobody holds any more.
    pub fn sockets_count(&self) -> usize {
        self.sockets.len()
    }

    /// A connection is over: its number and its place are free.
    pub(super) fn forget_connection(&mut self, index: u32) {
        let socket = self.sockets.at(index);
        if let (Some(local), Some(remote)) = (socket.local, socket.remote) {
            let (stack, bound) = (socket.stack, socket.bound);
            let stack = &mut self.stacks[stack as usize];
            let key = (local.port(), remote, local.ip());
            if stack.connections.get(&key) == Some(&index) {
                stack.connections.remove(&key);
            }
            if bound {
                stack.unbind(index, crate::stack::Transport::Tcp, local.port());
            }
        }
        let held = self.sockets.at(index).process != NOBODY;
        if held {
            // Its program still holds it: it stays as a closed one.
            self.sockets.at(index).body = Body::Fresh;
            return;
        }
        let socket = self.sockets.remove(index);
        self.trash.push(socket);
    }
}
