//! What the rows ask: non-blocking sockets of some machine, and answers in the words of the table.

use counterpoint_net::{Address, Family, SocketOption, SocketType};
use std::net::{IpAddr, Shutdown, SocketAddr};

/// What a call said: a value, or the errno's name.
pub type Answer<T> = Result<T, &'static str>;

/// A machine whose sockets are asked.
pub trait System {
    /// A socket of it.
    type Socket: Calls<Other = Self::Socket>;

    fn socket(&self, family: Family, kind: SocketType) -> Self::Socket;
    fn pair(&self, kind: SocketType) -> (Self::Socket, Self::Socket);
    /// A Unix address for a short name, free when the test begins.
    fn path(&self, name: &str) -> Address;
    fn unlink(&self, address: &Address) -> Answer<()>;

    fn tcp(&self) -> Self::Socket {
        self.socket(Family::Inet, SocketType::Stream)
    }

    fn udp(&self) -> Self::Socket {
        self.socket(Family::Inet, SocketType::Datagram)
    }

    fn unix(&self) -> Self::Socket {
        self.socket(Family::Unix, SocketType::Stream)
    }

    /// A TCP socket that listens at a port of the kernel's choice.
    fn listening(&self, backlog: u32) -> (Self::Socket, SocketAddr) {
        let listener = self.tcp();
        listener.bind_to("127.0.0.1:0").unwrap();
        listener.listen(backlog).unwrap();
        let at = listener.port_of_loopback();
        (listener, at)
    }

    /// Two ends of a TCP connection: the client's, the server's.
    fn connection(&self) -> (Self::Socket, Self::Socket) {
        let (listener, at) = self.listening(5);
        let client = self.tcp();
        assert_eq!(client.connect_to(at), Err("EINPROGRESS"));
        assert_eq!(client.connect_to(at), Ok(()));
        (client, listener.accept().unwrap().0)
    }

    /// A port where nobody is.
    fn free_port(&self) -> SocketAddr {
        let socket = self.tcp();
        socket.bind_to("127.0.0.1:0").unwrap();
        socket.port_of_loopback()
    }
}

/// The calls of a socket that does not block.
pub trait Calls: Sized {
    /// Itself, for `accept`.
    type Other;

    fn bind(&self, address: &Address) -> Answer<()>;
    fn listen(&self, backlog: u32) -> Answer<()>;
    fn connect(&self, address: &Address) -> Answer<()>;
    fn accept(&self) -> Answer<(Self::Other, Address)>;
    fn send(&self, data: &[u8]) -> Answer<usize>;
    fn receive(&self, length: usize, peek: bool) -> Answer<Vec<u8>>;
    fn send_to(&self, data: &[u8], address: &Address) -> Answer<usize>;
    fn receive_from(&self, length: usize) -> Answer<(Vec<u8>, Address)>;
    fn shutdown(&self, how: Shutdown) -> Answer<()>;
    fn local(&self) -> Answer<Address>;
    fn peer(&self) -> Answer<Address>;
    /// `SO_ERROR`: its name, or none.
    fn error(&self) -> Option<&'static str>;
    fn set(&self, option: SocketOption) -> Answer<()>;
    fn join(&self, group: IpAddr) -> Answer<()>;
    fn leave(&self, group: IpAddr) -> Answer<()>;
    /// epoll's mask, as the table writes it.
    fn epoll(&self) -> String;

    fn bind_to(&self, address: &str) -> Answer<()> {
        self.bind(&Address::Inet(address.parse().expect("an address")))
    }

    fn connect_to(&self, address: SocketAddr) -> Answer<()> {
        self.connect(&Address::Inet(address))
    }

    /// A read of at most a hundred bytes.
    fn read(&self) -> Answer<Vec<u8>> {
        self.receive(100, false)
    }

    fn local_inet(&self) -> SocketAddr {
        self.local().unwrap().inet().expect("an Internet socket")
    }

    /// Its port at 127.0.0.1.
    fn port_of_loopback(&self) -> SocketAddr {
        SocketAddr::new([127, 0, 0, 1].into(), self.local_inet().port())
    }
}

/// The end of a stream.
pub const END: Answer<Vec<u8>> = Ok(Vec::new());

/// What was read.
pub fn bytes(text: &str) -> Answer<Vec<u8>> {
    Ok(text.as_bytes().to_vec())
}

/// The words of a mask.
pub fn mask(flags: [(bool, &str); 5]) -> String {
    let set: Vec<&str> = flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join("+") }
}
