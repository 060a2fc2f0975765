//! A call that is made again and again until it does not have to wait: what every future of the faces is.
//!
//! A task that waits stands in one of the socket's two lines; readiness wakes the whole line, and each task looks again.
//! So whoever is dropped on its way has lost nothing: what it did not take, the others that were woken with it find. A
//! call that can be made at once does not give way, as in asyncio.

use crate::socket::Socket;
use counterpoint_runtime::kernel::{self, KernelWait, Line};
use counterpoint_runtime::{Error, Op, Result};
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a task waits for.
#[derive(Clone, Copy)]
pub(crate) struct Want {
    line: Line,
    op: Op,
    /// Under `every-await` it gives way before a call that would not wait.
    gives_way: bool,
}

impl Want {
    /// Bytes or a datagram.
    pub(crate) const READ: Want = Want { line: Line::Read, op: Op::Read, gives_way: true };
    /// Room for bytes or a datagram.
    pub(crate) const WRITE: Want = Want { line: Line::Write, op: Op::Write, gives_way: true };
    /// A connection that somebody else makes.
    pub(crate) const ACCEPT: Want = Want { line: Line::Read, op: Op::Accept, gives_way: true };
    /// A connection that was begun.
    pub(crate) const CONNECT: Want = Want { line: Line::Write, op: Op::Connect, gives_way: false };
}

/// Makes a call, or waits until it can be made.
///
/// A cancel request comes as an `io::Error`, out of which `Error::from` takes it again.
pub(crate) fn poll_call<R>(
    socket: &Socket,
    wait: &mut KernelWait,
    cx: &mut Context<'_>,
    want: Want,
    mut call: impl FnMut(&Socket) -> io::Result<R>,
) -> Poll<io::Result<R>> {
    if kernel::is_every_await()
        && want.gives_way
        && !wait.begun()
        && socket.is_ready(want.line)
        && wait.gives_way(cx, want.op)
    {
        return Poll::Pending;
    }
    if wait.is_giving_way() {
        ready!(wait.end_giving_way(cx)).map_err(io::Error::from)?;
    }
    loop {
        if !wait.begun() {
            match call(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                made => return Poll::Ready(made),
            }
        }
        ready!(socket.poll_ready(wait, cx, want.line, want.op)).map_err(io::Error::from)?;
    }
}

/// A call that is made as soon as it does not have to wait.
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Call<'a, F> {
    socket: &'a Socket,
    call: F,
    wait: KernelWait,
    want: Want,
    place: &'static Location<'static>,
}

/// Makes the future of a call. The place is where the program asked for it.
#[track_caller]
pub(crate) fn call<F, R>(socket: &Socket, want: Want, call: F) -> Call<'_, F>
where
    F: FnMut(&Socket) -> io::Result<R> + Unpin,
{
    let place = Location::caller();
    Call { socket, call, wait: KernelWait::new(place), want, place }
}

impl<F, R> Future for Call<'_, F>
where
    F: FnMut(&Socket) -> io::Result<R> + Unpin,
{
    type Output = Result<R>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<R>> {
        let Call { socket, call, wait, want, place } = self.get_mut();
        poll_call(socket, wait, cx, *want, call).map_err(|error| Error::from(error).at(place))
    }
}

impl<F> Drop for Call<'_, F> {
    #[inline]
    fn drop(&mut self) {
        self.socket.give_up(&mut self.wait);
    }
}

/// Waits until a socket is ready, without a call.
#[track_caller]
pub(crate) fn ready(socket: &Socket, want: Want) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
    let mut looked = false;
    // It suspends in any case.
    let want = Want { gives_way: false, ..want };
    call(socket, want, move |_| {
        if std::mem::replace(&mut looked, true) { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    })
}

/// A wait of a trait's `poll` function, which lives in its stream from one poll to the next.
pub(crate) struct StreamWait {
    wait: KernelWait,
    want: Want,
    place: &'static Location<'static>,
}

impl StreamWait {
    #[track_caller]
    pub(crate) fn new(want: Want) -> StreamWait {
        let place = Location::caller();
        StreamWait { wait: KernelWait::apart(place), want, place }
    }

    /// One that has not begun, for a clone.
    pub(crate) fn anew(&self) -> StreamWait {
        StreamWait { wait: KernelWait::apart(self.place), want: self.want, place: self.place }
    }

    pub(crate) fn poll<R>(
        &mut self,
        socket: &Socket,
        cx: &mut Context<'_>,
        call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        poll_call(socket, &mut self.wait, cx, self.want, call)
    }

    /// To be called before the socket goes.
    pub(crate) fn give_up(&mut self, socket: &Socket) {
        socket.give_up(&mut self.wait);
    }
}
