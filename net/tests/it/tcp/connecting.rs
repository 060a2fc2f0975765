//! Connecting, refused, unanswered, unreachable: rows of linux-facts sections 1.1 to 1.5.

use super::link::{CLIENT, Fate, Link, SERVER, at, begin, established, millis};
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Connection, Flags, Segment, Settings, State};
use counterpoint_runtime::Instant;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

fn is_syn(segment: &Segment) -> bool {
    segment.flags.contains(Flags::SYN)
}

/// A client whose peer's host has no listener, 20 ms away.
fn refused() -> Link {
    let mut link = begin(Settings::default());
    link.listens = false;
    link.run(millis(40));
    link
}

#[test]
fn the_client_is_connected_after_one_round_trip_and_the_server_half_later() {
    let mut link = begin(Settings::default());
    link.run(millis(39));
    assert_eq!((link.state(CLIENT), link.mask(CLIENT).as_str()), (State::SynSent, "")); // 1.2.8
    link.run(millis(1));
    assert_eq!((link.state(CLIENT), link.mask(CLIENT).as_str()), (State::Established, "OUT")); // 2.8.3
    assert_eq!(link.state(SERVER), State::SynReceived);
    link.run(millis(20));
    assert_eq!(link.state(SERVER), State::Established);
    assert_eq!(link.next(), None, "an idle connection asks for nothing");
}

#[test]
fn while_connecting_calls_would_wait() {
    let mut link = begin(Settings::default());
    assert_eq!(link.read(CLIENT, 10), Err(Errno::WouldBlock)); // 1.2.6
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::WouldBlock));
}

#[test]
fn a_refusal_is_told_once_to_whoever_looks_first() {
    let mut link = refused(); // 1.1.2: after one round trip
    assert_eq!(link.mask(CLIENT), "IN+OUT+ERR+HUP+RDHUP"); // 1.1.9
    assert_eq!(link.end(CLIENT).take_error(), Some(Errno::ConnectionRefused)); // 1.1.10
    assert_eq!(link.end(CLIENT).take_error(), None);
    assert_eq!(link.mask(CLIENT), "IN+OUT+HUP+RDHUP");
    assert_eq!(link.read(CLIENT, 1), Ok(vec![])); // 1.1.11
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::BrokenPipe));

    let mut link = refused(); // 1.1.12
    assert_eq!(link.read(CLIENT, 1), Err(Errno::ConnectionRefused));
    assert_eq!(link.read(CLIENT, 1), Ok(vec![]));

    let mut link = refused(); // 1.1.13
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::ConnectionRefused));
    assert_eq!(link.end(CLIENT).take_error(), None);
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::BrokenPipe));
}

#[test]
fn shutdown_while_connecting_ends_the_attempt() {
    let mut link = begin(Settings::default());
    assert_eq!(link.shutdown(CLIENT, Shutdown::Write), Ok(())); // 1.2.9
    assert_eq!(link.mask(CLIENT), "OUT+ERR+HUP");
    assert_eq!(link.end(CLIENT).take_error(), Some(Errno::ConnectionReset));
    assert_eq!(link.mask(CLIENT), "OUT+HUP"); // 1.2.10
    assert_eq!(link.read(CLIENT, 1), Err(Errno::NotConnected)); // 1.2.11
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::BrokenPipe));
    assert_eq!(link.shutdown(CLIENT, Shutdown::Write), Err(Errno::NotConnected));
}

#[test]
fn a_client_closed_before_the_answer_leaves_nothing_behind() {
    let mut link = begin(Settings::default());
    link.close(CLIENT);
    assert!(link.ends[CLIENT].is_none());
    link.run_dry();
    assert!(link.ends[SERVER].is_none(), "the reset ended the half-open connection");
    assert_eq!(link.now, at(60));
}

#[test]
fn a_socket_that_connects_to_itself_reads_what_it_writes() {
    let (now, mut out) = (Instant::ZERO, Vec::new()); // 1.2.16
    let mut both = Connection::connect(Rc::new(Settings::default()), 7, now, &mut out);
    let settle = |both: &mut Connection, out: &mut Vec<Segment>| {
        while !out.is_empty() {
            let segment = out.remove(0);
            both.on_segment(now, segment, out);
        }
    };
    settle(&mut both, &mut out);
    assert_eq!(both.state(), State::Established);
    assert_eq!(both.write(now, b"echo", &mut out), Ok(4));
    settle(&mut both, &mut out);
    let mut buffer = [0; 10];
    assert_eq!(both.read(now, &mut buffer, &mut out), Ok(4));
    both.close(now, &mut out);
    settle(&mut both, &mut out);
    assert_eq!(both.state(), State::TimeWait);
}

#[test]
fn two_ends_that_connect_to_each_other_meet() {
    let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
    let settings = Rc::new(Settings::default());
    let mut a = Connection::connect(settings.clone(), 7, Instant::ZERO, &mut to_b);
    let mut b = Connection::connect(settings, 900, Instant::ZERO, &mut to_a);
    assert_eq!(a.write(at(0), b"x", &mut to_b), Err(Errno::WouldBlock));
    while !to_a.is_empty() || !to_b.is_empty() {
        for segment in std::mem::take(&mut to_a) {
            a.on_segment(at(1), segment, &mut to_b);
        }
        for segment in std::mem::take(&mut to_b) {
            b.on_segment(at(1), segment, &mut to_a);
        }
    }
    assert_eq!([a.state(), b.state()], [State::Established; 2]);
    assert_eq!([a.next_timer(), b.next_timer()], [None, None]);
    assert_eq!(a.write(at(2), b"hello", &mut to_b), Ok(5));
    b.on_segment(at(2), to_b.remove(0), &mut to_a);
    assert_eq!(b.available(), 5);
}

