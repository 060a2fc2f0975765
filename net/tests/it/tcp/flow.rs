//! Bytes and windows: rows of linux-facts 2.1, 2.2 and 2.7, and the model's window rule.

use super::link::{CLIENT, Fate, SERVER, at, established, millis};
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Flags, Segment, Settings};
use std::time::Duration;

fn sizes(send_buffer: u32, receive_buffer: u32) -> Settings {
    Settings { send_buffer, receive_buffer, ..Settings::default() }
}

#[test]
fn boundaries_vanish_and_a_read_gives_what_is_there() {
    let mut link = established(Settings::default()); // 2.1.1
    for word in ["abc", "def", "ghi"] {
        assert_eq!(link.write(CLIENT, word.as_bytes()), Ok(3));
    }
    assert_eq!(link.read(SERVER, 100), Err(Errno::WouldBlock)); // 2.1.2
    link.run(millis(20));
    assert_eq!(link.mask(SERVER), "IN+OUT");
    assert_eq!(link.read(SERVER, 4), Ok(b"abcd".to_vec()));
    assert_eq!(link.read(SERVER, 100), Ok(b"efghi".to_vec()));
}

#[test]
fn calls_of_no_length_do_nothing_and_peeking_keeps() {
    let mut link = established(Settings::default()); // 2.1.3
    assert_eq!((link.write(CLIENT, b""), link.read(CLIENT, 0)), (Ok(0), Ok(vec![])));
    assert!(link.log.is_empty());
    let mut buffer = [0; 2];
    assert_eq!(link.end(SERVER).peek(&mut buffer), Err(Errno::WouldBlock));
    link.write(CLIENT, b"abc").unwrap();
    link.run(millis(20));
    assert_eq!((link.end(SERVER).peek(&mut buffer), &buffer), (Ok(2), b"ab"));
    assert_eq!(link.read(SERVER, 9), Ok(b"abc".to_vec()));
}

#[test]
fn a_full_sender_takes_a_part_then_nothing_and_is_writable_again_at_a_third() {
    let mut link = established(sizes(90, 30));
    assert_eq!(link.write(CLIENT, &[1; 200]), Ok(90)); // 2.2.2
    assert_eq!((link.write(CLIENT, &[1]), link.mask(CLIENT).as_str()), (Err(Errno::WouldBlock), ""));
    link.run(millis(40));
    let client = link.end(CLIENT);
    assert_eq!((client.unsent(), client.unacknowledged()), (60, 0));
    assert_eq!(link.mask(CLIENT), "OUT"); // 2.2.9: 30 free are half of the 60 used
}

#[test]
fn a_window_update_is_sent_when_half_the_window_was_read() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run(millis(40));
    link.log.clear();
    link.read(SERVER, 19).unwrap();
    assert!(link.log.is_empty());
    link.read(SERVER, 1).unwrap();
    assert_eq!(link.log.len(), 1);
    link.run(millis(20));
    assert_eq!(link.end(CLIENT).unsent(), 40, "20 of the 60 went out");
}

#[test]
fn segments_are_cut_and_arrive_as_one_stream() {
    let data: Vec<u8> = (0..100_000u32).map(|i| (i % 251) as u8).collect();
    let mut link = established(Settings::default());
    assert_eq!(link.write(CLIENT, &data), Ok(100_000));
    let mut got = Vec::new();
    while got.len() < data.len() {
        link.run(millis(20));
        got.extend(link.read(SERVER, 7_000).unwrap_or_default());
    }
    assert_eq!(got, data);
    assert!(link.log.iter().all(|sent| sent.segment.payload.len() <= 1448 && sent.segment.attempt == 0));
}

#[test]
fn a_stalled_pair_with_nothing_lost_has_nothing_to_happen() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run(millis(40));
    assert_eq!((link.end(CLIENT).next_timer(), link.next()), (None, None));
    assert!(link.end(CLIENT).waits_for_acks());
}

#[test]
fn a_lost_window_update_is_found_by_probing() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run(millis(40));
    link.judge(|_| Fate::Lost);
    link.read(SERVER, 40).unwrap();
    link.log.clear();
    link.run(Duration::from_secs(2));
    let probes = link.times(CLIENT, |segment| segment.flags.contains(Flags::PROBE));
    assert_eq!(probes, [340, 820, 1780]); // 2.2.10: a round trip and 200 ms, doubling
    link.heal();
    link.run(Duration::from_secs(5));
    assert_eq!(link.read(SERVER, 100), Ok(vec![7; 40]));
    link.run(Duration::from_secs(5));
    assert_eq!(link.read(SERVER, 100), Ok(vec![7; 20]));
    link.run_dry();
    assert_eq!(link.end(CLIENT).next_timer(), None);
}

