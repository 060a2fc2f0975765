//! Shutdown, close, reset and what remains: rows of linux-facts 2.3, 2.4, 2.5 and 2.8.

use super::link::{CLIENT, Fate, Link, SERVER, at, established, millis};
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Flags, Settings, State};
use std::net::Shutdown;
use std::time::Duration;

fn pair() -> Link {
    established(Settings::default())
}

fn linger_zero() -> Link {
    established(Settings { linger: Some(Duration::ZERO), ..Settings::default() })
}

#[test]
fn half_a_connection_goes_on() {
    let mut link = pair(); // 2.3.1
    link.write(CLIENT, b"question").unwrap();
    assert_eq!(link.shutdown(CLIENT, Shutdown::Write), Ok(()));
    link.run(millis(40));
    assert_eq!((link.mask(CLIENT).as_str(), link.mask(SERVER).as_str()), ("OUT", "IN+OUT+RDHUP"));
    assert_eq!(link.write(CLIENT, b"x"), Err(Errno::BrokenPipe));
    assert_eq!(link.read(SERVER, 100), Ok(b"question".to_vec()));
    assert_eq!((link.read(SERVER, 9), link.read(SERVER, 9)), (Ok(vec![]), Ok(vec![])));
    link.run(Duration::from_secs(1000)); // 2.3.2: no time-out while somebody holds it
    assert_eq!(link.state(CLIENT), State::FinWait2);
    link.write(SERVER, b"answer").unwrap();
    link.run(millis(20));
    assert_eq!(link.read(CLIENT, 100), Ok(b"answer".to_vec()));
}

#[test]
fn hung_up_means_both_directions() {
    let mut link = pair(); // 2.3.3
    link.shutdown(CLIENT, Shutdown::Write).unwrap();
    assert_eq!(link.shutdown(CLIENT, Shutdown::Write), Ok(())); // 2.3.4: twice is fine
    link.run(millis(40));
    link.shutdown(SERVER, Shutdown::Write).unwrap();
    link.run(millis(40));
    assert_eq!([link.state(CLIENT), link.state(SERVER)], [State::TimeWait, State::Closed]);
    for end in [CLIENT, SERVER] {
        assert_eq!((link.mask(end).as_str(), link.read(end, 1)), ("IN+OUT+HUP+RDHUP", Ok(vec![])));
        assert_eq!(link.shutdown(end, Shutdown::Write), Err(Errno::NotConnected)); // 2.3.4
    }
}

#[test]
fn shutting_reading_down_only_stops_the_waiting() {
    let mut link = pair(); // 2.3.5
    link.shutdown(CLIENT, Shutdown::Read).unwrap();
    assert_eq!((link.read(CLIENT, 9), link.mask(CLIENT).as_str()), (Ok(vec![]), "IN+OUT+RDHUP"));
    link.write(SERVER, b"late").unwrap(); // 2.3.6
    link.run(millis(40));
    assert_eq!((link.read(CLIENT, 9), link.read(CLIENT, 9)), (Ok(b"late".to_vec()), Ok(vec![])));
    assert_eq!(link.mask(SERVER), "OUT");
}

#[test]
fn writing_to_an_end_that_closed_works_once() {
    let mut link = pair();
    link.close(CLIENT);
    link.run(millis(40));
    assert_eq!((link.read(SERVER, 1), link.mask(SERVER).as_str()), (Ok(vec![]), "IN+OUT+RDHUP")); // 2.4.1
    assert_eq!(link.write(SERVER, b"x"), Ok(1)); // 2.4.2
    link.run(millis(40));
    assert_eq!(link.mask(SERVER), "IN+OUT+ERR+HUP+RDHUP"); // 2.4.5
    assert_eq!(link.read(SERVER, 1), Ok(vec![])); // 2.4.4
    assert_eq!(link.end(SERVER).take_error(), Some(Errno::BrokenPipe)); // 2.4.5
    assert_eq!(link.end(SERVER).take_error(), None);
    assert_eq!(link.write(SERVER, b"x"), Err(Errno::BrokenPipe)); // 2.4.3
}

#[test]
fn closing_with_unread_bytes_resets_and_what_had_arrived_stays() {
    let mut link = pair();
    link.write(CLIENT, b"answer").unwrap();
    link.write(SERVER, b"unread").unwrap();
    link.run(millis(40));
    link.close(CLIENT); // 2.4.7
    assert!(link.ends[CLIENT].is_none());
    link.run(millis(20));
    assert_eq!(link.mask(SERVER), "IN+OUT+ERR+HUP+RDHUP");
    assert_eq!(link.read(SERVER, 10), Ok(b"answer".to_vec())); // 2.4.9
    assert_eq!(link.read(SERVER, 10), Err(Errno::ConnectionReset));
    assert_eq!(link.read(SERVER, 10), Ok(vec![]));
    assert_eq!(link.write(SERVER, b"x"), Err(Errno::BrokenPipe));
}

