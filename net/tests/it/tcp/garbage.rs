//! No segment, however mad, makes a connection panic, and none makes two ends talk for ever.

use super::link::{at, millis};
use bytes::Bytes;
use counterpoint_net::Errno;
use counterpoint_net::tcp::{Connection, Flags, KeepAlive, Segment, Settings, refuse};
use counterpoint_runtime::Instant;
use proptest::prelude::*;
use std::net::Shutdown;
use std::rc::Rc;

const ALL_FLAGS: [Flags; 7] =
    [Flags::SYN, Flags::ACK, Flags::FIN, Flags::RST, Flags::PROBE, Flags::ANSWER, Flags::HOLE];

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 995u64..1040, 2 => 4995u64..5040, 1 => any::<u64>(), 1 => (u64::MAX - 20)..=u64::MAX, 1 => 0u64..3]
}

fn flags() -> impl Strategy<Value = Flags> {
    let some = proptest::sample::subsequence(ALL_FLAGS.to_vec(), 0..=7);
    let some = some.prop_map(|all| all.into_iter().fold(Flags::NONE, Flags::with));
    prop_oneof![4 => Just(Flags::ACK), 1 => Just(Flags::SYN | Flags::ACK), 1 => Just(Flags::FIN | Flags::ACK), 4 => some]
}

prop_compose! {
    fn segment()(seq in number(), ack in number(), right in number(), flags in flags(), size in 0usize..20, attempt in any::<u32>())
        -> Segment {
        Segment { seq, ack, right, flags, payload: Bytes::from(vec![b'x'; size]), attempt }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arrives(Segment),
    Time(u64),
    Write(usize),
    Read(usize),
    Shutdown(u8),
    Close,
    Abort,
    Unreachable,
    Lost,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => segment().prop_map(Step::Arrives),
        3 => (0u64..200_000).prop_map(Step::Time),
        2 => (0usize..50).prop_map(Step::Write),
        2 => (0usize..50).prop_map(Step::Read),
        1 => (0u8..3).prop_map(Step::Shutdown),
        1 => Just(Step::Unreachable),
        1 => Just(Step::Lost),
        1 => prop_oneof![3 => Just(Step::Lost), 1 => Just(Step::Close), 1 => Just(Step::Abort)],
    ];
    proptest::collection::vec(step, 0..40)
}

fn apply(connection: &mut Connection, now: &mut Instant, step: Step, out: &mut Vec<Segment>) {
    match step {
        Step::Arrives(segment) => connection.on_segment(*now, segment, out),
        Step::Time(time) => {
            *now += millis(time);
            connection.on_timer(*now, out);
        }
        Step::Write(count) => _ = connection.write(*now, &vec![b'y'; count], out),
        Step::Read(count) => _ = connection.read(*now, &mut vec![0; count], out),
        Step::Shutdown(how) => {
            let how = [Shutdown::Read, Shutdown::Write, Shutdown::Both][usize::from(how)];
            let _ = connection.shutdown(*now, how, out);
        }
        Step::Close => connection.close(*now, out),
        Step::Abort => connection.abort(*now, out),
        Step::Unreachable => connection.on_unreachable(*now, Errno::HostUnreachable),
        Step::Lost => connection.on_loss(*now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_segments_never_panic(
        first in segment(),
        second in segment(),
        steps in steps(),
        accepts: bool,
        established: bool,
        keeps_alive: bool,
    ) {
        let settings = Rc::new(Settings {
            send_buffer: 40,
            receive_buffer: 30,
            maximum_segment: 8,
            keep_alive: keeps_alive.then(KeepAlive::default),
            ..Settings::default()
        });
        let (mut now, mut out) = (at(0), Vec::new());
        let mut connection = match accepts {
            true => Connection::accept(settings, 1000, &first, now, &mut out),
            false => Connection::connect(settings, 1000, now, &mut out),
        };
        if established {
            let (flags, ack) = (if accepts { Flags::ACK } else { Flags::SYN | Flags::ACK }, 1001);
            let seq = if accepts { first.seq.saturating_add(1) } else { 5000 };
            connection.on_segment(now, Segment { seq, ack, flags, right: 1030, ..second }, &mut out);
        }
        for step in steps {
            apply(&mut connection, &mut now, step, &mut out);
            let _ = (connection.readiness(), connection.is_readable(), connection.is_writable());
            let _ = (connection.available(), connection.unacknowledged(), connection.waits_for_acks());
            prop_assert!(out.len() < 200, "one step sends little");
            out.iter().for_each(|segment| drop(refuse(segment)));
            out.clear();
        }
        for _ in 0..200 {
            let Some(due) = connection.next_timer() else { return Ok(()) };
            now = now.max(due);
            connection.on_timer(now, &mut out);
        }
        prop_assert!(connection.next_timer().is_none(), "its timers never end: {:?}", connection);
    }

    #[test]
    fn two_ends_of_different_pasts_fall_silent(first in segment(), second in segment(), lying in segment()) {
        let settings = Rc::new(Settings::default());
        let (mut to_a, mut to_b) = (vec![lying], Vec::new());
        let mut a = Connection::accept(settings.clone(), 1000, &first, at(0), &mut to_b);
        let mut b = Connection::accept(settings, 5000, &second, at(0), &mut to_a);
        for _ in 0..50 {
            for segment in std::mem::take(&mut to_a) {
                a.on_segment(at(0), segment, &mut to_b);
            }
            for segment in std::mem::take(&mut to_b) {
                b.on_segment(at(0), segment, &mut to_a);
            }
        }
        prop_assert!(to_a.is_empty() && to_b.is_empty(), "{to_a:?} {to_b:?}");
    }
}
