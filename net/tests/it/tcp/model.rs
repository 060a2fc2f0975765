//! Without loss a connection shows exactly what the model of a calm kernel shows: same results, same readiness,
//! at the same times.
//!
//! The model is the one that conformance programs run on: it has one segment for each send, no sequence numbers,
//! no timers, and is short enough to be believed. Both sides of each run are driven by the same generated calls.

use super::link::{CLIENT, Link, SERVER, at, millis};
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Settings, State};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::net::Shutdown;
use std::rc::Rc;

/// What is on the way in the model.
enum Event {
    Data(Vec<u8>),
    Fin,
    Ack { upto: u64, edge: u64, fin: bool },
    Reset,
}

/// One end in the model.
struct End {
    state: State,
    received: VecDeque<u8>,
    expected: u64,
    read: u64,
    told: u64,
    queue: Vec<u8>,
    next: u64,
    unacknowledged: u64,
    edge: u64,
    fin_queued: bool,
    fin_sent: bool,
    fin_acknowledged: bool,
    fin_received: bool,
    receive_shut: bool,
    send_shut: bool,
    orphan: bool,
    error: Option<Errno>,
}

struct Model {
    now: u64,
    latency: u64,
    send_buffer: u64,
    receive_buffer: u64,
    linger_zero: bool,
    ends: [End; 2],
    events: BTreeMap<(u64, u64), (usize, Event)>,
    count: u64,
}

impl Model {
    fn new(latency: u64, send_buffer: u64, receive_buffer: u64, linger_zero: bool) -> Model {
        let end = || End {
            state: State::Established,
            received: VecDeque::new(),
            expected: 0,
            read: 0,
            told: receive_buffer,
            queue: Vec::new(),
            next: 0,
            unacknowledged: 0,
            edge: receive_buffer,
            fin_queued: false,
            fin_sent: false,
            fin_acknowledged: false,
            fin_received: false,
            receive_shut: false,
            send_shut: false,
            orphan: false,
            error: None,
        };
        let ends = [end(), end()];
        let events = BTreeMap::new();
        Model { now: 3 * latency, latency, send_buffer, receive_buffer, linger_zero, ends, events, count: 0 }
    }

    fn post(&mut self, to: usize, event: Event) {
        self.count += 1;
        self.events.insert((self.now + self.latency, self.count), (to, event));
    }

    fn run(&mut self, until: u64) {
        while let Some(entry) = self.events.first_entry()
            && entry.key().0 <= until
        {
            self.now = entry.key().0;
            let (to, event) = entry.remove();
            self.arrive(to, event);
        }
        self.now = until;
    }

    fn used(&self, me: usize) -> u64 {
        let end = &self.ends[me];
        end.queue.len() as u64 + end.next - end.unacknowledged
    }

    fn readable(&self, me: usize) -> bool {
        let end = &self.ends[me];
        !end.received.is_empty() || end.receive_shut || end.error.is_some() || end.state == State::Closed
    }

    fn writable(&self, me: usize) -> bool {
        let end = &self.ends[me];
        let room = self.send_buffer - self.used(me) >= self.used(me) / 2;
        end.send_shut || end.error.is_some() || end.state == State::Closed || room
    }

    fn send(&mut self, me: usize, data: &[u8]) -> Result<usize, Errno> {
        let room = (self.send_buffer - self.used(me)) as usize;
        let end = &mut self.ends[me];
        if !matches!(end.state, State::Established | State::CloseWait) {
            return Err(end.error.take().unwrap_or(Errno::BrokenPipe));
        }
        let taken = room.min(data.len());
        if taken == 0 && !data.is_empty() {
            return Err(Errno::WouldBlock);
        }
        end.queue.extend(&data[..taken]);
        self.push(me);
        Ok(taken)
    }

