//! Which errno when: rows of the measured facts, each a small test.
//!
//! A test's text is run over the simulated sockets, and with `COUNTERPOINT_REAL_SOCKETS=1` over the machine's own
//! loopback as well, so that the table is checked and not believed. Numbers in the comments are the rows'.

mod closing;
mod connecting;
mod data;
mod datagrams;
mod listening;
#[cfg(target_os = "linux")]
mod real;
mod simulated;
mod system;
mod unix_data;
mod unix_names;

/// Tests of rows: each a function over a `System`, run on both.
macro_rules! rows {
    ($($(#[$meta:meta])* fn $name:ident($system:ident) $body:block)*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            fn row<S: crate::errno::system::System>($system: &S) $body
            crate::errno::on_the_simulated(|| row(&crate::errno::simulated::Simulated));
            #[cfg(target_os = "linux")]
            if std::env::var_os("COUNTERPOINT_REAL_SOCKETS").is_some() {
                row(&crate::errno::real::Real::new(stringify!($name)));
            }
        }
    )*};
}

use rows;

fn on_the_simulated(row: impl FnOnce() + 'static) {
    counterpoint_runtime::run(async move {
        row();
        Ok(())
    })
    .expect("the rows hold");
}
