//! Names: which addresses a name has, how late the answer comes, and what goes wrong with it.
//!
//! A table and draws; no packets. A host of the world has its name, a program without hosts has `localhost`. What is asked
//! again after a change may be answered with the old addresses for as long as an answer is kept.

use crate::addr::Family;
use counterpoint_runtime::Instant;
use counterpoint_runtime::choices::{Draws, Kind, Ratio};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Why a name has no address: glibc's codes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResolveErrorKind {
    /// `EAI_NONAME`: no such name.
    NoName,
    /// `EAI_NODATA`: the name has no address of the wanted family.
    NoData,
    /// `EAI_AGAIN`: the server failed or did not answer.
    Again,
    /// `EAI_ADDRFAMILY`: an address of another family.
    AddressFamily,
    /// `EAI_SERVICE`: no such service.
    Service,
}

impl ResolveErrorKind {
    /// glibc's number.
    pub fn number(self) -> i32 {
        match self {
            ResolveErrorKind::NoName => -2,
            ResolveErrorKind::Again => -3,
            ResolveErrorKind::NoData => -5,
            ResolveErrorKind::Service => -8,
            ResolveErrorKind::AddressFamily => -9,
        }
    }
}

/// A look-up that failed (`socket.gaierror`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveError {
    /// Why.
    pub kind: ResolveErrorKind,
    /// The name that was asked for.
    pub name: String,
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ResolveErrorKind::NoName => "Name or service not known",
            ResolveErrorKind::NoData => "No address associated with hostname",
            ResolveErrorKind::Again => "Temporary failure in name resolution",
            ResolveErrorKind::AddressFamily => "Address family for hostname not supported",
            ResolveErrorKind::Service => "Servname not supported for ai_socktype",
        };
        write!(f, "failed to lookup address information of `{}`: {what}", self.name)
    }
}

impl std::error::Error for ResolveError {}

/// An answer: how late it comes, and what it says.
pub(crate) struct Answer {
    pub(crate) delay: Duration,
    pub(crate) addresses: Result<Vec<IpAddr>, ResolveError>,
}

/// What a name has.
#[derive(Clone, Debug, Default)]
struct Entry {
    addresses: Vec<IpAddr>,
    delay: Duration,
    /// The addresses before the last change, and until when they are still told.
    old: Option<(Vec<IpAddr>, Instant)>,
    asked: u64,
}

/// All names of a network.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    entries: BTreeMap<String, Entry>,
    pub(crate) failure: Ratio,
    pub(crate) slow: (Ratio, Duration),
    pub(crate) stale: Duration,
}

impl Default for Names {
    fn default() -> Names {
        let mut names = Names {
            entries: BTreeMap::new(),
            failure: Ratio::NEVER,
            slow: (Ratio::NEVER, Duration::ZERO),
            stale: Duration::ZERO,
        };
        names.add_host("localhost", &[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        names
    }
}

impl Names {
    pub(crate) fn add_host(&mut self, name: &str, addresses: &[IpAddr]) {
        let entry = Entry { addresses: addresses.to_vec(), ..Entry::default() };
        self.entries.insert(name.to_ascii_lowercase(), entry);
    }

    /// Sets the addresses of a name, from now on; none takes it away. How late answers about it come.
    pub(crate) fn set(&mut self, name: &str, addresses: Vec<IpAddr>, delay: Duration, now: Instant) {
        let entry = self.entries.entry(name.to_ascii_lowercase()).or_default();
        let old = std::mem::replace(&mut entry.addresses, addresses);
        entry.old = (!self.stale.is_zero() && !old.is_empty()).then(|| (old, now + self.stale));
        entry.delay = delay;
    }

    /// Asks for a name. A literal address is its own answer.
    pub(crate) fn look_up(
        &mut self,
        name: &str,
        family: Option<Family>,
        draws: &mut Draws,
        now: Instant,
    ) -> Answer {
        let fails = |kind| Err(ResolveError { kind, name: name.to_owned() });
        let fits = |address: &IpAddr| match family {
            Some(Family::Inet) => address.is_ipv4(),
            Some(Family::Inet6) => address.is_ipv6(),
            _ => true,
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            let addresses =
                if fits(&address) { Ok(vec![address]) } else { fails(ResolveErrorKind::AddressFamily) };
            return Answer { delay: Duration::ZERO, addresses };
        }
        let Some(entry) = self.entries.get_mut(&name.to_ascii_lowercase()) else {
            return Answer { delay: Duration::ZERO, addresses: fails(ResolveErrorKind::NoName) };
        };
        entry.asked += 1;
        let bytes: Vec<u64> = name.bytes().map(u64::from).collect();
        let key = Draws::key(&[Draws::key(&bytes), entry.asked]);
        let mut delay = entry.delay;
        if draws.strikes(Kind::Resolve, key, self.slow.0) {
            delay +=
                Duration::from_nanos(draws.below(Kind::Resolve, key ^ 1, self.slow.1.as_nanos() as u64 + 1));
        }
        if draws.strikes(Kind::Resolve, key ^ 2, self.failure) {
            return Answer { delay, addresses: fails(ResolveErrorKind::Again) };
        }
        let told = match &entry.old {
            Some((old, until)) if now < *until => old,
            _ => &entry.addresses,
        };
        let found: Vec<IpAddr> = told.iter().copied().filter(fits).collect();
        let addresses = match (found.is_empty(), told.is_empty()) {
            (false, _) => Ok(found),
            (true, true) => fails(ResolveErrorKind::NoName),
            (true, false) => fails(ResolveErrorKind::NoData),
        };
        Answer { delay, addresses }
    }

    /// The name of an address (`getnameinfo`): the first one that has it.
    pub(crate) fn name_of(&self, address: IpAddr) -> Option<&str> {
        let mut entries = self.entries.iter();
        entries.find(|(_, entry)| entry.addresses.contains(&address)).map(|(name, _)| name.as_str())
    }
}