    fn receive(&mut self, me: usize, most: usize) -> Result<Vec<u8>, Errno> {
        let window = self.receive_buffer;
        let end = &mut self.ends[me];
        if !end.received.is_empty() {
            let count = most.min(end.received.len());
            let data: Vec<u8> = end.received.drain(..count).collect();
            end.read += data.len() as u64;
            if 2 * (end.read + window - end.told) >= window && !end.receive_shut && end.state != State::Closed
            {
                self.acknowledge(me);
            }
            return Ok(data);
        }
        if end.fin_received {
            return Ok(Vec::new());
        }
        match end.error.take() {
            Some(errno) => Err(errno),
            None if end.receive_shut => Ok(Vec::new()),
            None => Err(Errno::WouldBlock),
        }
    }

    fn shutdown(&mut self, me: usize) -> Result<(), Errno> {
        if self.ends[me].state == State::Closed {
            return Err(Errno::NotConnected);
        }
        self.ends[me].send_shut = true;
        self.fin(me);
        Ok(())
    }

    fn close(&mut self, me: usize) {
        if self.ends[me].state == State::Closed {
            return;
        }
        if !self.ends[me].received.is_empty() || self.linger_zero {
            // Where the conformance model is silent in Closing and LastAck, Linux tells if the FIN could not
            // leave yet.
            let tells = match self.ends[me].state {
                State::Closing | State::LastAck => !self.ends[me].fin_sent,
                _ => true,
            };
            if tells {
                self.post(1 - me, Event::Reset);
            }
            self.dead(me);
        } else {
            self.ends[me].orphan = true;
            self.fin(me);
        }
    }

    fn acknowledge(&mut self, me: usize) {
        let end = &mut self.ends[me];
        end.told = end.read + self.receive_buffer;
        let event = Event::Ack { upto: end.expected, edge: end.told, fin: end.fin_received };
        self.post(1 - me, event);
    }

    fn dead(&mut self, me: usize) {
        let end = &mut self.ends[me];
        end.state = State::Closed;
        (end.receive_shut, end.send_shut) = (true, true);
        end.queue.clear();
        end.unacknowledged = end.next;
    }

    fn fin(&mut self, me: usize) {
        let end = &mut self.ends[me];
        if !end.fin_queued {
            end.fin_queued = true;
            end.state = if end.state == State::Established { State::FinWait1 } else { State::LastAck };
            self.push(me);
        }
    }

    fn push(&mut self, me: usize) {
        let end = &mut self.ends[me];
        let count = (end.queue.len() as u64).min(end.edge - end.next);
        if count > 0 {
            let data = end.queue.drain(..count as usize).collect();
            end.next += count;
            self.post(1 - me, Event::Data(data));
        }
        let end = &mut self.ends[me];
        if end.fin_queued && !end.fin_sent && end.queue.is_empty() && end.next < end.edge {
            end.fin_sent = true;
            self.post(1 - me, Event::Fin);
        }
    }

    fn arrive(&mut self, me: usize, event: Event) {
        let end = &mut self.ends[me];
        let closed = end.state == State::Closed;
        match event {
            Event::Data(_) if closed || end.orphan => {
                self.post(1 - me, Event::Reset);
                self.dead(me);
            }
            Event::Data(data) => {
                end.expected += data.len() as u64;
                end.received.extend(data);
                self.acknowledge(me);
            }
            Event::Fin if closed => self.post(1 - me, Event::Reset),
            Event::Fin => {
                (end.fin_received, end.receive_shut) = (true, true);
                end.state = match end.state {
                    State::Established => State::CloseWait,
                    State::FinWait1 if !end.fin_acknowledged => State::Closing,
                    _ => State::Closed,
                };
                self.acknowledge(me);
            }
            Event::Ack { .. } | Event::Reset if closed => {}
            Event::Ack { upto, edge, fin } => {
                end.unacknowledged = end.unacknowledged.max(upto);
                end.edge = end.edge.max(edge);
                self.push(me);
                let end = &mut self.ends[me];
                if end.fin_sent && !end.fin_acknowledged && fin && upto == end.next {
                    end.fin_acknowledged = true;
                    end.state = match end.state {
                        State::FinWait1 => State::FinWait2,
                        State::Closing | State::LastAck => State::Closed,
                        other => other,
                    };
                }
            }
            Event::Reset => {
                let piped = end.state == State::CloseWait;
                end.error = Some(if piped { Errno::BrokenPipe } else { Errno::ConnectionReset });
                self.dead(me);
            }
        }
    }
}

