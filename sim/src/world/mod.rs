//! The world of a run: hosts on a network, and the test that watches them.
//!
//! A [`Host`] is a kernel with a process, which runs an event loop of its own; processes share nothing but the network.
//! The program of the simulation itself runs in a process without a host: it makes hosts, lets things happen to them, and
//! awaits their ends. What it holds of the world belongs to it: used within a host it is refused by name.
//!
//! [`drive`] says whose turn it is and where time goes; [`host`] what can happen to a host; [`partitions`] what can happen
//! between them. The world is below the test's loop, as a kernel is: while the test waits, it moves.

mod drive;
mod host;
mod hosts;
mod links;
mod partitions;
mod processes;

pub use host::{Exited, Host};
pub use hosts::{HostBuilder, WorldError};
pub use links::LinkBuilder;
pub use partitions::{Cut, Partition};

use crate::observed::Observed;
use crate::recording::RecordedProcess;
use crate::settings::Settings;
use crate::watch::Watch;
use counterpoint_net::{Link, Network, NetworkHandle, Preset, Ratio};
use counterpoint_runtime::choices::Drawn;
use counterpoint_runtime::kernel::{Kernel, LoopOwned, Process};
use counterpoint_runtime::trace::Sink;
use counterpoint_runtime::{ErrorContext, EventLoop, Instant, ObjectKind, Result};
use drive::Turns;
use host::HostEntry;
use processes::ProcessEntry;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

/// Everything simulated in one run, as the test sees it. A clone is the same world.
///
/// # Examples
/// ```
/// use counterpoint as asyncio;
/// use counterpoint::sim::{Simulation, World};
/// use std::time::Duration;
///
/// async fn sleeper() -> asyncio::Result<()> {
///     asyncio::sleep(Duration::from_secs(3600)).await
/// }
///
/// let simulation = Simulation::with_world(|world: World| async move {
///     let host = world.host("sleeper").start(sleeper)?;
///     host.join().await
/// });
/// let run = simulation.run();
/// assert!(run.outcome.is_passed());
/// assert_eq!(run.time.to_string(), "01:00:00.000");
/// ```
#[derive(Clone)]
pub struct World {
    state: LoopOwned<State>,
}

/// What a world is made of.
pub(crate) struct State {
    network: NetworkHandle,
    /// The test's loop, and its process.
    main: EventLoop,
    settings: Settings,
    watch: Watch,
    /// Steps of processes that have ended, by their number.
    recorded: RefCell<BTreeMap<u32, RecordedProcess>>,
    /// What was observed of their loops.
    observed: RefCell<Observed>,
    sink: Option<Sink>,
    now: Cell<Instant>,
    hosts: RefCell<Vec<HostEntry>>,
    names: RefCell<BTreeMap<String, u32>>,
    /// The number of the last addresses that a host was given.
    last_address: Cell<u32>,
    processes: RefCell<Vec<ProcessEntry>>,
    turns: RefCell<Turns>,
    /// Steps and ticks of all processes but the test's.
    steps: Cell<u64>,
    ticks: Cell<u64>,
    fingerprint: Cell<u64>,
    /// How many partitions were drawn.
    partitions: Cell<u32>,
    /// The process whose tick runs, or ran when a step panicked.
    running: Cell<u32>,
    errors: Rc<RefCell<Vec<ErrorContext>>>,
    /// Itself: what `select` hands to those who keep the world.
    own: std::cell::OnceCell<std::rc::Weak<State>>,
}

/// The world below the test's loop, for whoever makes the run.
pub(crate) struct Below(Rc<State>);

/// Puts a new world below a loop.
pub(crate) fn start(
    main: &EventLoop,
    settings: &Settings,
    watch: &Watch,
    sink: Option<Sink>,
    errors: Rc<RefCell<Vec<ErrorContext>>>,
) -> Result<(Below, World)> {
    let mut network = Network::new(watch.seed(settings));
    network.set_trace(sink.clone());
    if watch.ordinary {
        network.fix_draws([]);
    }
    if let Some(replay) = &watch.replay {
        network.fix_draws(replay.draws.iter().copied());
    }
    if let Some(deviations) = &watch.deviations {
        network.fix_draws(deviations.draws.iter().copied());
    }
    network.keep_draws(watch.record || watch.seen);
    let stack = network.add_stack("", Vec::new());
    let number = network.begin_process(stack);
    let state = Rc::new(State {
        network: NetworkHandle::new(network),
        main: main.clone(),
        settings: settings.clone(),
        watch: watch.clone(),
        recorded: RefCell::default(),
        observed: RefCell::default(),
        sink,
        now: Cell::new(Instant::ZERO),
        hosts: RefCell::default(),
        names: RefCell::default(),
        last_address: Cell::new(0),
        processes: RefCell::new(vec![ProcessEntry::of_the_test()]),
        turns: RefCell::default(),
        steps: Cell::new(0),
        ticks: Cell::new(0),
        fingerprint: Cell::new(0),
        partitions: Cell::new(0),
        running: Cell::new(0),
        own: std::cell::OnceCell::new(),
        errors,
    });
    let _ = state.own.set(Rc::downgrade(&state));
    let process = Process { network: state.network.number(), number };
    main.attach(Rc::clone(&state) as Rc<dyn Kernel>, process)?;
    let owned = main.enter(|| LoopOwned::shared(ObjectKind::Process, Rc::clone(&state)));
    Ok((Below(state), World { state: owned }))
}

