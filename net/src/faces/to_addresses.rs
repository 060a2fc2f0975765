//! What can be connected to: addresses, or a name that is looked up.
//!
//! As std's `ToSocketAddrs`, but the look-up is a question to the simulated network, whose answer takes its time. What std
//! accepts and refuses is accepted and refused in the same words (linux-facts 5.4).

use crate::registry::look_up;
use counterpoint_runtime::{Error, Result, sleep};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Where to connect, bind or send to: an address, several, or a name and a port.
///
/// `"host:port"` and `("host", port)` are looked up in the simulated network when they are used.
pub trait ToAddresses {
    /// What it says, before any look-up.
    ///
    /// # Errors
    /// `InvalidInput` if it is a text without a port, or with one that is no number up to 65535.
    fn to_target(&self) -> io::Result<Target>;
}

/// Addresses, or a name that has some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To be tried in this order.
    Addresses(Vec<SocketAddr>),
    /// To be looked up.
    Name {
        /// The name.
        host: String,
        /// The port, put on each of its addresses.
        port: u16,
    },
}

impl Target {
    fn one(address: impl Into<SocketAddr>) -> io::Result<Target> {
        Ok(Target::Addresses(vec![address.into()]))
    }

    fn of_host(host: &str, port: u16) -> io::Result<Target> {
        Ok(match host.parse::<IpAddr>() {
            Ok(address) => Target::Addresses(vec![SocketAddr::new(address, port)]),
            Err(_) => Target::Name { host: host.to_owned(), port },
        })
    }

    /// Its addresses. A literal one does not give way; a name does, even if its answer is there at once.
    ///
    /// # Errors
    /// `Cancelled`; a [`ResolveError`](crate::ResolveError) inside of an `io::Error`.
    pub(crate) async fn resolve(self) -> Result<Vec<SocketAddr>> {
        match self {
            Target::Addresses(addresses) => Ok(addresses),
            Target::Name { host, port } => {
                let (delay, answer) = look_up(&host, port, None);
                sleep(delay).await?;
                Ok(answer.map_err(io::Error::other)?)
            }
        }
    }
}

/// The addresses that something has.
///
/// # Cancellation
/// The question is forgotten.
///
/// # Errors
/// `Cancelled`; an [`io::Error`] that holds a [`ResolveError`](crate::ResolveError) if the name has no address, of kind
/// `InvalidInput` if the text is no address.
///
/// # Examples
/// ```
/// use counterpoint_net::lookup_host;
/// use counterpoint_runtime as asyncio;
///
/// asyncio::run(async {
///     let found = lookup_host(("localhost", 80)).await?;
///     assert_eq!(found[0], "127.0.0.1:80".parse()?);
///     assert!(lookup_host("nobody:80").await.is_err());
///     Ok(())
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
pub async fn lookup_host(to: impl ToAddresses) -> Result<Vec<SocketAddr>> {
    to.to_target()?.resolve().await
}

/// Tries each address in turn until one works; the error of the last if none does.
pub(crate) async fn first_that_works<T, F>(
    to: io::Result<Target>,
    mut attempt: impl FnMut(SocketAddr) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut last =
        Error::from(io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses"));
    for address in to?.resolve().await? {
        match attempt(address).await {
            Err(error) if !error.is_cancelled() => last = error,
            ended => return ended,
        }
    }
    Err(last)
}

macro_rules! one_address {
    ($($kind:ty),*) => {$(
        impl ToAddresses for $kind {
            fn to_target(&self) -> io::Result<Target> {
                Target::one(*self)
            }
        }
    )*};
}

one_address!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToAddresses for (&str, u16) {
    fn to_target(&self) -> io::Result<Target> {
        Target::of_host(self.0, self.1)
    }
}

impl ToAddresses for (String, u16) {
    fn to_target(&self) -> io::Result<Target> {
        Target::of_host(&self.0, self.1)
    }
}

impl ToAddresses for str {
    fn to_target(&self) -> io::Result<Target> {
        let invalid = |what: &'static str| io::Error::new(io::ErrorKind::InvalidInput, what);
        if let Ok(address) = self.parse::<SocketAddr>() {
            return Target::one(address);
        }
        let (host, port) = self.rsplit_once(':').ok_or_else(|| invalid("invalid socket address"))?;
        let port = port.parse().map_err(|_| invalid("invalid port value"))?;
        Target::of_host(host, port)
    }
}

impl ToAddresses for String {
    fn to_target(&self) -> io::Result<Target> {
        self.as_str().to_target()
    }
}

impl ToAddresses for [SocketAddr] {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Addresses(self.to_vec()))
    }
}

impl ToAddresses for Vec<SocketAddr> {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Addresses(self.clone()))
    }
}

impl<T: ToAddresses + ?Sized> ToAddresses for &T {
    fn to_target(&self) -> io::Result<Target> {
        (**self).to_target()
    }
}
