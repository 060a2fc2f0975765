//! TCP: two connections joined by a tiny link, against Linux's measured facts, a model and misfortune.

mod closing;
mod connecting;
mod flow;
mod garbage;
mod link;
mod losing;
mod misfortune;
mod model;
