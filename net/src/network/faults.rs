//! What strikes links: cuts and clogs, counted.
//!
//! A cut drops packets when they are due, so what is under way is struck too. A clog keeps them, and lets them go in
//! order. Two cuts of one link are healed one by one.

use super::Network;
use super::footprints::touch_links;
use super::links::LinkEntry;
use crate::link::{Link, Preset};
use counterpoint_runtime::choices::Draws;
use counterpoint_runtime::schedule::Touch;

/// One side of a partition: hosts, by number.
pub type Side = [u32];

impl Network {
    /// Sets what links without settings of their own are made by.
    pub fn set_preset(&mut self, preset: Preset) {
        touch_links(Touch::Write);
        self.links.set_preset(preset);
    }

    /// Sets the links without settings of their own.
    pub fn set_default_link(&mut self, link: Link) {
        touch_links(Touch::Write);
        self.links.set_default(link);
    }

    /// Sets one direction between two hosts, from now on.
    pub fn set_link(&mut self, from: u32, to: u32, link: Link) {
        touch_links(Touch::Write);
        self.links.set(from, to, link);
    }

    /// The settings of one direction between two hosts.
    pub fn link(&mut self, from: u32, to: u32) -> Link {
        touch_links(Touch::Read);
        let index = self.link_between(from, to);
        self.links.at(index).state.settings
    }

    /// Cuts each direction from a host of one side to one of the other.
    pub fn cut(&mut self, from: &Side, to: &Side) {
        touch_links(Touch::Write);
        self.tell_of_pairs(from, to, "is cut off from");
        self.for_each_link(from, to, |network, index| {
            // What was set aside may be due only when the link is cut.
            network.look_at_aside(index);
            network.links.count_cut(index, true);
        });
    }

    /// Takes one cut of each of these directions back.
    pub fn mend(&mut self, from: &Side, to: &Side) {
        touch_links(Touch::Write);
        self.tell_of_pairs(from, to, "is reached again by");
        self.for_each_link(from, to, |network, index| network.links.count_cut(index, false));
    }

    /// Keeps back the packets of each of these directions.
    pub fn clog(&mut self, from: &Side, to: &Side) {
        touch_links(Touch::Write);
        self.tell_of_pairs(from, to, "is clogged towards");
        self.for_each_link(from, to, |network, index| {
            network.look_at_aside(index);
            network.links.at(index).clogs += 1;
        });
    }

    /// Takes one clog of each of these directions back; when none is left, what was kept goes on in order, at once.
    pub fn unclog(&mut self, from: &Side, to: &Side) {
        touch_links(Touch::Write);
        self.tell_of_pairs(from, to, "is free again towards");
        self.for_each_link(from, to, |network, index| {
            let LinkEntry { clogs, from, to, .. } = network.links.at(index);
            *clogs = clogs.saturating_sub(1);
            let (open, from, to) = (*clogs == 0, *from, *to);
            if open {
                for packet in std::mem::take(&mut network.links.at(index).held) {
                    network.arrive(from, to, Some(index), packet);
                }
            }
        });
    }

    /// Takes all cuts and clogs back.
    pub fn heal(&mut self) {
        touch_links(Touch::Write);
        self.tell_of_links("all links are healed".to_owned());
        for index in self.links.indices() {
            while self.links.at(index).cuts > 0 {
                self.links.count_cut(index, false);
            }
            let LinkEntry { clogs, from, to, held, .. } = self.links.at(index);
            let (from, to, packets) = (*from, *to, std::mem::take(held));
            *clogs = 0;
            for packet in packets {
                self.arrive(from, to, Some(index), packet);
            }
        }
    }

    /// Can packets go from one host to another?
    pub fn is_open(&mut self, from: u32, to: u32) -> bool {
        touch_links(Touch::Read);
        let index = self.link_between(from, to);
        self.links.at(index).is_open()
    }

    fn for_each_link(&mut self, from: &Side, to: &Side, mut f: impl FnMut(&mut Network, u32)) {
        for one in from {
            for other in to.iter().filter(|other| *other != one) {
                let index = self.link_between(*one, *other);
                f(self, index);
            }
        }
    }

    /// Acknowledgements that were to come over a link are events from now on: whether they arrive is open again.
    fn look_at_aside(&mut self, link: u32) {
        let (from, to) = (self.links.at(link).from, self.links.at(link).to);
        for index in self.sockets.indices() {
            let socket = self.sockets.at(index);
            let stack = socket.stack;
            let concerned = socket
                .tcp()
                .is_some_and(|tcp| !tcp.aside.is_empty() && tcp.route.stack == from && stack == to);
            if concerned {
                let id = self.sockets.id(index);
                self.with_tcp(id, |_, _, _| ()); // what is due already has arrived
                self.make_events_of_aside(index);
            }
        }
    }

    fn tell_of_pairs(&self, from: &Side, to: &Side, what: &str) {
        let names = |side: &Side| {
            let names: Vec<&str> = side.iter().map(|stack| self.stack_name(*stack)).collect();
            names.join(", ")
        };
        self.tell_of_links(format!("{} {what} {}", names(from), names(to)));
    }

    /// A number drawn for a setting of this run: what presets and partitions are chosen by.
    pub fn draw_setting(&mut self, key: u64, n: u64) -> u64 {
        self.draws.below(counterpoint_runtime::choices::Kind::Setting, Draws::key(&[key, 0x77]), n)
    }
}
