//! What a look-up of a name answers, and how long it takes.

use crate::addr::Family;
use crate::errors::GetAddrInfoError;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The addresses of a host, in order, filtered by family.
pub(crate) fn lookup(
    host: &str,
    port: u16,
    family: Option<Family>,
) -> (Duration, io::Result<Vec<SocketAddr>>) {
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) if host == "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        Err(_) => Vec::new(),
    };
    let wanted = |address: &IpAddr| match family {
        Some(Family::Inet) => address.is_ipv4(),
        Some(Family::Inet6) => address.is_ipv6(),
        Some(Family::Unix) => false,
        None => true,
    };
    let addresses: Vec<_> =
        addresses.into_iter().filter(wanted).map(|ip| SocketAddr::new(ip, port)).collect();
    if addresses.is_empty() {
        return (Duration::ZERO, Err(io::Error::other(GetAddrInfoError { host: host.to_owned() })));
    }
    (Duration::ZERO, Ok(addresses))
}
