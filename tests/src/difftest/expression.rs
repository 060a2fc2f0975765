//! What a program can await.

use serde::{Deserialize, Serialize};

use super::program::{Name, Number, SyncBlock};
use super::seconds::Seconds;
use crate::difftest_net::NetworkExpression;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "a", rename_all = "snake_case")]
pub(crate) enum Expression {
    Sleep {
        t: Seconds,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        v: Number,
    },
    Never,
    Call {
        f: Name,
    },
    Ref {
        t: Name,
    },
    Acquire {
        o: Name,
    },
    Ewait {
        o: Name,
    },
    Cwait {
        o: Name,
    },
    Bwait {
        o: Name,
    },
    Get {
        o: Name,
    },
    Put {
        o: Name,
        v: Number,
    },
    Join {
        o: Name,
    },
    Breset {
        o: Name,
    },
    Babort {
        o: Name,
    },
    Gather {
        of: Vec<Expression>,
        #[serde(default)]
        rx: bool,
    },
    Shield {
        of: Box<Expression>,
    },
    WaitFor {
        of: Box<Expression>,
        t: Option<Seconds>,
    },
    Wait {
        of: Vec<Name>,
        #[serde(default)]
        when: When,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<Seconds>,
    },
    Job(Job),
    Thread(Job),
    CwaitFor {
        o: Name,
        c: Name,
        min: i64,
    },
    #[serde(untagged)]
    Network(NetworkExpression),
}

/// When a `wait` returns.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum When {
    #[default]
    All,
    First,
    Exc,
}

/// A closure for a worker of an executor.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    /// The executor, for `job`; a `thread` uses the loop's default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) o: Option<Name>,
    pub(crate) n: Name,
    pub(crate) t: Seconds,
    #[serde(default)]
    pub(crate) r#do: SyncBlock,
    #[serde(default)]
    pub(crate) v: Number,
}
