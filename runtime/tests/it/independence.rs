//! The table of independence, held against what happens: every pair of operations is run in both orders from one state.
//!
//! Where the footprints say that the two are independent, both orders end alike: in what the operations returned, and in
//! what can be seen of their object afterwards. Where they conflict, there is a state from which the two orders end
//! differently, or the line says why the conflict is kept all the same.

mod futures_and_tasks;
mod harness;
mod locks;
mod queues;

pub use harness::{Bench, Boxed, Op, ends_alike_but_conflicts, independent, order_matters};
