//! The script of a protocol: what its callbacks do, as a program writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::difftest::program::{Name, SyncBlock};

/// What the protocols of one name do.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Script {
    /// A protocol of datagrams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) dgram: bool,
    /// A protocol that lends a buffer of so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) buffer: Option<usize>,
    /// What `eof_received` returns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) keep: bool,
    /// The statements of each callback: `made`, `data`, `data1`, `eof`, ...
    #[serde(flatten)]
    callbacks: BTreeMap<Name, SyncBlock>,
}

impl Script {
    /// What stands under the name of a callback; nothing if it does nothing.
    pub(super) fn statements(&self, callback: &str) -> &SyncBlock {
        const NOTHING: &SyncBlock = &SyncBlock::new();
        self.callbacks.get(callback).unwrap_or(NOTHING)
    }
}
