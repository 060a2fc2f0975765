//! Two connections over a link that loses, doubles and reorders, as generated choices say.
//!
//! Whatever happens, what is read is a beginning of what was written; an end of file comes behind the last byte;
//! nobody is reset who had no reason to be; and when the misfortunes are over everything arrives and the run
//! ends.

use super::link::{CLIENT, Fate, Link, SERVER, millis};
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Settings, State};
use proptest::prelude::*;
use std::net::Shutdown;
use std::rc::Rc;

#[derive(Clone, Copy, Debug)]
enum Call {
    Wait(u64),
    Write(usize),
    Read(usize),
    Shutdown,
    Close,
}

fn calls() -> impl Strategy<Value = Vec<(usize, Call)>> {
    let call = prop_oneof![
        8 => (0u64..400).prop_map(Call::Wait),
        6 => (1usize..3000).prop_map(Call::Write),
        6 => (1usize..3000).prop_map(Call::Read),
        1 => Just(Call::Shutdown),
        1 => proptest::bool::weighted(0.3).prop_map(|close| if close { Call::Close } else { Call::Shutdown }),
    ];
    proptest::collection::vec((0usize..2, call), 0..50)
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => Just(Fate::Arrives),
        2 => Just(Fate::Lost),
        1 => Just(Fate::Twice),
        2 => (1u64..300).prop_map(|late| Fate::Late(millis(late))),
    ];
    proptest::collection::vec(fate, 0..120)
}

fn settings() -> impl Strategy<Value = Settings> {
    (1u32..5000, 1u32..3000, 20u32..900, any::<bool>()).prop_map(
        |(send_buffer, receive_buffer, maximum_segment, nagle)| Settings {
            send_buffer,
            receive_buffer,
            maximum_segment,
            nagle,
            ..Settings::default()
        },
    )
}

/// Byte `index` of everything that one end writes.
fn byte(index: usize) -> u8 {
    (index % 251) as u8
}

/// A program at each end that keeps account.
struct Programs {
    link: Link,
    written: [usize; 2],
    read: [usize; 2],
    shut: [bool; 2],
    closed: [bool; 2],
    errors: [Option<Errno>; 2],
    saw_end: [bool; 2],
}

impl Programs {
    fn call(&mut self, me: usize, call: Call) -> Result<(), TestCaseError> {
        if let Call::Wait(time) = call {
            self.link.run(millis(time));
        }
        if self.closed[me] || self.link.ends[me].is_none() {
            return Ok(());
        }
        let error = match call {
            Call::Wait(_) => None,
            Call::Write(count) => {
                let data: Vec<u8> = (0..count).map(|offset| byte(self.written[me] + offset)).collect();
                let result = self.link.write(me, &data);
                self.written[me] += result.unwrap_or(0);
                result.err()
            }
            Call::Read(most) => match self.link.read(me, most) {
                Ok(data) => {
                    for value in &data {
                        prop_assert_eq!(*value, byte(self.read[me]), "byte {} at end {}", self.read[me], me);
                        self.read[me] += 1;
                    }
                    prop_assert!(self.read[me] <= self.written[1 - me]);
                    if data.is_empty() && self.errors[me].is_none() {
                        self.saw_end[me] = true;
                        prop_assert!(self.shut[1 - me], "an end that nobody asked for");
                        prop_assert_eq!(self.read[me], self.written[1 - me], "an end before the last byte");
                    }
                    None
                }
                Err(errno) => Some(errno),
            },
            Call::Shutdown => {
                self.shut[me] |= self.link.state(me) >= State::Established;
                self.link.shutdown(me, Shutdown::Write).err().filter(|errno| *errno != Errno::NotConnected)
            }
            Call::Close => {
                (self.shut[me], self.closed[me]) = (true, true);
                self.link.close(me);
                None
            }
        };
        match error {
            None | Some(Errno::WouldBlock) => {}
            Some(Errno::BrokenPipe) if self.shut[me] => {}
            Some(errno) => self.errors[me] = self.errors[me].or(Some(errno)),
        }
        Ok(())
    }

    /// The misfortunes are over: reads until nothing more comes.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        loop {
            let before = self.read;
            self.link.run_dry();
            for me in [CLIENT, SERVER] {
                for _ in 0..20 {
                    self.call(me, Call::Read(700))?;
                }
            }
            if self.read == before && self.link.next().is_none() {
                return Ok(());
            }
        }
    }

    /// Nobody closed, aborted an attempt or lost patience, and the server was not given up before it was made.
    fn is_peaceful(&self) -> bool {
        let gave_up = self.errors.contains(&Some(Errno::TimedOut))
            || self.errors.contains(&Some(Errno::ConnectionRefused));
        self.closed == [false; 2] && !gave_up && self.link.ends.iter().all(Option::is_some)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn bytes_arrive_in_order_and_once_or_the_connection_fails(
        calls in calls(),
        fates in fates(),
        ends in [settings(), settings()],
        latency in prop_oneof![Just(0u64), 1u64..100],
        lazy: bool,
    ) {
        let mut fates = fates.into_iter();
        let fate = Box::new(move |_: &super::link::Sent| fates.next().unwrap_or(Fate::Arrives));
        let mut link = Link::new(ends.map(Rc::new), millis(latency), fate);
        link.lazy = lazy;
        let mut programs = Programs {
            link,
            written: [0; 2],
            read: [0; 2],
            shut: [false; 2],
            closed: [false; 2],
            errors: [None; 2],
            saw_end: [false; 2],
        };
        let mut connecting_was_ended = false;
        for (me, call) in calls {
            let begun = programs.link.state(me) == State::SynSent;
            connecting_was_ended |= begun && matches!(call, Call::Shutdown);
            programs.call(me, call)?;
        }
        programs.link.heal();
        programs.settle()?;
        if programs.is_peaceful() && !connecting_was_ended {
            prop_assert_eq!(programs.errors, [None; 2]);
            prop_assert_eq!([programs.read[1], programs.read[0]], programs.written, "all has arrived");
            prop_assert_eq!([programs.saw_end[1], programs.saw_end[0]], programs.shut);
        }
    }
}
