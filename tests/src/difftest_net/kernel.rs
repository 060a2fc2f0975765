//! What stands below the loop of a program: one machine with the settings that the program names.
//!
//! Latency, buffers and the answers of its resolver. Every program has them, also where they are Linux's own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use asyncio::EventLoop;
use asyncio::net::Loopback;
use counterpoint as asyncio;
use serde::{Deserialize, Serialize};

use crate::difftest::program::Name;
use crate::difftest::seconds::Seconds;

/// Ephemeral ports are counted up from here.
const PORT_FIRST: u16 = 40_001;

/// The kernel of a program.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct KernelSpec {
    /// How long a packet is under way.
    #[serde(rename = "L")]
    latency: Seconds,
    /// The send buffer of a stream socket, in bytes.
    #[serde(rename = "SB")]
    send_buffer: u32,
    /// The receive buffer of a TCP socket, in bytes.
    #[serde(rename = "RB")]
    receive_buffer: u32,
    /// How many datagrams wait in a UDP socket.
    #[serde(rename = "UQ")]
    datagram_queue: usize,
    /// How late the answer about a name comes, and the addresses in it.
    #[serde(default)]
    hosts: BTreeMap<Name, (Seconds, Vec<IpAddr>)>,
}

impl KernelSpec {
    /// Puts it below a loop.
    pub(crate) fn attach(&self, event_loop: &EventLoop) {
        let mut loopback = Loopback::new()
            .latency(self.latency.delay())
            .send_buffer(self.send_buffer)
            .receive_buffer(self.receive_buffer)
            .datagram_queue(self.datagram_queue)
            .first_ephemeral_port(PORT_FIRST);
        for (name, (delay, addresses)) in &self.hosts {
            loopback = loopback.host(name, delay.delay(), addresses.clone());
        }
        loopback.attach(event_loop).expect("a loop just made stands on nothing");
    }
}
