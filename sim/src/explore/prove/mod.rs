//! All orders of a program, or all within a bound.

mod bounded;
mod depth_first;
mod dpor;
mod history;
mod search;
mod wakeup;

#[cfg(test)]
mod tests;
