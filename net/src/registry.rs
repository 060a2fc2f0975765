//! How a program's call finds its network: by the process of the loop that is current on the thread.
//!
//! A socket is a handle of plain ids, so the network itself sits in a thread-local. Nobody works on it for longer than one
//! call, and what programs gave it (their callbacks) is dropped after that.

use crate::addr::{Address, Family, UnixAddress};
use crate::dns::ResolveError;
use crate::network::{Caller, Network};
use counterpoint_runtime::kernel::{self, Process};
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

thread_local! {
    static NETWORKS: RefCell<Vec<(u64, Rc<RefCell<Network>>)>> = const { RefCell::new(Vec::new()) };
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// A network of this thread, for as long as this lives: whoever drives it holds one.
pub struct NetworkHandle {
    number: u64,
    network: Rc<RefCell<Network>>,
}

impl NetworkHandle {
    /// Lets the calls of this thread's processes find a network.
    pub fn new(network: Network) -> NetworkHandle {
        let number = LAST.get() + 1;
        LAST.set(number);
        let network = Rc::new(RefCell::new(network));
        NETWORKS.with_borrow_mut(|networks| networks.push((number, Rc::clone(&network))));
        NetworkHandle { number, network }
    }

    /// The network's number on its thread: what a loop's process names it by.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Lets `f` work on the network.
    pub fn with<R>(&self, f: impl FnOnce(&mut Network) -> R) -> R {
        enter(&self.network, f)
    }
}

impl Drop for NetworkHandle {
    fn drop(&mut self) {
        let removed = NETWORKS.try_with(|networks| {
            let mut networks = networks.borrow_mut();
            let index = networks.iter().position(|entry| entry.0 == self.number)?;
            Some(networks.remove(index))
        });
        drop(removed);
    }
}

#[inline]
fn enter<R>(network: &RefCell<Network>, f: impl FnOnce(&mut Network) -> R) -> R {
    let (result, trash) = {
        let mut network = network.borrow_mut();
        let result = f(&mut network);
        if !network.has_trash() {
            return result;
        }
        (result, network.take_trash())
    };
    drop(trash); // callbacks of the program: outside
    result
}

/// A network of this thread by its number; none once it is gone.
#[inline]
fn find(number: u64) -> Option<Rc<RefCell<Network>>> {
    NETWORKS
        .try_with(|networks| {
            let networks = networks.borrow();
            networks.iter().rev().find(|entry| entry.0 == number).map(|entry| Rc::clone(&entry.1))
        })
        .ok()?
}

/// A system call of the current loop's process; a loop that stands on nothing gets a loopback of its own.
///
/// # Panics
/// Outside of an event loop.
#[track_caller]
#[inline]
pub(crate) fn call<R>(what: &str, f: impl FnOnce(&mut Network, Caller) -> R) -> R {
    let Some(caller) = kernel::caller() else { no_loop_here(what) };
    let process = match caller.process {
        Some(process) => process,
        None => crate::loopback::attach_to_current(),
    };
    let caller = Caller { process: process.number, now: caller.now };
    let network = find(process.network).expect("a loop's kernel holds its network");
    enter(&network, |network| {
        network.begin_call(caller);
        f(network, caller)
    })
}

/// A system call of a process that is known; none if its network is gone.
#[inline]
pub(crate) fn call_of<R>(process: Process, caller: Caller, f: impl FnOnce(&mut Network) -> R) -> Option<R> {
    let network = find(process.network)?;
    Some(enter(&network, |network| {
        network.begin_call(caller);
        f(network)
    }))
}

/// As [`call`], for handles that are dropped or looked at anywhere: none if their loop is not the current one and its
/// network is gone.
pub(crate) fn call_quietly<R>(process: Process, f: impl FnOnce(&mut Network) -> R) -> Option<R> {
    let network = find(process.network)?;
    // A drop within a call on the same network would have to wait for ever: there is none, because what a call drops it
    // drops outside.
    let free = network.try_borrow_mut().is_ok();
    free.then(|| {
        enter(&network, |network| {
            network.settle();
            f(network)
        })
    })
}

#[cold]
#[track_caller]
fn no_loop_here(what: &str) -> ! {
    panic!(
        "{what} was used outside of a running event loop, at {}.\n\
         Use it in async code under `run` or in a simulation: the simulated network belongs to one.",
        std::panic::Location::caller()
    )
}

/// Asks for the addresses of a name, with a port put on each: how late the answer comes, and what it says. None is late if
/// the name is an address itself.
pub(crate) fn look_up(
    host: &str,
    port: u16,
    family: Option<Family>,
) -> (Duration, Result<Vec<SocketAddr>, ResolveError>) {
    call("a look-up of a name", |network, caller| {
        let Network { names, draws, .. } = network;
        let answer = names.look_up(host, family, draws, caller.now);
        let addresses = answer
            .addresses
            .map(|found| found.into_iter().map(|address| SocketAddr::new(address, port)).collect());
        (answer.delay, addresses)
    })
}

/// The name of an address, for `getnameinfo`.
pub(crate) fn name_of(address: IpAddr) -> Option<String> {
    call("a look-up of an address", |network, _| network.names.name_of(address).map(str::to_owned))
}

/// Takes the file of a Unix socket of this host away (`os.unlink`): who is connected stays so, and the name is free.
///
/// # Errors
/// `ENOENT` if there is none.
///
/// # Panics
/// Outside of an event loop.
#[track_caller]
pub fn unlink_unix_socket(name: &UnixAddress) -> std::io::Result<()> {
    let unlinked = call("a Unix socket", |network, caller| network.unlink_unix(caller.process, name));
    Ok(unlinked?)
}

/// An address as reports tell it: with the name of its host, where it has one.
pub(crate) fn told(address: &Address) -> String {
    let Address::Inet(inet) = address else { return address.to_string() };
    let process = kernel::caller().and_then(|caller| caller.process);
    let name = process.and_then(|process| {
        call_quietly(process, |network| {
            let name = network.stack_name(network.owner_of(inet.ip())?);
            (!name.is_empty()).then(|| format!("{name}:{}", inet.port()))
        })
    });
    name.flatten().unwrap_or_else(|| address.to_string())
}
