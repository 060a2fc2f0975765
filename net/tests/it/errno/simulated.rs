//! The simulated sockets as a `System`.

use super::system::{Answer, Calls, System, mask};
use counterpoint_net::{
    Address, Errno, Family, Socket, SocketOption, SocketType, UnixAddress, unlink_unix_socket,
};
use std::io;
use std::net::{IpAddr, Shutdown};

/// The current loop's machine.
pub struct Simulated;

fn answer<T>(result: io::Result<T>) -> Answer<T> {
    result.map_err(|error| name_of(error.raw_os_error().expect("a socket's error has a number")))
}

/// The name of an errno.
pub fn name_of(number: i32) -> &'static str {
    Errno::ALL
        .iter()
        .find(|errno| errno.number() == number)
        .map_or("an errno that sockets never give", |errno| errno.name())
}

impl System for Simulated {
    type Socket = Socket;

    fn socket(&self, family: Family, kind: SocketType) -> Socket {
        Socket::new(family, kind).unwrap()
    }

    fn pair(&self, kind: SocketType) -> (Socket, Socket) {
        Socket::pair(kind).unwrap()
    }

    fn path(&self, name: &str) -> Address {
        Address::Unix(UnixAddress::of(format!("/run/{name}")))
    }

    fn unlink(&self, address: &Address) -> Answer<()> {
        let Address::Unix(name) = address else { panic!("not a Unix socket's: {address}") };
        answer(unlink_unix_socket(name))
    }
}

impl Calls for Socket {
    type Other = Socket;

    fn bind(&self, address: &Address) -> Answer<()> {
        answer(Socket::bind(self, address))
    }

    fn listen(&self, backlog: u32) -> Answer<()> {
        answer(Socket::listen(self, backlog))
    }

    fn connect(&self, address: &Address) -> Answer<()> {
        answer(Socket::connect(self, address))
    }

    fn accept(&self) -> Answer<(Socket, Address)> {
        answer(Socket::accept(self))
    }

    fn send(&self, data: &[u8]) -> Answer<usize> {
        answer(Socket::send(self, data))
    }

    fn receive(&self, length: usize, peek: bool) -> Answer<Vec<u8>> {
        let mut buffer = vec![0; length];
        let count = answer(match peek {
            true => Socket::peek(self, &mut buffer),
            false => Socket::receive(self, &mut buffer),
        })?;
        buffer.truncate(count);
        Ok(buffer)
    }

    fn send_to(&self, data: &[u8], address: &Address) -> Answer<usize> {
        answer(Socket::send_to(self, data, address))
    }

    fn receive_from(&self, length: usize) -> Answer<(Vec<u8>, Address)> {
        let mut buffer = vec![0; length];
        let (count, from) = answer(Socket::receive_from(self, &mut buffer))?;
        buffer.truncate(count);
        Ok((buffer, from))
    }

    fn shutdown(&self, how: Shutdown) -> Answer<()> {
        answer(Socket::shutdown(self, how))
    }

    fn local(&self) -> Answer<Address> {
        answer(self.local_address())
    }

    fn peer(&self) -> Answer<Address> {
        answer(self.peer_address())
    }

    fn error(&self) -> Option<&'static str> {
        let error = self.take_error().unwrap()?;
        Some(name_of(error.raw_os_error()?))
    }

    fn set(&self, option: SocketOption) -> Answer<()> {
        answer(self.set_option(option))
    }

    fn join(&self, group: IpAddr) -> Answer<()> {
        answer(self.join_group(group))
    }

    fn leave(&self, group: IpAddr) -> Answer<()> {
        answer(self.leave_group(group))
    }

    fn epoll(&self) -> String {
        let now = self.readiness();
        mask([
            (now.readable, "IN"),
            (now.writable, "OUT"),
            (now.error, "ERR"),
            (now.hung_up, "HUP"),
            (now.read_closed, "RDHUP"),
        ])
    }
}
