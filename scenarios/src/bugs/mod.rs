//! Classic bugs of cooperative concurrency, each beside its fixed twin.
//!
//! A file tells one story. Its header has the interleaving that fails; `buggy` and `fixed` are the same program but for
//! the repair. To add one: a file here with a `scenario` function, a line below, a line in [`all`](crate::all), and
//! one in the table of `tests/it/bugs.rs`.

pub mod abba;
pub mod bank_audit;
pub mod barrier_reuse;
pub mod cancel_breaks_invariant;
pub mod cancel_leaves_lock;
pub mod dining;
pub mod double_init;
pub mod duplicate_vote;
pub mod first_completed_double;
pub mod gather_sibling_leak;
pub mod lazy01;
pub mod lost_update;
pub mod lost_update_rpc;
pub mod lost_wakeup;
pub mod msg_reorder_stale;
pub mod reorder;
pub mod retry_executes_twice;
pub mod rwr_deadlock;
pub mod stale_leader_write;
pub mod status_after_stop;
pub mod timeout_leaks_sender;
pub mod timeout_vs_reply;
pub mod wronglock;
