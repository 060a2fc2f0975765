//! The words for what a task waits in.

/// What a task waits in, for reports and step keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Op {
    /// Nothing.
    None,
    /// `sleep(0)`: it gave way once.
    Yield,
    /// `sleep`.
    Sleep,
    /// The end of a task, or the result of a future.
    Await,
    /// A task that awaits itself: an error one tick later.
    AwaitSelf,
    /// `acquire` of a lock or semaphore.
    Acquire,
    /// `wait` of an event, condition or barrier.
    Wait,
    /// `get` of a queue, or `read` of a shared value.
    Get,
    /// `put` of a queue, or `write` of a shared value.
    Put,
    /// `join` of a queue.
    Join,
    /// A future that is not ours, under `interruptible`.
    Foreign,
    /// A connection that is to be up.
    Connect,
    /// A connection that is to be accepted.
    Accept,
    /// Bytes or a datagram that are to arrive.
    Read,
    /// Room for bytes that are to be sent.
    Write,
    /// `drain` of a stream.
    Drain,
    /// The end of a connection or server: `wait_closed`.
    Close,
    /// The answer to a look-up of a name.
    Resolve,
    /// The end of a host or process.
    Exit,
}

impl Op {
    /// The word that reports and step keys use.
    pub fn name(self) -> &'static str {
        match self {
            Op::None => "start",
            Op::Yield => "yield",
            Op::Sleep => "sleep",
            Op::Await | Op::AwaitSelf => "await",
            Op::Acquire => "acquire",
            Op::Wait => "wait",
            Op::Get => "get",
            Op::Put => "put",
            Op::Join => "join",
            Op::Foreign => "foreign",
            Op::Connect => "connect",
            Op::Accept => "accept",
            Op::Read => "read",
            Op::Write => "write",
            Op::Drain => "drain",
            Op::Close => "wait_closed",
            Op::Resolve => "getaddrinfo",
            Op::Exit => "exit",
        }
    }
}