#[test]
fn after_a_reset_the_first_write_gets_the_error() {
    let mut link = pair();
    link.abort(CLIENT);
    link.run(millis(20));
    assert_eq!(link.write(SERVER, b"x"), Err(Errno::ConnectionReset)); // 2.4.8
    assert_eq!(link.write(SERVER, b"x"), Err(Errno::BrokenPipe));
    assert_eq!(link.read(SERVER, 1), Ok(vec![]));
}

#[test]
fn linger_zero_resets_and_throws_away_what_waits() {
    let mut link = linger_zero();
    link.write(CLIENT, b"answer").unwrap();
    link.close(CLIENT); // 2.4.10
    link.run(millis(20));
    assert_eq!(link.read(SERVER, 10), Ok(b"answer".to_vec()));
    assert_eq!(link.read(SERVER, 10), Err(Errno::ConnectionReset));

    let mut link = linger_zero(); // 2.4.12
    link.shutdown(CLIENT, Shutdown::Write).unwrap();
    link.close(CLIENT);
    link.run(millis(20));
    assert_eq!(link.read(SERVER, 10), Ok(vec![]));
    assert_eq!(link.end(SERVER).take_error(), Some(Errno::BrokenPipe));
}

#[test]
fn a_reset_after_our_own_fin_is_an_error() {
    let mut link = pair(); // 2.4.13
    link.shutdown(SERVER, Shutdown::Write).unwrap();
    link.run(millis(40));
    link.abort(CLIENT);
    link.run(millis(20));
    assert_eq!(link.read(SERVER, 1), Err(Errno::ConnectionReset));
}

#[test]
fn what_was_written_is_delivered_after_close() {
    let mut link = established(Settings { receive_buffer: 10, ..Settings::default() });
    link.write(CLIENT, &[5; 95]).unwrap();
    link.close(CLIENT); // 2.4.14
    let mut got = 0;
    loop {
        link.run(millis(40));
        match link.read(SERVER, 100) {
            Ok(data) if data.is_empty() => break,
            Ok(data) => got += data.len(),
            Err(errno) => panic!("{errno} after {got}"),
        }
    }
    assert_eq!(got, 95);
}

#[test]
fn a_lost_fin_comes_a_timer_later() {
    let mut link = pair();
    link.judge(|_| Fate::Lost);
    link.close(CLIENT);
    link.heal();
    link.run(millis(259));
    assert_eq!(link.read(SERVER, 1), Err(Errno::WouldBlock));
    link.run(millis(1));
    assert_eq!(link.read(SERVER, 1), Ok(vec![])); // 2.4.17: 240 ms and the way
}

#[test]
fn a_lost_reset_is_learnt_at_the_next_write() {
    let mut link = pair();
    link.judge(|_| Fate::Lost);
    link.abort(CLIENT); // 2.4.18
    link.heal();
    link.run_dry();
    assert_eq!(link.read(SERVER, 1), Err(Errno::WouldBlock));
    assert_eq!(link.write(SERVER, b"x"), Ok(1));
    link.run(millis(40));
    assert_eq!(link.read(SERVER, 1), Err(Errno::ConnectionReset));
}

#[test]
fn the_side_whose_fin_went_first_waits_a_minute() {
    let mut link = pair();
    link.close(CLIENT); // 2.5.1
    link.run(millis(20));
    link.close(SERVER);
    link.run(millis(40));
    assert!(link.ends[SERVER].is_none());
    assert_eq!(link.state(CLIENT), State::TimeWait);
    link.run_dry();
    assert_eq!(link.now, at(60 + 40 + 60_000)); // 2.5.2
    assert!(link.ends[CLIENT].is_none());
}

#[test]
fn a_late_fin_is_acknowledged_again_and_begins_the_minute_anew() {
    let mut link = pair();
    link.close(CLIENT);
    link.run(millis(20));
    link.close(SERVER);
    link.judge(|sent| if sent.by == CLIENT && sent.at < at(200) { Fate::Lost } else { Fate::Arrives });
    link.run(millis(260));
    assert_eq!(link.state(SERVER), State::LastAck);
    link.run(millis(40));
    assert_eq!((link.state(SERVER), link.state(CLIENT)), (State::Closed, State::TimeWait));
    link.run_dry();
    assert_eq!(link.now, at(60 + 20 + 240 + 20 + 60_000));
}

