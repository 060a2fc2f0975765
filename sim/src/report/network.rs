//! What the network and the hosts do, in words: who sent what to whom, what was lost, where a host died.

use counterpoint_runtime::trace::{Event, PacketFate};

/// The words for an event of the network or the world; none for what tasks do.
pub(crate) fn told(event: &Event) -> Option<String> {
    match event {
        Event::Packet(packet) => {
            let (from, to, what) = (&packet.from, &packet.to, &packet.what);
            Some(match packet.fate {
                PacketFate::Sent => format!("{from} ─► {to}  {what}"),
                PacketFate::Arrived => format!("{to} ◄─ {from}  {what}"),
                fate => format!("{from} ─✗ {to}  {what}: {}", fate.name()),
            })
        }
        Event::World { host: Some(host), what, .. } => Some(format!("{host} {what}")),
        Event::World { host: None, what, .. } => Some(format!("links: {what}")),
        Event::Step(_)
        | Event::TaskCreated { .. }
        | Event::TaskEnded { .. }
        | Event::CancelRequested { .. }
        | Event::Log { .. } => None,
    }
}
