//! A draw in words: which packet it is about, and what became of that.
//!
//! A draw has a key and no name. But a run with it and one without are the same up to the first thing that it changes:
//! there the packet stands, in one trace as late or lost, in the other as it would have been.

use super::step_words::nth;
use counterpoint_runtime::Instant;
use counterpoint_runtime::choices::{Drawn, Kind};
use counterpoint_runtime::trace::{Event, PacketFate, PacketRecord};
use std::time::Duration;

/// What a draw comes to: `with` is the run in which it came out, `without` the one that is the same but for it.
pub(super) fn told(drawn: &Drawn, with: &[Event], without: Option<&[Event]>) -> String {
    without.and_then(|without| of_packet(with, without)).unwrap_or_else(|| {
        let what = match drawn.kind {
            Kind::Latency | Kind::Slow if without.is_some() => {
                return "a packet that the trace does not show, such as an acknowledgement, is late"
                    .to_owned();
            }
            Kind::Latency | Kind::Slow => "how late a packet is",
            Kind::Loss => "whether a packet is lost",
            Kind::Duplicate => "whether a datagram arrives twice",
            Kind::Reorder => "whether a datagram is held back",
            Kind::Corrupt => "whether a packet is damaged",
            Kind::Reset => "whether a connection is reset",
            Kind::Split => "how much a read returns",
            Kind::ShortWrite => "how much a write takes",
            Kind::Resolve => "how a look-up of a name ends",
            Kind::Setting => "a setting of the run",
            _ => "a draw",
        };
        format!("{what} comes out as {} instead of 0", drawn.value)
    })
}

fn of_packet(with: &[Event], without: &[Event]) -> Option<String> {
    let at = with.iter().zip(without).position(|(one, other)| one != other)?;
    let here = |trace: &'_ [Event]| match &trace[at] {
        Event::Packet(packet) => Some(packet.clone()),
        _ => None,
    };
    if let Some(packet) = here(with).filter(|packet| is_misfortune(packet.fate)) {
        let which = name(&packet, with, at + 1, |fate| fate == PacketFate::Sent || is_misfortune(fate));
        return Some(format!("{which} is {}", packet.fate.name()));
    }
    // Without the draw it arrived here; with it, later.
    let packet = here(without).filter(|packet| packet.fate == PacketFate::Arrived)?;
    let arrival = count(&packet, without, at + 1, PacketFate::Arrived);
    let sent = moment(&packet, without, arrival, PacketFate::Sent)?;
    let which = name(&packet, without, sent.0 + 1, |fate| fate == PacketFate::Sent);
    let usual = packet.time.duration_since(sent.1);
    Some(match late_arrival(&packet, &with[at..], &without[at + 1..]) {
        Some(late) => {
            let took = late.duration_since(sent.1);
            format!("{which} takes {} instead of {}", in_words(took), in_words(usual))
        }
        None => format!("{which} takes longer than the run lasts, instead of {}", in_words(usual)),
    })
}

fn is_misfortune(fate: PacketFate) -> bool {
    matches!(fate, PacketFate::Lost | PacketFate::Damaged | PacketFate::Reset)
}

fn is_alike(packet: &PacketRecord, other: &PacketRecord) -> bool {
    (&packet.from, &packet.to, &packet.what) == (&other.from, &other.to, &other.what)
}

/// How many packets like this one had this fate among so many events.
fn count(packet: &PacketRecord, trace: &[Event], events: usize, fate: PacketFate) -> usize {
    let alike = |event: &&Event| matches!(event, Event::Packet(other) if other.fate == fate && is_alike(packet, other));
    trace[..events].iter().filter(alike).count()
}

/// Where, and when, the so-manyth packet like this one had this fate.
fn moment(
    packet: &PacketRecord,
    trace: &[Event],
    number: usize,
    fate: PacketFate,
) -> Option<(usize, Instant)> {
    let alike = trace.iter().enumerate().filter_map(|(index, event)| match event {
        Event::Packet(other) if other.fate == fate && is_alike(packet, other) => Some((index, other.time)),
        _ => None,
    });
    alike.take(number).last()
}

