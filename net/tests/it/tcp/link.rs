//! Two connections and what lies between them: a latency, and a fate for each segment.
//!
//! End 0 connects; end 1 is made when a SYN arrives, if somebody listens. The link does what a network owes to a
//! connection: it tells an end when word that was meant for it is lost.

use counterpoint_net::Errno;
use counterpoint_net::tcp::{Connection, Flags, Segment, Settings, State, refuse};
use counterpoint_runtime::Instant;
use std::collections::BTreeMap;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

/// What becomes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Arrives,
    Lost,
    Twice,
    /// So much later than its turn.
    Late(Duration),
}

pub const CLIENT: usize = 0;
pub const SERVER: usize = 1;

/// A segment's way: when it was sent, by which end, and what it was.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Instant,
    pub by: usize,
    pub segment: Segment,
}

type Judge = Box<dyn FnMut(&Sent) -> Fate>;

pub struct Link {
    pub now: Instant,
    pub latency: Duration,
    pub listens: bool,
    pub ends: [Option<Connection>; 2],
    pub log: Vec<Sent>,
    /// Whether acknowledgements that nobody waits for are kept aside until the next call, as a network may.
    pub lazy: bool,
    aside: [Vec<(Instant, Segment)>; 2],
    settings: [Rc<Settings>; 2],
    fate: Judge,
    on_the_way: BTreeMap<(Instant, u64), (usize, Segment)>,
    count: u64,
}

pub fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub fn at(count: u64) -> Instant {
    Instant::ZERO + millis(count)
}

/// A link of 20 ms each way whose segments all arrive, and a client that has begun to connect.
pub fn begin(settings: Settings) -> Link {
    let shared = Rc::new(settings);
    Link::new([shared.clone(), shared], millis(20), Box::new(|_| Fate::Arrives))
}

/// As [`begin`], until both ends are established.
pub fn established(settings: Settings) -> Link {
    let mut link = begin(settings);
    link.run(millis(60));
    assert_eq!([link.state(CLIENT), link.state(SERVER)], [State::Established; 2]);
    link.log.clear();
    link
}

impl Link {
    pub fn new(settings: [Rc<Settings>; 2], latency: Duration, fate: Judge) -> Link {
        let mut link = Link {
            now: Instant::ZERO,
            latency,
            listens: true,
            ends: [None, None],
            log: Vec::new(),
            lazy: false,
            aside: [Vec::new(), Vec::new()],
            settings,
            fate,
            on_the_way: BTreeMap::new(),
            count: 0,
        };
        let mut out = Vec::new();
        let client = Connection::connect(link.settings[0].clone(), 1000, link.now, &mut out);
        link.ends[CLIENT] = Some(client);
        link.carry(CLIENT, out);
        link
    }

    /// From now on each segment's fate is decided by `fate`.
    pub fn judge(&mut self, fate: impl FnMut(&Sent) -> Fate + 'static) {
        self.fate = Box::new(fate);
    }

    /// From now on nothing arrives, not even what is on the way.
    pub fn cut(&mut self) {
        self.judge(|_| Fate::Lost);
        for (to, segment) in std::mem::take(&mut self.on_the_way).into_values() {
            self.lose(to, &segment);
        }
    }

    pub fn heal(&mut self) {
        self.judge(|_| Fate::Arrives);
    }

