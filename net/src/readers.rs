//! Callbacks of the program on sockets (`add_reader`, `add_writer`), and whose descriptor is whose.
//!
//! A socket has one reader and one writer; a new one takes the place of the old, which is cancelled. Who took a
//! descriptor for a transport has it alone until the transport closes: everything here refuses it meanwhile.

use crate::errors::{runtime_error, value_error};
use crate::socket::Socket;
use counterpoint_runtime::{CallbackOutput, EventLoop, Handle, Result};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

thread_local! {
    /// Loop and descriptor of each transport that is not closing (`_transports`).
    static CLAIMED: RefCell<BTreeSet<(u64, i64)>> = const { RefCell::new(BTreeSet::new()) };
}

/// A transport has this descriptor now.
pub(crate) fn claim(event_loop: u64, fileno: i64) {
    CLAIMED.with_borrow_mut(|claimed| claimed.insert((event_loop, fileno)));
}

/// It has it no more. Also at the end of the thread, when nothing is left to be taken out of.
pub(crate) fn unclaim(event_loop: u64, fileno: i64) {
    let _ = CLAIMED.try_with(|claimed| claimed.borrow_mut().remove(&(event_loop, fileno)));
}

/// `_ensure_fd_no_transport`.
#[track_caller]
pub(crate) fn ensure_no_transport(event_loop: &EventLoop, socket: &Socket) -> Result<()> {
    let fileno = socket.fileno();
    if CLAIMED.with_borrow(|claimed| claimed.contains(&(event_loop.number(), fileno))) {
        return Err(runtime_error(format!(
            "File descriptor {fileno} is used by transport <fd={fileno} to {}>",
            socket.peer_address().map_or_else(|_| "nobody".to_owned(), |peer| peer.to_string())
        )));
    }
    Ok(())
}

/// `_add_reader`: the one before is cancelled.
pub(crate) fn put_reader<R: CallbackOutput>(
    event_loop: &EventLoop,
    socket: &Socket,
    callback: impl FnMut() -> R + 'static,
) -> Handle {
    let handle = event_loop.call_when_ready(callback);
    if let Some(old) = socket.set_reader(Some(handle.clone())) {
        old.cancel();
    }
    handle
}

/// `_add_writer`: the one before is cancelled.
pub(crate) fn put_writer<R: CallbackOutput>(
    event_loop: &EventLoop,
    socket: &Socket,
    callback: impl FnMut() -> R + 'static,
) -> Handle {
    let handle = event_loop.call_when_ready(callback);
    if let Some(old) = socket.set_writer(Some(handle.clone())) {
        old.cancel();
    }
    handle
}

/// `_remove_reader`: it will not run, not even if it is ready. False if there was none.
pub(crate) fn drop_reader(socket: &Socket) -> bool {
    socket.set_reader(None).map(|handle| handle.cancel()).is_some()
}

/// `_remove_writer`.
pub(crate) fn drop_writer(socket: &Socket) -> bool {
    socket.set_writer(None).map(|handle| handle.cancel()).is_some()
}

/// A descriptor that the selector would refuse.
#[track_caller]
fn ensure_open(socket: &Socket) -> Result<()> {
    if socket.is_closed() { Err(value_error("Invalid file descriptor: -1")) } else { Ok(()) }
}

#[track_caller]
fn ensure_watchable(event_loop: &EventLoop, socket: &Socket) -> Result<()> {
    ensure_no_transport(event_loop, socket)?;
    if event_loop.is_closed() {
        return Err(runtime_error("Event loop is closed"));
    }
    ensure_open(socket)
}

/// Makes a callback that holds itself: a socket that is closed while its callback is ready does not take it back.
fn pinned<R: CallbackOutput>(
    mut callback: impl FnMut() -> R + 'static,
    put: impl FnOnce(Box<dyn FnMut() -> R>) -> Handle,
) {
    let own: Rc<Cell<Option<Handle>>> = Rc::default();
    let held = Rc::clone(&own);
    let handle = put(Box::new(move || {
        let _held = &held;
        callback()
    }));
    own.set(Some(handle));
}

#[track_caller]
pub(crate) fn add_reader<R: CallbackOutput>(
    event_loop: &EventLoop,
    socket: &Socket,
    callback: impl FnMut() -> R + 'static,
) -> Result<()> {
    ensure_watchable(event_loop, socket)?;
    pinned(callback, |callback| put_reader(event_loop, socket, callback));
    Ok(())
}

#[track_caller]
pub(crate) fn add_writer<R: CallbackOutput>(
    event_loop: &EventLoop,
    socket: &Socket,
    callback: impl FnMut() -> R + 'static,
) -> Result<()> {
    ensure_watchable(event_loop, socket)?;
    pinned(callback, |callback| put_writer(event_loop, socket, callback));
    Ok(())
}

#[track_caller]
pub(crate) fn remove_reader(event_loop: &EventLoop, socket: &Socket) -> Result<bool> {
    ensure_no_transport(event_loop, socket)?;
    if event_loop.is_closed() {
        return Ok(false);
    }
    ensure_open(socket)?;
    Ok(drop_reader(socket))
}

#[track_caller]
pub(crate) fn remove_writer(event_loop: &EventLoop, socket: &Socket) -> Result<bool> {
    ensure_no_transport(event_loop, socket)?;
    if event_loop.is_closed() {
        return Ok(false);
    }
    ensure_open(socket)?;
    Ok(drop_writer(socket))
}
