//! The links between two hosts, as the test sets them.

use super::{Host, World, WorldError};
use counterpoint_net::{Latency, Link, Ratio};
use std::time::Duration;

/// The two links between two hosts, or one of them. What is set counts from then on.
pub struct LinkBuilder {
    world: World,
    pairs: Vec<(u32, u32)>,
}

impl LinkBuilder {
    pub(super) fn new(world: World, one: &Host, other: &Host) -> LinkBuilder {
        let (one, other) = (one.stack(), other.stack());
        LinkBuilder { world, pairs: vec![(one, other), (other, one)] }
    }

    /// Only the direction from the first to the second.
    pub fn one_way(mut self) -> LinkBuilder {
        self.pairs.truncate(1);
        self
    }

    /// Sets all of it.
    ///
    /// # Errors
    /// [`WorldError::Link`] if the settings contradict each other.
    pub fn set(self, link: Link) -> Result<LinkBuilder, WorldError> {
        link.check().map_err(WorldError::Link)?;
        self.world.state().network.with(|network| {
            for (from, to) in &self.pairs {
                network.set_link(*from, *to, link);
            }
        });
        Ok(self)
    }

    /// Changes what it is now.
    ///
    /// # Errors
    /// As [`set`](LinkBuilder::set).
    pub fn change(self, change: impl Fn(Link) -> Link) -> Result<LinkBuilder, WorldError> {
        let state = self.world.state();
        for (from, to) in &self.pairs {
            let link = change(state.network.with(|network| network.link(*from, *to)));
            link.check().map_err(WorldError::Link)?;
            state.network.with(|network| network.set_link(*from, *to, link));
        }
        Ok(self)
    }

    /// Sets the latency.
    ///
    /// # Errors
    /// As [`set`](LinkBuilder::set).
    pub fn latency(self, latency: Latency) -> Result<LinkBuilder, WorldError> {
        self.change(|link| link.latency(latency))
    }

    /// Sets the loss.
    ///
    /// # Errors
    /// As [`set`](LinkBuilder::set).
    pub fn loss(self, loss: Ratio) -> Result<LinkBuilder, WorldError> {
        self.change(|link| link.loss(loss))
    }

    /// Keeps all packets back until [`unclog`](LinkBuilder::unclog). Clogs are counted.
    pub fn clog(self) -> LinkBuilder {
        self.world.state().network.with(|network| {
            for (from, to) in &self.pairs {
                network.clog(&[*from], &[*to]);
            }
        });
        self
    }

    /// Takes one clog back; after the last, what was kept goes on at once, in order.
    pub fn unclog(self) -> LinkBuilder {
        self.world.state().network.with(|network| {
            for (from, to) in &self.pairs {
                network.unclog(&[*from], &[*to]);
            }
        });
        self
    }

    /// Keeps all packets back for so long.
    ///
    /// # Errors
    /// `Cancelled` if the task is; the clog is taken back then as well.
    pub async fn clog_for(self, duration: Duration) -> counterpoint_runtime::Result<()> {
        let clogged = self.clog();
        let slept = counterpoint_runtime::sleep(duration).await;
        clogged.unclog();
        slept
    }
}

impl std::fmt::Debug for LinkBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkBuilder").field("pairs", &self.pairs).finish_non_exhaustive()
    }
}
