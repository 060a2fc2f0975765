//! Loss, partitions and dead peers: rows of linux-facts 2.6.

use super::link::{CLIENT, Fate, SERVER, Sent, at, established, millis};
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Flags, KeepAlive, Settings, State};
use std::time::Duration;

fn again(segment: &counterpoint_net::tcp::Segment) -> bool {
    segment.attempt > 0 && !segment.payload.is_empty()
}

#[test]
fn unacknowledged_bytes_go_out_again_doubling_up_to_two_minutes() {
    let mut link = established(Settings::default());
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    link.run_dry();
    let mut gap = 240; // 2.6.1: a round trip and 200 ms; 2.6.2, without the tail-loss probe
    let mut expected = vec![60 + gap];
    while expected.len() < 15 {
        gap = (2 * gap).min(120_000);
        expected.push(expected.last().unwrap() + gap);
    }
    let times = link.times(CLIENT, again);
    assert_eq!(times[..14], expected[..14]);
    assert!(link.now >= at(60 + 924_600) && link.now < at(60 + 1_050_000), "{}", link.now); // 2.6.3
    assert_eq!(link.read(CLIENT, 1), Err(Errno::TimedOut));
    assert_eq!(link.read(CLIENT, 1), Ok(vec![]));
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::BrokenPipe));
    assert_eq!(link.read(SERVER, 1), Err(Errno::WouldBlock)); // 2.6.5
    assert!(link.log.iter().all(|sent| !sent.segment.flags.contains(Flags::RST)));
}

#[test]
fn fewer_retries_or_a_user_timeout_shorten_the_wait() {
    let mut link =
        established(Settings { user_timeout: Some(Duration::from_secs(5)), ..Settings::default() });
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    link.run_dry();
    assert_eq!((link.now, link.read(CLIENT, 1)), (at(5_060), Err(Errno::TimedOut))); // 2.6.4

    let mut link = established(Settings { retries: 3, ..Settings::default() });
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    link.run_dry();
    assert!(link.now.duration_since(at(60)) < Duration::from_secs(7)); // 2.6.3
}

#[test]
fn a_soft_error_is_told_in_place_of_the_time_out() {
    let mut link =
        established(Settings { user_timeout: Some(Duration::from_secs(8)), ..Settings::default() });
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    let now = link.now;
    link.end(CLIENT).on_unreachable(now, Errno::HostUnreachable);
    link.run_dry();
    assert_eq!((link.now, link.read(CLIENT, 1)), (at(8_060), Err(Errno::HostUnreachable))); // 2.6.7, 2.6.8
}

#[test]
fn after_a_partition_the_next_slot_delivers() {
    let mut link = established(Settings::default());
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    link.run(Duration::from_secs(4)); // 2.6.10
    link.heal();
    while link.end(SERVER).available() == 0 {
        link.run(millis(10));
    }
    assert_eq!(link.now, at(60 + 240 * 31 + 20));
    link.run_dry();
    assert_eq!(link.end(CLIENT).next_timer(), None);
}

#[test]
fn an_acknowledgement_makes_the_timer_short_again() {
    let mut link = established(Settings::default());
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    link.write(CLIENT, b"y").unwrap();
    link.run(Duration::from_secs(4));
    let healed = |sent: &Sent| {
        if sent.segment.seq == 1002 && sent.segment.attempt == 1 { Fate::Lost } else { Fate::Arrives }
    };
    link.judge(healed);
    link.run_dry();
    let slot = 60 + 240 * 31; // x goes out again; y one round trip later, and in vain
    assert_eq!(link.times(CLIENT, |segment| segment.seq == 1002), [60, slot + 40, slot + 40 + 240]);
}

#[test]
fn a_lone_lost_segment_costs_the_timer_and_one_in_a_burst_a_round_trip() {
    let first_only = |wanted: u64| {
        let mut lost = false;
        move |sent: &Sent| {
            let hit = !lost && sent.by == CLIENT && sent.segment.seq == wanted;
            lost |= hit;
            if hit { Fate::Lost } else { Fate::Arrives }
        }
    };
    let mut link = established(Settings::default());
    link.judge(first_only(1001));
    link.write(CLIENT, b"x").unwrap();
    link.run(millis(260));
    assert_eq!(link.end(SERVER).available(), 1); // 2.6.12

    let mut link = established(Settings::default());
    link.judge(first_only(1001 + 2 * 1448));
    link.write(CLIENT, &[3; 42 * 1448]).unwrap();
    link.run(millis(20));
    assert_eq!(link.end(SERVER).available(), 2 * 1448); // 2.6.14: the reader sees a pause
    link.run(millis(40));
    assert_eq!(link.end(SERVER).available(), 42 * 1448); // ... then all of it
    assert_eq!(link.times(CLIENT, again), [100]);
}

