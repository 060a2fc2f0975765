//! What a system call touches, for who explores orders of steps: see `counterpoint_runtime::schedule`.
//!
//! Things are named by addresses, so that both ends of a connection name them alike: one direction of it by whose bytes go
//! whither, a listener and the inbox of a datagram socket by the port. An end in another process touches its own loop's
//! footprints; what goes on between loops is ordered by time.
//!
//! Deliveries are no steps: they happen when their time comes. On the loopback that is the next call, so what a step
//! sends is there for the step that reads next, and the two conflict here by name.

use super::Network;
use crate::addr::Address;
use crate::table::Body;
use counterpoint_runtime::kernel;
use counterpoint_runtime::schedule::Touch;
use std::net::SocketAddr;

/// What a call does with its socket.
#[derive(Clone, Copy)]
pub(crate) enum Use<'a> {
    /// Looks at what nobody changes.
    Nothing,
    /// Looks at the state of both directions.
    Look,
    /// Takes what came in, or a connection.
    Receive,
    /// Sends to whom it is connected with.
    Send,
    /// Sends or connects there.
    SendTo(&'a Address),
    /// Changes the socket, or ends it.
    Change,
}

/// Which of several things of one port.
#[derive(Clone, Copy)]
enum Part {
    Direction = 1,
    Port = 2,
    Name = 3,
    Descriptor = 4,
}

/// The links and partitions of the network.
const LINKS: u64 = 0x6C69_6E6B_7320_6F66;

/// The running step reads or changes what the network lets through.
pub(super) fn touch_links(touch: Touch) {
    kernel::touch(LINKS, touch, || "the network's links".to_owned());
}

impl Network {
    /// The running step ends a socket, in a call or by a drop.
    pub(crate) fn touch_closing(&mut self, index: u32) {
        if kernel::caller().is_some_and(|caller| caller.watched) {
            self.touch(index, Use::Change);
        }
    }

    /// The running step makes a call.
    #[cold]
    pub(crate) fn touch(&mut self, index: u32, what: Use<'_>) {
        match what {
            Use::Nothing => {}
            Use::Look => self.touch_both(index, Touch::Read),
            Use::Change => self.touch_both(index, Touch::Write),
            Use::Receive => self.touch_inbound(index, Touch::Write),
            Use::Send => {
                self.touch_outbound(index, Touch::Write);
                touch_links(Touch::Read);
            }
            Use::SendTo(address) => {
                self.touch_both(index, Touch::Write);
                touch_address(address);
                touch_links(Touch::Read);
            }
        }
    }

    fn touch_both(&mut self, index: u32, touch: Touch) {
        self.touch_inbound(index, touch);
        self.touch_outbound(index, touch);
    }

    /// What comes to a socket.
    fn touch_inbound(&mut self, index: u32, touch: Touch) {
        let socket = self.sockets.at(index);
        let (number, local, remote) = (socket.number, socket.local, socket.remote);
        match (&socket.body, local, remote) {
            (Body::Tcp(_), Some(local), Some(remote)) => touch_direction(remote, local, touch),
            (Body::UnixStream(end), ..) => {
                let peer = end.peer;
                let peer = peer.and_then(|peer| self.sockets.get(peer)).map_or(0, |peer| peer.number);
                touch_numbers(peer, number, touch);
            }
            (Body::Listener(_) | Body::Datagrams(_), Some(local), _) => touch_port(local.port(), touch),
            (Body::UnixListener(listener), ..) => touch_name(&listener.name.to_string(), touch),
            (Body::UnixDatagrams(end), ..) if !end.paired => touch_name(&end.name.to_string(), touch),
            _ => touch_numbers(0, number, touch),
        }
    }

    /// What goes out of a socket.
    fn touch_outbound(&mut self, index: u32, touch: Touch) {
        let socket = self.sockets.at(index);
        let (number, local, remote) = (socket.number, socket.local, socket.remote);
        match (&socket.body, local, remote) {
            (Body::Tcp(_), Some(local), Some(remote)) => touch_direction(local, remote, touch),
            (Body::UnixStream(end), ..) => {
                let peer = end.peer;
                let peer = peer.and_then(|peer| self.sockets.get(peer)).map_or(0, |peer| peer.number);
                touch_numbers(number, peer, touch);
            }
            (Body::Datagrams(_), _, Some(remote)) => touch_port(remote.port(), touch),
            (Body::UnixDatagrams(end), ..) => match (end.paired, end.peer) {
                (false, _) => touch_name(&end.peer_name.to_string(), touch),
                (true, peer) => {
                    let peer = peer.and_then(|peer| self.sockets.get(peer)).map_or(0, |peer| peer.number);
                    touch_numbers(0, peer, touch);
                }
            },
            _ => touch_numbers(0, number, touch),
        }
    }
}

fn touch_address(address: &Address) {
    match address {
        Address::Inet(address) => touch_port(address.port(), Touch::Write),
        Address::Unix(name) => touch_name(&name.to_string(), Touch::Write),
    }
}

fn touch_direction(from: SocketAddr, to: SocketAddr, touch: Touch) {
    let key = key(Part::Direction, [hash_of(from), hash_of(to)]);
    kernel::touch(key, touch, || format!("bytes from {from} to {to}"));
}

fn touch_port(port: u16, touch: Touch) {
    kernel::touch(key(Part::Port, [u64::from(port), 0]), touch, || format!("port {port}"));
}

fn touch_name(name: &str, touch: Touch) {
    let hash = name.bytes().fold(0, |hash, byte| mix(hash, u64::from(byte)));
    kernel::touch(key(Part::Name, [hash, 0]), touch, || format!("Unix socket {name}"));
}

/// What goes from one descriptor to another, of sockets that have no addresses.
fn touch_numbers(from: u64, to: u64, touch: Touch) {
    kernel::touch(key(Part::Descriptor, [from, to]), touch, || format!("bytes to descriptor {to}"));
}

fn key(part: Part, words: [u64; 2]) -> u64 {
    words.into_iter().fold(mix(LINKS, part as u64), mix)
}

fn hash_of(address: SocketAddr) -> u64 {
    let ip = match address {
        SocketAddr::V4(address) => address.ip().to_ipv6_mapped(),
        SocketAddr::V6(address) => *address.ip(),
    };
    let bits = ip.to_bits();
    mix(mix(bits as u64, (bits >> 64) as u64), u64::from(address.port()))
}

fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash.rotate_left(5) ^ word).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    product ^ product >> 32
}
