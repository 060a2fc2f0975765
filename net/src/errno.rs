//! What a call on a socket says when it cannot: Linux's errors under their meaning.
//!
//! The numbers are Linux's on x86-64, so that `std::io::Error::kind` gives the kind that a real socket gives.

use std::fmt;

macro_rules! errnos {
    ($($(#[$doc:meta])* $name:ident = $number:literal $c:literal,)*) => {
        /// An error of a socket, as Linux numbers them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Errno {
            $($(#[$doc])* $name,)*
        }

        impl Errno {
            /// All of them.
            pub const ALL: &'static [Errno] = &[$(Errno::$name,)*];

            /// Linux's number.
            pub const fn number(self) -> i32 {
                match self { $(Errno::$name => $number,)* }
            }

            /// The error with Linux's number, if a socket can say it.
            pub const fn from_number(number: i32) -> Option<Errno> {
                match number { $($number => Some(Errno::$name),)* _ => None }
            }

            /// The name in C: `"ECONNRESET"`.
            pub const fn name(self) -> &'static str {
                match self { $(Errno::$name => $c,)* }
            }
        }
    };
}

errnos! {
    /// No such file: a Unix socket's name.
    NotFound = 2 "ENOENT",
    /// The descriptor is closed.
    BadDescriptor = 9 "EBADF",
    /// The call would have to wait.
    WouldBlock = 11 "EAGAIN",
    /// The receiver is connected to somebody else.
    NotPermitted = 1 "EPERM",
    /// Not allowed: a broadcast without the option for it.
    AccessDenied = 13 "EACCES",
    /// An argument, or the socket's state, makes no sense for the call.
    Invalid = 22 "EINVAL",
    /// The other end, or this end's shutdown, no longer lets bytes through.
    BrokenPipe = 32 "EPIPE",
    /// A datagram without a destination on an unconnected socket.
    DestinationRequired = 89 "EDESTADDRREQ",
    /// A datagram larger than the network or the socket takes.
    MessageSize = 90 "EMSGSIZE",
    /// A socket of another type listens there.
    WrongType = 91 "EPROTOTYPE",
    /// The other host does not speak this protocol.
    NoProtocol = 92 "ENOPROTOOPT",
    /// The socket is not of the kind for this.
    NotSupported = 95 "EOPNOTSUPP",
    /// The address belongs to another family than the socket.
    AddressFamily = 97 "EAFNOSUPPORT",
    /// Another socket holds the address.
    AddressInUse = 98 "EADDRINUSE",
    /// The address is not one of this host's, or no port is left.
    AddressNotAvailable = 99 "EADDRNOTAVAIL",
    /// The host is down: its power was cut.
    NetworkDown = 100 "ENETDOWN",
    /// No route leads to the network.
    NetworkUnreachable = 101 "ENETUNREACH",
    /// An attempt to connect was given up.
    ConnectionAborted = 103 "ECONNABORTED",
    /// The other end reset the connection.
    ConnectionReset = 104 "ECONNRESET",
    /// The socket is connected already.
    IsConnected = 106 "EISCONN",
    /// The socket is not connected.
    NotConnected = 107 "ENOTCONN",
    /// The other end did not answer for too long.
    TimedOut = 110 "ETIMEDOUT",
    /// Nobody listens there.
    ConnectionRefused = 111 "ECONNREFUSED",
    /// No way leads to the host.
    HostUnreachable = 113 "EHOSTUNREACH",
    /// An earlier attempt to connect goes on.
    Already = 114 "EALREADY",
    /// The attempt to connect has begun and goes on.
    InProgress = 115 "EINPROGRESS",
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Errno {}

impl From<Errno> for std::io::Error {
    fn from(errno: Errno) -> std::io::Error {
        std::io::Error::from_raw_os_error(errno.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn an_errno_has_the_kind_that_a_real_socket_gives() {
        for (errno, kind) in [
            (Errno::ConnectionReset, ErrorKind::ConnectionReset),
            (Errno::BrokenPipe, ErrorKind::BrokenPipe),
            (Errno::TimedOut, ErrorKind::TimedOut),
            (Errno::WouldBlock, ErrorKind::WouldBlock),
            (Errno::HostUnreachable, ErrorKind::HostUnreachable),
        ] {
            assert_eq!(Error::from(errno).kind(), kind, "{errno}");
        }
    }
}