#[test]
fn an_outage_that_swallowed_a_burst_heals_in_a_few_round_trips() {
    let mut link = established(Settings::default());
    link.cut();
    link.write(CLIENT, &[3; 40 * 1448]).unwrap();
    link.run(millis(100));
    link.heal();
    link.run(millis(140)); // the timer
    link.run(millis(7 * 40));
    assert_eq!(link.end(SERVER).available(), 40 * 1448);
    link.run_dry();
    let first = link.times(CLIENT, |segment| segment.attempt == 0 && !segment.payload.is_empty());
    assert_eq!(link.times(CLIENT, again).len(), first.len(), "each was sent twice");
}

#[test]
fn reordered_segments_arrive_in_order() {
    let mut link = established(Settings::default());
    let mut turn = 0;
    link.judge(move |_| {
        turn += 1;
        if turn % 3 == 0 { Fate::Late(millis(7 * (turn % 5))) } else { Fate::Twice }
    });
    let data: Vec<u8> = (0..30_000u32).map(|i| (i % 253) as u8).collect();
    link.write(CLIENT, &data).unwrap();
    link.run_dry();
    assert_eq!(link.read(SERVER, 40_000), Ok(data));
}

#[test]
fn a_peer_that_forgot_us_resets_at_the_first_segment() {
    let mut link = established(Settings::default());
    link.write(SERVER, b"kept").unwrap();
    link.run(millis(40));
    link.ends[SERVER] = None; // its host was cut off from power and is back
    link.listens = false;
    link.run(Duration::from_secs(5000));
    assert_eq!(link.mask(CLIENT), "IN+OUT"); // 2.6.16
    assert_eq!(link.write(CLIENT, b"x"), Ok(1)); // 2.6.17
    link.run(millis(40));
    assert_eq!(link.read(CLIENT, 9), Ok(b"kept".to_vec())); // 2.6.18
    assert_eq!(link.read(CLIENT, 9), Err(Errno::ConnectionReset));
    assert_eq!(link.read(CLIENT, 9), Ok(vec![]));
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::BrokenPipe));
}

fn keep_alive(idle: u64, interval: u64, probes: u32) -> Settings {
    let (idle, interval) = (Duration::from_secs(idle), Duration::from_secs(interval));
    Settings { keep_alive: Some(KeepAlive { idle, interval, probes }), ..Settings::default() }
}

#[test]
fn keep_alive_gives_a_dead_peer_up_after_its_probes() {
    assert_eq!(KeepAlive::default(), keep_alive(7200, 75, 9).keep_alive.unwrap()); // 2.6.21
    for (settings, seconds) in [(keep_alive(2, 1, 3), 5), (keep_alive(7200, 75, 9), 7875)] {
        let mut link = established(settings);
        link.ends[SERVER].as_mut().unwrap().change_settings(at(60), |own| own.keep_alive = None, &mut vec![]);
        assert!(link.end(CLIENT).only_keep_alive());
        link.cut();
        link.run(Duration::from_secs(seconds) - millis(21));
        assert_eq!(link.state(CLIENT), State::Established);
        link.run(millis(1));
        assert_eq!(link.mask(CLIENT), "IN+OUT+ERR+HUP+RDHUP"); // 2.6.22
        let last = link.log.last().unwrap();
        assert_eq!((last.by, last.segment.flags), (CLIENT, Flags::RST | Flags::ACK));
        assert_eq!((link.read(CLIENT, 1), link.read(CLIENT, 1)), (Err(Errno::TimedOut), Ok(vec![])));
    }
}

#[test]
fn keep_alive_is_not_seen_while_the_peer_lives_and_finds_one_that_forgot_us() {
    let mut link = established(keep_alive(2, 1, 3));
    link.run(Duration::from_secs(100)); // 2.6.23
    assert_eq!((link.state(CLIENT), link.mask(CLIENT).as_str()), (State::Established, "OUT"));
    assert!(link.log.iter().any(|sent| sent.segment.flags.contains(Flags::PROBE)));
    link.ends[SERVER] = None;
    link.run(Duration::from_secs(3));
    assert_eq!(link.read(CLIENT, 1), Err(Errno::ConnectionReset)); // 2.6.19
}

#[test]
fn keep_alive_finds_a_dead_peer_behind_a_closed_window() {
    let mut link = established(Settings { receive_buffer: 10, ..keep_alive(2, 1, 3) });
    link.write(CLIENT, &[1; 30]).unwrap();
    link.run(Duration::from_secs(100));
    assert_eq!((link.state(CLIENT), link.end(CLIENT).unsent()), (State::Established, 20));
    let probes =
        link.log.iter().filter(|sent| sent.by == CLIENT && sent.segment.flags.contains(Flags::PROBE));
    assert!(probes.count() > 10, "one answered probe at a time");
    link.cut();
    link.run(Duration::from_secs(900));
    assert_eq!(link.state(CLIENT), State::Established, "with the patience of a closed window's probing");
    link.run(Duration::from_secs(600));
    assert_eq!(link.end(CLIENT).take_error(), Some(Errno::TimedOut));
}