#[test]
fn an_orphan_waits_a_minute_for_the_other_fin() {
    let mut link = pair();
    link.close(CLIENT); // 2.5.3
    link.run(millis(40));
    assert_eq!(link.state(CLIENT), State::FinWait2);
    link.run_dry();
    assert_eq!(link.now, at(60 + 40 + 60_000));
    assert_eq!(link.state(SERVER), State::CloseWait);
    assert_eq!(link.write(SERVER, b"x"), Ok(1));
    link.run(millis(40));
    assert_eq!(link.write(SERVER, b"x"), Err(Errno::BrokenPipe));
}

#[test]
fn an_orphan_whose_bytes_are_not_acknowledged_has_less_patience() {
    let mut link = pair();
    link.cut();
    link.write(CLIENT, b"x").unwrap();
    link.close(CLIENT);
    link.run_dry();
    assert!(link.ends[CLIENT].is_none());
    let waited = link.now.duration_since(at(60));
    assert!(waited > Duration::from_secs(102) && waited < Duration::from_secs(123), "{waited:?}"); // 2.5.4
    assert_eq!(link.times(CLIENT, |segment| segment.attempt > 0 && segment.seq == 1001).len(), 8);
    link.heal(); // 2.5.5
    link.write(SERVER, b"y").unwrap();
    link.run(millis(40));
    assert_eq!(link.read(SERVER, 1), Err(Errno::ConnectionReset));
}

#[test]
fn an_end_that_shut_both_directions_answers_bytes_with_a_reset() {
    let mut link = pair();
    link.shutdown(CLIENT, Shutdown::Both).unwrap();
    link.run(millis(40));
    link.write(SERVER, b"x").unwrap();
    link.run(millis(40));
    assert_eq!(link.state(CLIENT), State::Closed);
    assert_eq!(link.end(SERVER).take_error(), Some(Errno::BrokenPipe));
    assert!(link.log.iter().any(|sent| sent.by == CLIENT && sent.segment.flags.contains(Flags::RST)));
}

#[test]
fn a_reset_that_overtakes_bytes_does_not_lose_them() {
    let mut link = pair();
    link.judge(
        |sent| if sent.segment.flags.contains(Flags::RST) { Fate::Arrives } else { Fate::Late(millis(5)) },
    );
    link.write(CLIENT, b"answer").unwrap();
    link.abort(CLIENT);
    link.run(millis(25));
    assert_eq!(link.mask(SERVER), "IN+OUT", "it was asked about: its number is not the next one");
    link.run(millis(45)); // the acknowledgement of the bytes meets nobody
    assert_eq!(link.read(SERVER, 10), Ok(b"answer".to_vec()));
    assert_eq!(link.read(SERVER, 10), Err(Errno::ConnectionReset));
}

#[test]
fn a_late_copy_of_what_was_read_does_not_reset_an_orphan() {
    let mut link = pair();
    link.judge(|_| Fate::Twice);
    link.write(SERVER, b"x").unwrap();
    link.judge(|sent| if sent.by == SERVER { Fate::Late(millis(100)) } else { Fate::Arrives });
    link.write(SERVER, b"y").unwrap();
    link.run(millis(20));
    assert_eq!(link.read(CLIENT, 1), Ok(b"x".to_vec()));
    link.heal();
    let copy = link.log[0].segment.clone();
    link.close(CLIENT);
    link.call(CLIENT, |end, now, out| end.on_segment(now, copy, out));
    assert_eq!(link.state(CLIENT), State::FinWait1);
    link.run_dry();
    assert_eq!(link.end(SERVER).take_error(), Some(Errno::BrokenPipe), "the new byte did");
}

#[test]
fn closing_for_good_behind_a_closed_window_tells_the_other_end() {
    let mut link = established(Settings { receive_buffer: 10, ..Settings::default() });
    link.shutdown(SERVER, Shutdown::Write).unwrap();
    link.write(CLIENT, &[1; 30]).unwrap();
    link.run(millis(40));
    link.shutdown(CLIENT, Shutdown::Write).unwrap();
    assert_eq!(link.state(CLIENT), State::LastAck);
    link.abort(CLIENT);
    link.run(millis(20));
    assert_eq!(link.read(SERVER, 100), Ok(vec![1; 10]));
    assert_eq!(link.read(SERVER, 100), Err(Errno::ConnectionReset));
}
