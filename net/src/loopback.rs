//! The kernel of a program without hosts: one machine, `localhost`, and the loop's process on it.
//!
//! A loop that uses a socket and stands on nothing gets one with Linux's behaviour: what is sent over the loopback has
//! arrived when the next call is made. With other settings it is made by [`Loopback::new`] and attached before.

use crate::network::{Network, StackSettings};
use crate::registry::NetworkHandle;
use crate::tcp::Settings;
use counterpoint_runtime::kernel::{self, Kernel, Patience, Process, Selected};
use counterpoint_runtime::trace::Sink;
use counterpoint_runtime::{EventLoop, Instant, Readiness, Result, get_running_loop};
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// One machine for loops without a world.
///
/// # Examples
/// ```
/// use counterpoint_net::Loopback;
/// use counterpoint_runtime::EventLoop;
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new();
/// Loopback::new().latency(Duration::from_millis(1)).attach(&event_loop)?;
/// # Ok::<(), counterpoint_runtime::Error>(())
/// ```
pub struct Loopback {
    seed: u64,
    latency: Duration,
    tcp: Settings,
    stack: StackSettings,
    names: Vec<(String, Duration, Vec<IpAddr>)>,
    trace: Option<Sink>,
}

impl Loopback {
    /// Linux's loopback: no latency, nothing lost, TCP windows of 64 KiB.
    #[expect(clippy::new_without_default, reason = "the beginning of a description, not a value of its own")]
    pub fn new() -> Loopback {
        Loopback {
            seed: 0,
            latency: Duration::ZERO,
            tcp: Settings { maximum_segment: 65_484, ..Settings::default() },
            stack: StackSettings::new(),
            names: Vec::new(),
            trace: None,
        }
    }

    /// Sets the seed of the draws of its kernel. Default: 0.
    pub fn seed(self, seed: u64) -> Loopback {
        Loopback { seed, ..self }
    }

    /// Sets how long a packet takes.
    pub fn latency(self, latency: Duration) -> Loopback {
        Loopback { latency, ..self }
    }

    /// Sets how many bytes a stream socket takes from its program before they are acknowledged.
    pub fn send_buffer(self, bytes: u32) -> Loopback {
        Loopback { tcp: Settings { send_buffer: bytes, ..self.tcp }, ..self }
    }

    /// Sets how many bytes wait in a TCP socket: the window.
    pub fn receive_buffer(self, bytes: u32) -> Loopback {
        Loopback { tcp: Settings { receive_buffer: bytes, ..self.tcp }, ..self }
    }

    /// Sets how many datagrams wait in a UDP socket.
    pub fn datagram_queue(self, datagrams: usize) -> Loopback {
        Loopback { stack: self.stack.datagram_queue(datagrams), ..self }
    }

    /// Lets ephemeral ports be counted up from here.
    pub fn first_ephemeral_port(self, port: u16) -> Loopback {
        Loopback { stack: self.stack.count_ports_from(port), ..self }
    }

    /// Gives a name to addresses; the answer about it comes so late.
    pub fn host(mut self, name: impl Into<String>, delay: Duration, addresses: Vec<IpAddr>) -> Loopback {
        self.names.push((name.into(), delay, addresses));
        self
    }

    /// Lets packets be events of a trace.
    pub fn trace_into(self, sink: Sink) -> Loopback {
        Loopback { trace: Some(sink), ..self }
    }

    /// Puts it below a loop, as its process.
    ///
    /// # Errors
    /// `Runtime` if the loop stands on a kernel already, or is closed.
    pub fn attach(self, event_loop: &EventLoop) -> Result<()> {
        self.make().add(event_loop).map(|_| ())
    }

    fn make(self) -> Rc<Machine> {
        let mut network = Network::new(self.seed);
        network.set_loopback(self.latency);
        network.set_trace(self.trace);
        let stack = network.add_stack("", Vec::new());
        network.configure_stack(stack, self.stack.tcp(self.tcp));
        for (name, delay, addresses) in self.names {
            network.set_name(&name, addresses, delay);
        }
        Rc::new(Machine { network: NetworkHandle::new(network), stack })
    }
}

/// The machine of a program without hosts.
struct Machine {
    network: NetworkHandle,
    stack: u32,
}

impl Machine {
    fn add(self: &Rc<Machine>, event_loop: &EventLoop) -> Result<Process> {
        let number = self.network.with(|network| network.begin_process(self.stack));
        let process = Process { network: self.network.number(), number };
        event_loop.attach(Rc::clone(self) as Rc<dyn Kernel>, process)?;
        Ok(process)
    }
}

impl Kernel for Machine {
    fn select(
        &self,
        process: Process,
        now: Instant,
        patience: Patience,
        ready: &mut Readiness,
    ) -> Result<Selected> {
        Ok(self.network.with(|network| select(network, process.number, now, patience, ready)))
    }
}

/// asyncio's `select` over one network.
fn select(
    network: &mut Network,
    process: u32,
    now: Instant,
    patience: Patience,
    ready: &mut Readiness,
) -> Selected {
    network.advance(now);
    network.poll(process, ready);
    if !ready.is_empty() || patience == Patience::None {
        return Selected::At(now);
    }
    let limit = match patience {
        Patience::Until(deadline) => Some(deadline.max(now)),
        _ => None,
    };
    while let Some(at) = network.next_at() {
        if limit.is_some_and(|limit| at > limit) || (limit.is_none() && network.is_idle()) {
            break;
        }
        network.advance(at);
        network.poll(process, ready);
        if !ready.is_empty() || network.is_another_stirred(process) {
            return Selected::At(at.max(now));
        }
    }
    let Some(limit) = limit else {
        network.turn_back(now);
        return Selected::Never;
    };
    // What the loop does at that time happens then, also what does not ask for the time: a socket that is dropped.
    network.advance(limit);
    Selected::At(limit)
}

thread_local! {
    /// The machine that was made last: that of the other loops too, if they are threads of one program.
    static SHARED: RefCell<Weak<Machine>> = const { RefCell::new(Weak::new()) };
}

/// The current loop uses a socket and stands on nothing.
#[cold]
pub(crate) fn attach_to_current() -> Process {
    let event_loop = get_running_loop().expect("whoever calls has looked for the current loop");
    let shared = SHARED.with_borrow(Weak::upgrade).filter(|_| kernel::has_threads());
    let machine = shared.unwrap_or_else(|| Loopback::new().seed(kernel::seed()).make());
    SHARED.set(Rc::downgrade(&machine));
    machine.add(&event_loop).expect("a loop that runs and stands on nothing")
}
