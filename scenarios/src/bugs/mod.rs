//! Classic bugs of cooperative concurrency, each beside its fixed twin.
//!
//! A file tells one story. Its header has the interleaving that fails; `buggy` and `fixed` are the same program but for
//! the repair. To add one: a file here with a `scenario` function, a line below, a line in [`all`](crate::all), and
//! one in the table of `tests/it/bugs.rs`.

pub mod lost_update;