impl Below {
    /// Ends all that still runs on hosts, as a power cut would, and says which hosts failed without anybody looking.
    pub(crate) fn end(&self) {
        self.0.end_all();
    }

    /// A hash over what happened on all hosts and between them.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.0.fingerprint.get() ^ self.0.network.with(|network| network.fingerprint())
    }

    /// The steps of all processes on hosts, which have ended, and what the network drew.
    pub(crate) fn take_recorded(&self) -> (Vec<RecordedProcess>, Vec<Drawn>) {
        let processes = self.0.recorded.take().into_values().collect();
        (processes, self.0.network.with(Network::take_draws))
    }

    /// What was observed of the loops of all processes on hosts, which have ended.
    pub(crate) fn take_observed(&self) -> Observed {
        self.0.observed.take()
    }

    /// Steps of all processes but the test's.
    pub(crate) fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// What ran on a host when a step panicked: the lane, named with its host.
    pub(crate) fn last_lane(&self) -> Option<String> {
        let running = self.0.running.get();
        let processes = self.0.processes.borrow();
        let process = processes.get(running as usize).filter(|_| running != 0)?;
        process.event_loop.as_ref()?.last_lane()
    }
}

impl World {
    pub(crate) fn state(&self) -> Rc<State> {
        match self.state.get() {
            Some(state) => state,
            None => panic!(
                "the world of a run that is over was used: make what you keep of it before the run ends"
            ),
        }
    }

    /// Begins to describe a host. Nothing happens until it is started.
    pub fn host(&self, name: impl Into<String>) -> HostBuilder {
        HostBuilder::new(self.clone(), name.into())
    }

    /// The host of a name.
    ///
    /// # Errors
    /// [`WorldError::NoSuchHost`].
    pub fn find(&self, name: &str) -> Result<Host, WorldError> {
        let state = self.state();
        let index = state.names.borrow().get(name).copied();
        match index {
            Some(index) => Ok(Host::new(self.clone(), index)),
            None => Err(WorldError::NoSuchHost { name: name.to_owned(), known: state.host_names() }),
        }
    }

    /// All hosts, in the order in which they were started first.
    pub fn hosts(&self) -> Vec<Host> {
        let count = self.state().hosts.borrow().len() as u32;
        (0..count).map(|index| Host::new(self.clone(), index)).collect()
    }

    /// The two links between two hosts, to be set.
    pub fn link(&self, one: &Host, other: &Host) -> LinkBuilder {
        LinkBuilder::new(self.clone(), one, other)
    }

    /// Sets what kind of network it is: what links without settings of their own are like. Default: calm.
    pub fn network(&self, preset: Preset) {
        self.state().network.with(|network| network.set_preset(preset));
    }

    /// Sets all links without settings of their own.
    ///
    /// # Errors
    /// [`WorldError::Link`] if the settings contradict each other.
    pub fn links(&self, link: Link) -> Result<(), WorldError> {
        link.check().map_err(WorldError::Link)?;
        self.state().network.with(|network| network.set_default_link(link));
        Ok(())
    }

    /// Sets how long a packet takes within a host. Default: no time.
    pub fn loopback(&self, latency: Duration) {
        self.state().network.with(|network| network.set_loopback(latency));
    }

    /// Gives a name its addresses from now on; none takes it away. Answers about it come so late.
    pub fn name(&self, name: &str, addresses: Vec<IpAddr>, delay: Duration) {
        self.state().network.with(|network| network.set_name(name, addresses, delay));
    }

    /// Sets what goes wrong with look-ups of names: how many fail, how many are late and by how much at most, and for how
    /// long a name that was moved is still answered with its old addresses.
    pub fn resolver(&self, failure: Ratio, slow: (Ratio, Duration), stale: Duration) {
        self.state().network.with(|network| network.set_resolver(failure, slow, stale));
    }

    /// How many packets have arrived so far.
    pub fn packets(&self) -> u64 {
        self.state().network.with(|network| network.packets())
    }

    /// How many sockets there are on all hosts, connections included that nobody holds any more.
    pub fn sockets(&self) -> usize {
        self.state().network.with(|network| network.sockets_count())
    }

    /// How late it is in the world.
    pub fn now(&self) -> Instant {
        self.state().now.get()
    }
}

impl State {
    fn main_state(&self) -> Rc<State> {
        self.own.get().and_then(std::rc::Weak::upgrade).expect("the world is alive while it moves")
    }

    fn host_names(&self) -> Vec<String> {
        self.hosts.borrow().iter().map(|host| host.name.clone()).collect()
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.state.get_quietly().map(|state| state.host_names());
        f.debug_struct("World").field("hosts", &names.unwrap_or_default()).finish()
    }
}