/// When the packet arrives that no longer does where `without` begins. Others like it may have overtaken it: theirs are the
/// arrivals that both runs have.
fn late_arrival(packet: &PacketRecord, with: &[Event], without: &[Event]) -> Option<Instant> {
    let arrivals = |trace: &[Event]| -> Vec<Instant> {
        let alike = trace.iter().filter_map(|event| match event {
            Event::Packet(other) if other.fate == PacketFate::Arrived && is_alike(packet, other) => {
                Some(other.time)
            }
            _ => None,
        });
        alike.collect()
    };
    let (late, others) = (arrivals(with), arrivals(without));
    let overtook = late.iter().zip(&others).take_while(|(one, other)| one == other).count();
    late.get(overtook).copied()
}

/// Which packet it is: the so-manyth from host to host, up to so many events.
fn name(
    packet: &PacketRecord,
    trace: &[Event],
    events: usize,
    is_sent: impl Fn(PacketFate) -> bool,
) -> String {
    let (from, to) = (host_of(&packet.from), host_of(&packet.to));
    let number = trace[..events]
        .iter()
        .filter(|event| match event {
            Event::Packet(other) => {
                is_sent(other.fate) && (host_of(&other.from), host_of(&other.to)) == (from, to)
            }
            _ => false,
        })
        .count();
    format!("the {} packet from {from} to {to} ({})", nth(number as u32), packet.what)
}

fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

/// `312 ms`; two digits after the point where it is short.
fn in_words(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0..10_000 => format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10),
        10_000..10_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(millis: u64, fate: PacketFate) -> Event {
        Event::Packet(PacketRecord {
            time: Instant::ZERO + Duration::from_millis(millis),
            from: "client:4711".to_owned(),
            to: "server:80".to_owned(),
            what: "64 bytes".to_owned(),
            fate,
        })
    }

    #[track_caller]
    fn check(with: &[(u64, PacketFate)], without: &[(u64, PacketFate)], says: &str) {
        let trace = |packets: &[(u64, PacketFate)]| -> Vec<Event> {
            packets.iter().map(|(millis, fate)| packet(*millis, *fate)).collect()
        };
        let drawn = Drawn { kind: Kind::Latency, key: 1, value: 7 };
        assert_eq!(told(&drawn, &trace(with), Some(&trace(without))), says);
    }

    #[test]
    fn a_late_packet_is_named_with_how_long_it_took() {
        use PacketFate::{Arrived, Sent};
        check(
            &[(0, Sent), (20, Arrived), (30, Sent), (342, Arrived)],
            &[(0, Sent), (20, Arrived), (30, Sent), (50, Arrived)],
            "the 2nd packet from client to server (64 bytes) takes 312 ms instead of 20 ms",
        );
        check(
            &[(0, Sent), (20, Arrived), (30, Sent)],
            &[(0, Sent), (20, Arrived), (30, Sent)],
            "a packet that the trace does not show, such as an acknowledgement, is late",
        );
    }

    #[test]
    fn a_late_packet_that_was_overtaken_is_not_taken_for_the_other() {
        use PacketFate::{Arrived, Sent};
        check(
            &[(0, Sent), (10, Sent), (30, Arrived), (50, Arrived)],
            &[(0, Sent), (10, Sent), (20, Arrived), (30, Arrived)],
            "the 1st packet from client to server (64 bytes) takes 50 ms instead of 20 ms",
        );
    }

    #[test]
    fn a_lost_packet_is_named() {
        use PacketFate::{Arrived, Lost, Sent};
        check(
            &[(0, Sent), (20, Arrived), (30, Lost)],
            &[(0, Sent), (20, Arrived), (30, Sent)],
            "the 2nd packet from client to server (64 bytes) is lost",
        );
    }
}
