//! The machine's own sockets as a `System`: its loopback, and a folder for Unix sockets.

use super::simulated::name_of;
use super::system::{Answer, Calls, System, mask};
use counterpoint_net::{Address, Family, SocketOption, SocketType, UnixAddress};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType as Kind,
    sockopt,
};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::path::PathBuf;

/// This machine.
pub struct Real {
    folder: PathBuf,
}

/// One of its sockets, non-blocking.
pub struct RealSocket(OwnedFd);

fn answer<T>(result: Result<T, Errno>) -> Answer<T> {
    result.map_err(|error| name_of(error.raw_os_error()))
}

impl Real {
    /// With an empty folder of the test's own.
    pub fn new(test: &str) -> Real {
        let folder = std::env::temp_dir().join(format!("counterpoint-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Real { folder }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn family_of(family: Family) -> AddressFamily {
    match family {
        Family::Inet => AddressFamily::INET,
        Family::Inet6 => AddressFamily::INET6,
        Family::Unix => AddressFamily::UNIX,
    }
}

fn kind_of(kind: SocketType) -> Kind {
    match kind {
        SocketType::Stream => Kind::STREAM,
        SocketType::Datagram => Kind::DGRAM,
    }
}

fn to_any(address: &Address) -> Result<SocketAddrAny, Errno> {
    Ok(match address {
        Address::Inet(address) => (*address).into(),
        Address::Unix(UnixAddress::Path(path)) => SocketAddrUnix::new(path.as_path())?.into(),
        Address::Unix(UnixAddress::Abstract(name)) => SocketAddrUnix::new_abstract_name(name)?.into(),
        Address::Unix(UnixAddress::Unnamed) => SocketAddrUnix::new_unnamed().into(),
    })
}

fn from_any(address: SocketAddrAny) -> Address {
    if let Ok(inet) = SocketAddr::try_from(address.clone()) {
        return Address::Inet(inet);
    }
    let unix = SocketAddrUnix::try_from(address).expect("an address of one of three families");
    Address::Unix(match (unix.path_bytes(), unix.abstract_name()) {
        (_, Some(name)) if !name.is_empty() => UnixAddress::Abstract(name.to_vec()),
        (Some(path), _) => UnixAddress::of(std::str::from_utf8(path).expect("a path of this test")),
        (None, _) => UnixAddress::Unnamed,
    })
}

impl System for Real {
    type Socket = RealSocket;

    fn socket(&self, family: Family, kind: SocketType) -> RealSocket {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        RealSocket(rustix::net::socket_with(family_of(family), kind_of(kind), flags, None).unwrap())
    }

    fn pair(&self, kind: SocketType) -> (RealSocket, RealSocket) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (one, other) = rustix::net::socketpair(AddressFamily::UNIX, kind_of(kind), flags, None).unwrap();
        (RealSocket(one), RealSocket(other))
    }

    fn path(&self, name: &str) -> Address {
        Address::Unix(UnixAddress::of(self.folder.join(name)))
    }

    fn unlink(&self, address: &Address) -> Answer<()> {
        let Address::Unix(UnixAddress::Path(path)) = address else { panic!("not a path: {address}") };
        std::fs::remove_file(path).map_err(|error| name_of(error.raw_os_error().unwrap_or(0)))
    }
}

impl Calls for RealSocket {
    type Other = RealSocket;

    fn bind(&self, address: &Address) -> Answer<()> {
        answer(to_any(address).and_then(|address| rustix::net::bind(&self.0, &address)))
    }

    fn listen(&self, backlog: u32) -> Answer<()> {
        answer(rustix::net::listen(&self.0, backlog as i32))
    }

    fn connect(&self, address: &Address) -> Answer<()> {
        answer(to_any(address).and_then(|address| rustix::net::connect(&self.0, &address)))
    }

    fn accept(&self) -> Answer<(RealSocket, Address)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (accepted, from) = answer(rustix::net::acceptfrom_with(&self.0, flags))?;
        let from = from.map_or(Address::Unix(UnixAddress::Unnamed), from_any);
        Ok((RealSocket(accepted), from))
    }

    fn send(&self, data: &[u8]) -> Answer<usize> {
        answer(rustix::net::send(&self.0, data, SendFlags::NOSIGNAL))
    }

    fn receive(&self, length: usize, peek: bool) -> Answer<Vec<u8>> {
        let flags = if peek { RecvFlags::PEEK } else { RecvFlags::empty() };
        let mut buffer = vec![0; length];
        let (count, _) = answer(rustix::net::recv(&self.0, buffer.as_mut_slice(), flags))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    fn send_to(&self, data: &[u8], address: &Address) -> Answer<usize> {
        let sent =
            to_any(address).and_then(|to| rustix::net::sendto(&self.0, data, SendFlags::NOSIGNAL, &to));
        answer(sent)
    }

    fn receive_from(&self, length: usize) -> Answer<(Vec<u8>, Address)> {
        let mut buffer = vec![0; length];
        let received = rustix::net::recvfrom(&self.0, buffer.as_mut_slice(), RecvFlags::empty());
        let (count, _, from) = answer(received)?;
        buffer.truncate(count);
        Ok((buffer, from.map_or(Address::Unix(UnixAddress::Unnamed), from_any)))
    }

    fn shutdown(&self, how: Shutdown) -> Answer<()> {
        let how = match how {
            Shutdown::Read => rustix::net::Shutdown::Read,
            Shutdown::Write => rustix::net::Shutdown::Write,
            Shutdown::Both => rustix::net::Shutdown::Both,
        };
        answer(rustix::net::shutdown(&self.0, how))
    }

    fn local(&self) -> Answer<Address> {
        answer(rustix::net::getsockname(&self.0)).map(from_any)
    }

    fn peer(&self) -> Answer<Address> {
        let peer = answer(rustix::net::getpeername(&self.0))?;
        Ok(peer.map_or(Address::Unix(UnixAddress::Unnamed), from_any))
    }

    fn error(&self) -> Option<&'static str> {
        sockopt::socket_error(&self.0).unwrap().err().map(|error| name_of(error.raw_os_error()))
    }

    fn set(&self, option: SocketOption) -> Answer<()> {
        answer(match option {
            SocketOption::ReuseAddress(on) => sockopt::set_socket_reuseaddr(&self.0, on),
            SocketOption::ReusePort(on) => sockopt::set_socket_reuseport(&self.0, on),
            SocketOption::Broadcast(on) => sockopt::set_socket_broadcast(&self.0, on),
            SocketOption::Linger(linger) => sockopt::set_socket_linger(&self.0, linger),
            SocketOption::OnlyV6(on) => sockopt::set_ipv6_v6only(&self.0, on),
            SocketOption::NoDelay(on) => sockopt::set_tcp_nodelay(&self.0, on),
            other => panic!("no row sets {other:?}"),
        })
    }

    fn join(&self, group: IpAddr) -> Answer<()> {
        let IpAddr::V4(group) = group else { panic!("the rows have groups of IPv4") };
        answer(sockopt::set_ip_add_membership(&self.0, &group, &Ipv4Addr::LOCALHOST))
    }

    fn leave(&self, group: IpAddr) -> Answer<()> {
        let IpAddr::V4(group) = group else { panic!("the rows have groups of IPv4") };
        answer(sockopt::set_ip_drop_membership(&self.0, &group, &Ipv4Addr::LOCALHOST))
    }

    fn epoll(&self) -> String {
        let asked = PollFlags::IN | PollFlags::OUT | PollFlags::RDHUP;
        let mut polled = [PollFd::new(&self.0, asked)];
        poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap();
        let now = polled[0].revents();
        let has = |flag| now.contains(flag);
        mask([
            (has(PollFlags::IN), "IN"),
            (has(PollFlags::OUT), "OUT"),
            (has(PollFlags::ERR), "ERR"),
            (has(PollFlags::HUP), "HUP"),
            (has(PollFlags::RDHUP), "RDHUP"),
        ])
    }
}
