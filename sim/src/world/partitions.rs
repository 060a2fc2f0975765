//! Partitions: who cannot hear whom.
//!
//! Each kind is a list of directions to cut. Cuts are counted, so that partitions may overlap: healing one does not heal
//! another. Those that are drawn are drawn by the run's seed, by the ordinal of the partition.

use super::{Host, State, World, WorldError};
use counterpoint_runtime::{Result, sleep};
use std::rc::Rc;
use std::time::Duration;

/// A kind of partition.
#[derive(Clone, Debug)]
pub struct Partition {
    kind: Kind,
    one_way: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Between(Vec<u32>, Vec<u32>),
    Isolate(u32),
    Halves,
    Split(usize),
    Bridge(u32),
    Ring,
    Gray { host: u32, seen_by: u32 },
}

impl Partition {
    fn of(kind: Kind) -> Partition {
        Partition { kind, one_way: false }
    }

    /// These against those.
    pub fn between<'a>(
        some: impl IntoIterator<Item = &'a Host>,
        others: impl IntoIterator<Item = &'a Host>,
    ) -> Partition {
        let (some, others) = (some.into_iter().map(Host::stack), others.into_iter().map(Host::stack));
        Partition::of(Kind::Between(some.collect(), others.collect()))
    }

    /// One host against all others.
    pub fn isolate(host: &Host) -> Partition {
        Partition::of(Kind::Isolate(host.stack()))
    }

    /// Two halves, drawn; with an odd number of hosts one is larger.
    pub fn halves() -> Partition {
        Partition::of(Kind::Halves)
    }

    /// So many hosts, drawn, against the rest.
    pub fn split(count: usize) -> Partition {
        Partition::of(Kind::Split(count))
    }

    /// Two halves, drawn, of which one host sees both.
    pub fn bridge(host: &Host) -> Partition {
        Partition::of(Kind::Bridge(host.stack()))
    }

    /// Hosts in a ring, drawn, of which each sees a majority, its nearest neighbours, and no two the same.
    pub fn majorities_ring() -> Partition {
        Partition::of(Kind::Ring)
    }

    /// One host that only one other can see (the gray failure: its observer finds it well).
    pub fn gray(host: &Host, seen_by: &Host) -> Partition {
        Partition::of(Kind::Gray { host: host.stack(), seen_by: seen_by.stack() })
    }

    /// Only one direction is cut: the first side is heard no more, and hears.
    pub fn one_way(self) -> Partition {
        Partition { one_way: true, ..self }
    }
}

/// A partition that holds until it is healed.
#[must_use = "a partition holds until it is healed"]
pub struct Cut {
    world: World,
    directions: Vec<(u32, u32)>,
}

impl World {
    /// Cuts links. What is under way is lost when it is due.
    ///
    /// # Errors
    /// [`WorldError::Partition`] if it would part nobody.
    pub fn partition(&self, partition: &Partition) -> Result<Cut, WorldError> {
        let state = self.state();
        let mut directions = state.directions(partition);
        directions.sort_unstable();
        directions.dedup();
        if directions.is_empty() {
            return Err(WorldError::Partition(format!(
                "this partition of {} hosts parts nobody: name hosts on both sides",
                state.hosts.borrow().len()
            )));
        }
        for (from, to) in &directions {
            state.network.with(|network| network.cut(&[*from], &[*to]));
        }
        Ok(Cut { world: self.clone(), directions })
    }

    /// Can packets go from one host to another now: is that direction neither cut nor clogged?
    pub fn reaches(&self, from: &Host, to: &Host) -> bool {
        let (from, to) = (from.stack(), to.stack());
        self.state().network.with(|network| network.is_open(from, to))
    }

    /// Takes all cuts and clogs back, whoever made them.
    pub fn heal(&self) {
        self.state().network.with(counterpoint_net::Network::heal);
    }

    /// Cuts and mends again and again: cut for `period`, whole for `period`, so many times.
    ///
    /// # Errors
    /// As [`partition`](World::partition); `Cancelled` if the task is, with the links whole.
    pub async fn flap(&self, partition: &Partition, period: Duration, times: u32) -> Result<()> {
        for _ in 0..times {
            let cut = self.partition(partition)?;
            let slept = sleep(period).await;
            cut.heal();
            slept?;
            sleep(period).await?;
        }
        Ok(())
    }
}

impl Cut {
    /// Mends what this partition cut; what another one cut stays so.
    pub fn heal(self) {
        let state = self.world.state();
        for (from, to) in &self.directions {
            state.network.with(|network| network.mend(&[*from], &[*to]));
        }
    }

    /// Heals after so long.
    ///
    /// # Errors
    /// `Cancelled` if the task is; it is healed then as well.
    pub async fn heal_after(self, duration: Duration) -> Result<()> {
        let slept = sleep(duration).await;
        self.heal();
        slept
    }
}

impl State {
    fn directions(self: &Rc<State>, partition: &Partition) -> Vec<(u32, u32)> {
        let all: Vec<u32> = self.hosts.borrow().iter().map(|host| host.stack).collect();
        let rest =
            |some: &[u32]| all.iter().copied().filter(|host| !some.contains(host)).collect::<Vec<u32>>();
        let between = |some: &[u32], others: &[u32]| {
            let forth = some.iter().flat_map(|one| others.iter().map(|other| (*one, *other)));
            let mut directions: Vec<(u32, u32)> = forth.filter(|(one, other)| one != other).collect();
            if !partition.one_way {
                directions.extend(directions.clone().into_iter().map(|(one, other)| (other, one)));
            }
            directions
        };
        match &partition.kind {
            Kind::Between(some, others) => between(some, others),
            Kind::Isolate(host) => between(&[*host], &rest(&[*host])),
            Kind::Gray { host, seen_by } => between(&[*host], &rest(&[*host, *seen_by])),
            Kind::Halves => {
                let shuffled = self.shuffled(all.clone());
                let (some, others) = shuffled.split_at(shuffled.len() / 2);
                between(some, others)
            }
            Kind::Split(count) => {
                let shuffled = self.shuffled(all.clone());
                let (some, others) = shuffled.split_at((*count).min(shuffled.len()));
                between(some, others)
            }
            Kind::Bridge(bridge) => {
                let shuffled = self.shuffled(rest(&[*bridge]));
                let (some, others) = shuffled.split_at(shuffled.len() / 2);
                between(some, others)
            }
            Kind::Ring => {
                let ring = self.shuffled(all.clone());
                let count = ring.len();
                let reach = count / 2 / 2 + usize::from(count / 2 % 2 == 1); // neighbours on each side
                let far = |one: usize, other: usize| {
                    let apart = one.abs_diff(other);
                    apart.min(count - apart) > reach.max(1)
                };
                let pairs = (0..count).flat_map(|one| (0..count).map(move |other| (one, other)));
                pairs
                    .filter(|(one, other)| far(*one, *other))
                    .map(|(one, other)| (ring[one], ring[other]))
                    .collect()
            }
        }
    }

    /// The hosts in a drawn order.
    fn shuffled(&self, mut hosts: Vec<u32>) -> Vec<u32> {
        let ordinal = self.partitions.get() + 1;
        self.partitions.set(ordinal);
        for last in (1..hosts.len()).rev() {
            let key = u64::from(ordinal) << 32 | last as u64;
            let other = self.network.with(|network| network.draw_setting(key, last as u64 + 1)) as usize;
            hosts.swap(last, other);
        }
        hosts
    }
}

impl std::fmt::Debug for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cut").field("directions", &self.directions).finish_non_exhaustive()
    }
}