    fn lose(&mut self, to: usize, segment: &Segment) {
        let carries =
            !segment.payload.is_empty() || segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST);
        if let (false, Some(end)) = (carries, &mut self.ends[to]) {
            end.on_loss(self.now);
        }
    }

    fn carry(&mut self, by: usize, out: Vec<Segment>) {
        for segment in out {
            let sent = Sent { at: self.now, by, segment: segment.clone() };
            let fate = (self.fate)(&sent);
            self.log.push(sent);
            let due = self.now + self.latency;
            match fate {
                Fate::Lost => self.lose(1 - by, &segment),
                Fate::Arrives => self.post(due, 1 - by, segment),
                Fate::Twice => {
                    self.post(due, 1 - by, segment.clone());
                    self.post(due, 1 - by, segment);
                }
                Fate::Late(delay) => self.post(due + delay, 1 - by, segment),
            }
        }
    }

    fn post(&mut self, due: Instant, to: usize, segment: Segment) {
        self.count += 1;
        self.on_the_way.insert((due, self.count), (to, segment));
    }

    fn arrive(&mut self, to: usize, segment: Segment) {
        let mut out = Vec::new();
        if let Some(end) = &self.ends[to]
            && self.lazy
            && segment.is_plain_ack()
            && !end.waits_for_acks()
        {
            return self.aside[to].push((self.now, segment));
        }
        self.apply_aside(to);
        match &mut self.ends[to] {
            Some(end) => end.on_segment(self.now, segment, &mut out),
            None if to == SERVER && self.listens && segment.flags == Flags::SYN => {
                self.listens = false; // one connection: a late copy of its SYN is refused
                let settings = self.settings[SERVER].clone();
                self.ends[SERVER] = Some(Connection::accept(settings, 5000, &segment, self.now, &mut out));
            }
            None => out.extend(refuse(&segment)),
        }
        self.forget(to);
        self.carry(to, out);
    }

    /// What was kept aside counts from here on, as of its arrival; nothing comes of it.
    fn apply_aside(&mut self, to: usize) {
        let mut out = Vec::new();
        for (arrived, segment) in std::mem::take(&mut self.aside[to]) {
            self.ends[to].as_mut().expect("the end waits for nothing").on_segment(arrived, segment, &mut out);
        }
        assert!(out.is_empty(), "nobody waited for it: {out:?}");
    }

    fn forget(&mut self, end: usize) {
        if self.ends[end].as_ref().is_some_and(Connection::is_gone) {
            self.ends[end] = None;
            self.aside[end].clear();
        }
    }

    /// When the next thing happens; keep-alive alone is nothing.
    pub fn next(&self) -> Option<Instant> {
        let timers = self.ends.iter().flatten().filter(|end| !end.only_keep_alive());
        let timers = timers.filter_map(Connection::next_timer);
        timers.chain(self.on_the_way.keys().next().map(|key| key.0)).min()
    }

    fn next_of_all(&self) -> Option<Instant> {
        let timers = self.ends.iter().flatten().filter_map(Connection::next_timer);
        timers.chain(self.on_the_way.keys().next().map(|key| key.0)).min()
    }

    /// Lets all happen that is due at one instant.
    fn turn(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while let Some(entry) = self.on_the_way.first_entry()
            && entry.key().0 <= self.now
        {
            let (to, segment) = entry.remove();
            self.arrive(to, segment);
        }
        for by in [CLIENT, SERVER] {
            let mut out = Vec::new();
            let due = self.ends[by].as_ref().and_then(Connection::next_timer);
            if due.is_some_and(|due| due <= self.now) {
                self.apply_aside(by);
            }
            if let Some(end) = &mut self.ends[by] {
                end.on_timer(self.now, &mut out);
            }
            self.forget(by);
            self.carry(by, out);
        }
    }

    /// Lets so much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.next_of_all().filter(|next| *next <= end) {
            self.turn(next);
        }
        self.now = end;
    }

    /// Until nothing is left to happen; keep-alive is left alone.
    pub fn run_dry(&mut self) {
        for _ in 0..100_000 {
            let Some(next) = self.next() else { return };
            self.turn(next);
        }
        panic!("it never ends: {:#?}", self.ends);
    }

    pub fn end(&mut self, which: usize) -> &mut Connection {
        self.ends[which].as_mut().expect("the end exists")
    }

    pub fn state(&self, which: usize) -> State {
        self.ends[which].as_ref().map_or(State::Closed, Connection::state)
    }

    /// Calls an end and carries away what it sends.
    pub fn call<T>(
        &mut self,
        which: usize,
        call: impl FnOnce(&mut Connection, Instant, &mut Vec<Segment>) -> T,
    ) -> T {
        self.apply_aside(which);
        let (now, mut out) = (self.now, Vec::new());
        let result = call(self.end(which), now, &mut out);
        self.forget(which);
        self.carry(which, out);
        result
    }

    pub fn write(&mut self, which: usize, data: &[u8]) -> Result<usize, Errno> {
        self.call(which, |end, now, out| end.write(now, data, out))
    }

    pub fn read(&mut self, which: usize, most: usize) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; most];
        let count = self.call(which, |end, now, out| end.read(now, &mut buffer, out))?;
        buffer.truncate(count);
        Ok(buffer)
    }

    pub fn shutdown(&mut self, which: usize, how: Shutdown) -> Result<(), Errno> {
        self.call(which, |end, now, out| end.shutdown(now, how, out))
    }

    pub fn close(&mut self, which: usize) {
        self.call(which, |end, now, out| end.close(now, out));
    }

    pub fn abort(&mut self, which: usize) {
        self.call(which, |end, now, out| end.abort(now, out));
    }

    /// The mask as linux-facts writes it.
    pub fn mask(&self, which: usize) -> String {
        let mask = self.ends[which].as_ref().map(Connection::readiness).unwrap_or_default();
        let names = [
            (mask.readable, "IN"),
            (mask.writable, "OUT"),
            (mask.error, "ERR"),
            (mask.hung_up, "HUP"),
            (mask.read_closed, "RDHUP"),
        ];
        names.iter().filter(|name| name.0).map(|name| name.1).collect::<Vec<_>>().join("+")
    }

    /// Milliseconds at which an end sent segments that `filter` picks.
    pub fn times(&self, by: usize, filter: impl Fn(&Segment) -> bool) -> Vec<u64> {
        let picked = self.log.iter().filter(|sent| sent.by == by && filter(&sent.segment));
        picked.map(|sent| sent.at.as_nanos() / 1_000_000).collect()
    }
}