/// What the program does at one end.
#[derive(Clone, Copy, Debug)]
enum Call {
    Write(usize),
    Read(usize),
    Shutdown,
    Close,
    Wait(u64),
}

fn calls() -> impl Strategy<Value = Vec<(usize, Call)>> {
    let call = prop_oneof![
        6 => (0usize..60).prop_map(Call::Write),
        6 => (1usize..60).prop_map(Call::Read),
        1 => Just(Call::Shutdown),
        1 => Just(Call::Close),
        8 => (0u64..8).prop_map(|steps| Call::Wait(10 * steps)),
    ];
    proptest::collection::vec((0usize..2, call), 0..60)
}

/// Both are asked the same at the same time.
fn compare(model: &Model, link: &mut Link, open: [bool; 2]) -> Result<(), TestCaseError> {
    for me in [CLIENT, SERVER] {
        if open[me] {
            let end = link.end(me);
            prop_assert_eq!(end.is_readable(), model.readable(me), "readable {} at {}", me, model.now);
            prop_assert_eq!(end.is_writable(), model.writable(me), "writable {} at {}", me, model.now);
            prop_assert_eq!(end.available(), model.ends[me].received.len());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_calm_connection_shows_what_the_model_shows(
        calls in calls(),
        latency in prop_oneof![Just(0u64), Just(20), Just(150)],
        send_buffer in 1u64..120,
        receive_buffer in 1u64..120,
        segment in 1u32..80,
        linger_zero in proptest::bool::weighted(0.2),
        lazy: bool,
    ) {
        let settings = Rc::new(Settings {
            send_buffer: send_buffer as u32,
            receive_buffer: receive_buffer as u32,
            maximum_segment: segment,
            linger: linger_zero.then_some(millis(0)),
            ..Settings::default()
        });
        let mut link = Link::new([settings.clone(), settings], millis(latency), Box::new(|_| super::link::Fate::Arrives));
        link.lazy = lazy;
        link.run(millis(3 * latency));
        let mut model = Model::new(latency, send_buffer, receive_buffer, linger_zero);
        let (mut open, mut written) = ([true; 2], 0u8);
        for (me, call) in calls {
            if let Call::Wait(steps) = call {
                for _ in 0..steps / 10 {
                    let until = model.now + 10;
                    model.run(until);
                    link.run(millis(10));
                    prop_assert_eq!(link.now, at(until));
                    compare(&model, &mut link, open)?;
                }
                continue;
            }
            if !open[me] {
                continue;
            }
            match call {
                Call::Write(count) => {
                    let data: Vec<u8> = (0..count).map(|offset| written.wrapping_add(offset as u8)).collect();
                    let expected = model.send(me, &data);
                    prop_assert_eq!(link.write(me, &data), expected);
                    written = written.wrapping_add(expected.unwrap_or(0) as u8);
                }
                Call::Read(most) => prop_assert_eq!(link.read(me, most), model.receive(me, most)),
                Call::Shutdown => prop_assert_eq!(link.shutdown(me, Shutdown::Write), model.shutdown(me)),
                Call::Close => {
                    open[me] = false;
                    link.close(me);
                    model.close(me);
                }
                Call::Wait(_) => {}
            }
            let now = model.now;
            model.run(now);
            link.run(millis(0));
            compare(&model, &mut link, open)?;
        }
        let again = link.log.iter().filter(|sent| sent.segment.attempt > 0).count();
        prop_assert_eq!(again, 0, "nothing was lost, nothing is sent again");
    }
}