#[test]
fn a_window_update_that_was_lost_before_the_write_is_found_by_probing() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 40]).unwrap();
    link.run(millis(40));
    link.judge(|_| Fate::Lost);
    link.read(SERVER, 40).unwrap();
    link.heal();
    link.run(Duration::from_secs(10));
    assert_eq!(link.next(), None, "nobody waits for the window");
    link.write(CLIENT, &[8; 10]).unwrap();
    link.run_dry();
    assert_eq!(link.read(SERVER, 100), Ok(vec![8; 10]));
}

#[test]
fn an_answer_to_a_probe_from_before_the_loss_does_not_end_the_probing() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run(millis(40));
    let now = link.now;
    link.end(CLIENT).on_loss(now);
    link.judge(|sent| if sent.by == SERVER { Fate::Late(millis(100)) } else { Fate::Arrives });
    link.run(millis(280)); // the probe was sent at 240 and its answer comes at 380
    link.judge(|_| Fate::Lost);
    link.read(SERVER, 40).unwrap(); // the update is lost
    link.heal();
    link.run_dry();
    assert_eq!(link.end(CLIENT).unsent(), 20, "the window's opening was found");
}

#[test]
fn an_answered_probe_ends_the_probing_of_a_window_that_is_still_closed() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run(millis(40));
    let now = link.now;
    link.end(CLIENT).on_loss(now);
    link.log.clear();
    link.run_dry();
    let probes = link.log.iter().filter(|sent| sent.segment.flags.contains(Flags::PROBE)).count();
    assert_eq!(probes, 1);
    assert_eq!(link.end(CLIENT).unsent(), 60);
}

#[test]
fn a_user_timeout_kills_a_connection_whose_reader_is_slow() {
    let mut link = established(Settings { user_timeout: Some(Duration::from_secs(3)), ..sizes(100, 40) });
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run_dry();
    assert_eq!(link.now, at(60 + 40 + 3_000)); // 2.2.12
    assert_eq!(link.read(CLIENT, 1), Err(Errno::TimedOut));
    assert_eq!(link.read(SERVER, 100), Ok(vec![7; 40]));
}

#[test]
fn unanswered_probes_end_the_connection() {
    let mut link = established(sizes(100, 40));
    link.write(CLIENT, &[7; 100]).unwrap();
    link.run(millis(40));
    link.cut();
    let now = link.now;
    link.end(CLIENT).on_loss(now);
    link.run_dry();
    assert_eq!(link.end(CLIENT).take_error(), Some(Errno::TimedOut));
}

#[test]
fn nagle_holds_a_short_segment_while_something_is_unacknowledged() {
    let payloads = |nagle| {
        let mut link = established(Settings { nagle, ..Settings::default() });
        link.write(CLIENT, b"one").unwrap();
        link.write(CLIENT, b"two").unwrap();
        link.write(CLIENT, b"three").unwrap();
        link.run(millis(100));
        let bytes = |segment: &Segment| String::from_utf8(segment.payload.to_vec()).unwrap();
        let sent = link.log.iter().filter(|sent| !sent.segment.payload.is_empty());
        sent.map(|sent| bytes(&sent.segment)).collect::<Vec<_>>()
    };
    assert_eq!(payloads(false), ["one", "two", "three"]); // 2.7.4
    assert_eq!(payloads(true), ["one", "twothree"]); // 2.7.1, without the delayed acknowledgement
}

#[test]
fn an_idle_connection_wants_no_acknowledgements() {
    let mut link = established(sizes(90, 1000));
    link.write(CLIENT, &[1; 30]).unwrap();
    assert!(!link.end(CLIENT).waits_for_acks(), "nobody could see it");
    link.write(CLIENT, &[1; 40]).unwrap();
    assert!(link.end(CLIENT).waits_for_acks(), "it is not writable now");
    link.run(millis(40));
    link.close(CLIENT);
    assert!(link.end(CLIENT).waits_for_acks(), "the FIN must arrive");
}