#[test]
fn unanswered_syns_go_out_linearly_and_then_doubling_until_131_s() {
    let mut link = begin(Settings::default());
    link.cut();
    link.run_dry();
    let seconds = [0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]; // 1.4.1
    assert_eq!(link.times(CLIENT, is_syn), seconds.map(|second| 1000 * second));
    assert_eq!(link.now, at(131_000)); // 1.4.2: the first timer at or after 127 s
    assert_eq!(link.mask(CLIENT), "IN+OUT+ERR+HUP+RDHUP"); // 1.4.7
    assert_eq!(link.end(CLIENT).take_error(), Some(Errno::TimedOut));
    let attempts: Vec<u32> = link.log.iter().map(|sent| sent.segment.attempt).collect();
    assert_eq!(attempts, (0..11).collect::<Vec<_>>());
}

#[test]
fn fewer_retries_or_a_user_timeout_end_the_attempt_earlier() {
    let user_timeout = |limit| Settings { user_timeout: Some(millis(limit)), ..Settings::default() };
    let retries = |syn_retries| Settings { syn_retries, ..Settings::default() };
    for (settings, end) in [(retries(1), 3_000), (retries(2), 7_000), (user_timeout(2_500), 2_500)] {
        let mut link = begin(settings); // 1.4.4, 1.4.5
        link.cut();
        link.run_dry();
        assert_eq!((link.now, link.end(CLIENT).take_error()), (at(end), Some(Errno::TimedOut)));
    }
}

#[test]
fn a_lost_syn_or_syn_ack_costs_a_second() {
    for loser in [CLIENT, SERVER] {
        let mut link = begin(Settings::default()); // 1.5.1, 1.5.2
        let mut lost = false;
        link.judge(move |sent| {
            let fate = if sent.by == loser && !lost { Fate::Lost } else { Fate::Arrives };
            lost |= sent.by == loser;
            fate
        });
        if loser == CLIENT {
            link = begin(Settings::default());
            link.cut();
            link.heal();
        }
        while link.state(CLIENT) != State::Established {
            link.run(millis(20));
        }
        assert_eq!(link.now, at(1_040));
    }
}

#[test]
fn a_server_whose_syn_acks_are_lost_vanishes_without_a_word() {
    let mut link = begin(Settings::default());
    link.judge(|sent| if sent.by == SERVER { Fate::Lost } else { Fate::Arrives });
    link.run(millis(60));
    link.close(CLIENT); // or each of its SYNs would be answered too
    link.run_dry();
    let again = [0, 1, 3, 7, 15, 31].map(|second| 20 + 1000 * second); // 1.5.4
    assert_eq!(link.times(SERVER, is_syn), again);
    assert_eq!(link.now, at(63_020));
    assert!(link.ends[SERVER].is_none());
}

#[test]
fn a_server_answers_each_syn() {
    let mut link = begin(Settings::default());
    link.judge(|sent| if sent.by == SERVER { Fate::Lost } else { Fate::Arrives });
    link.run(millis(2_500));
    assert_eq!(link.times(SERVER, is_syn), [20, 1_020, 1_020, 2_020]); // 1.5.4: its own timer's and one for each
}

#[test]
fn a_client_whose_last_ack_was_lost_is_connected_alone() {
    let mut link = begin(Settings::default());
    link.run(millis(40)); // 1.5.5: the ACK is on its way
    link.cut();
    link.run(Duration::from_secs(100));
    assert_eq!((link.state(CLIENT), link.state(SERVER)), (State::Established, State::Closed)); // 1.5.6
    assert!(link.ends[SERVER].is_none());
    link.heal();
    link.listens = false;
    assert_eq!(link.write(CLIENT, b"x"), Ok(1)); // 1.5.7
    link.run(millis(40));
    assert_eq!(link.read(CLIENT, 1), Err(Errno::ConnectionReset));
}

#[test]
fn bytes_stand_in_for_the_lost_last_ack() {
    let mut link = begin(Settings::default());
    link.run(millis(40));
    link.cut();
    link.heal();
    link.write(CLIENT, b"x").unwrap();
    link.run(millis(20));
    assert_eq!((link.state(SERVER), link.end(SERVER).available()), (State::Established, 1));
}

#[test]
fn unreachable_ends_an_attempt_and_not_a_connection() {
    let mut link = begin(Settings::default()); // 1.3.8
    link.end(CLIENT).on_unreachable(at(0), Errno::HostUnreachable);
    assert_eq!(link.mask(CLIENT), "IN+OUT+ERR+HUP+RDHUP");
    assert_eq!(link.read(CLIENT, 1), Err(Errno::HostUnreachable));

    let mut link = established(Settings::default()); // 2.6.6
    link.end(CLIENT).on_unreachable(at(0), Errno::HostUnreachable);
    assert_eq!(link.read(CLIENT, 1), Err(Errno::WouldBlock));
    assert_eq!(link.mask(CLIENT), "OUT");
    assert_eq!(link.end(CLIENT).take_error(), Some(Errno::HostUnreachable));
    assert_eq!(link.end(CLIENT).take_error(), None);
}

#[test]
fn a_connection_is_small() {
    let size = size_of::<Connection>();
    assert!(size <= 304, "{size} bytes");
}
