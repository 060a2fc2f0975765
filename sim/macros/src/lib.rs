//! The attributes `#[counterpoint::test]` and `#[counterpoint::main]`: syntax only, all meaning is in the crate
//! `counterpoint`.
