//! Names of hosts to addresses: `loop.getaddrinfo`, and asyncio's shortcut for what is an address already.
//!
//! A literal address does not suspend. Everything else is looked up: the answer takes its time on a timer of the loop,
//! which stays if whoever waits is cancelled.

use crate::addr::Family;
use crate::errors::plain_os_error;
use crate::registry;
use crate::running::{self, set_unless_cancelled};
use counterpoint_runtime::{Future, Result};
use std::future::{Future as StdFuture, IntoFuture};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

/// The coroutine of a look-up.
type Coroutine = Pin<Box<dyn StdFuture<Output = Result<Vec<SocketAddr>>> + Send>>;

/// A host to look up: none is every interface.
pub(crate) type Host = Option<String>;

/// What [`EventLoopExt::getaddrinfo`](crate::EventLoopExt::getaddrinfo) returns: await it.
#[must_use = "nothing is looked up until this is awaited"]
pub struct GetAddrInfo {
    host: String,
    port: u16,
    family: Option<Family>,
}

impl GetAddrInfo {
    pub(crate) fn of(host: String, port: u16) -> GetAddrInfo {
        GetAddrInfo { host, port, family: None }
    }

    /// Asks for addresses of this family only.
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }
}

impl IntoFuture for GetAddrInfo {
    type Output = Result<Vec<SocketAddr>>;
    type IntoFuture = Coroutine;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(getaddrinfo(Some(self.host), self.port, self.family))
    }
}

/// `_ipaddr_info`.
fn literal(host: &str, port: u16, family: Option<Family>) -> Option<SocketAddr> {
    let address = host.parse::<IpAddr>().ok()?;
    let fits = match family {
        None => true,
        Some(Family::Inet) => address.is_ipv4(),
        Some(Family::Inet6) => address.is_ipv6(),
        Some(Family::Unix) => false,
    };
    fits.then(|| SocketAddr::new(address, port))
}

/// `_ensure_resolved`.
pub(crate) async fn ensure_resolved(
    host: Host,
    port: u16,
    family: Option<Family>,
) -> Result<Vec<SocketAddr>> {
    if let Some(address) = host.as_deref().and_then(|host| literal(host, port, family)) {
        return Ok(vec![address]);
    }
    getaddrinfo(host, port, family).await
}

/// `loop.getaddrinfo`.
pub(crate) async fn getaddrinfo(host: Host, port: u16, family: Option<Family>) -> Result<Vec<SocketAddr>> {
    let (delay, answer) = match &host {
        Some(host) => registry::look_up(host, port, family),
        None => (Duration::ZERO, Ok(every_interface(port, family))),
    };
    wait(delay).await?;
    Ok(answer?)
}

/// `loop.getnameinfo`: the number of an address that has no name, and always that of the port.
pub(crate) async fn getnameinfo(address: SocketAddr) -> Result<(String, String)> {
    let name = registry::name_of(address.ip());
    wait(Duration::ZERO).await?;
    Ok((name.unwrap_or_else(|| address.ip().to_string()), address.port().to_string()))
}

async fn wait(delay: Duration) -> Result<()> {
    let answered = Future::new();
    let timer = answered.clone();
    running::event_loop()?.call_later(delay, move || set_unless_cancelled(&timer));
    answered.await
}

/// What Linux answers with AI_PASSIVE and no name.
fn every_interface(port: u16, family: Option<Family>) -> Vec<SocketAddr> {
    let four = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
    let six = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
    match family {
        Some(Family::Inet) => vec![four],
        Some(Family::Inet6) => vec![six],
        _ => vec![four, six],
    }
}

/// `OSError('getaddrinfo() returned empty list')`.
pub(crate) fn not_empty(addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>> {
    if addresses.is_empty() {
        return Err(plain_os_error("getaddrinfo() returned empty list"));
    }
    Ok(addresses)
}
