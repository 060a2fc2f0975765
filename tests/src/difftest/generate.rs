//! Programs that a strategy makes up, small enough to be read when one fails.
//!
//! `gen.py` knows the whole language and what is worth trying; this strategy knows the core only, but
//! what it makes shrinks.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Functions of a program; each may call and spawn those after it only, so every program ends.
const FUNCTIONS: usize = 3;

fn object(names: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(names)
}

fn task() -> impl Strategy<Value = &'static str> {
    select(&["t0", "t1", "t2", "x0", "F0", "@self"][..])
}

fn seconds() -> impl Strategy<Value = Value> {
    select(vec![json!(0), json!(0.25), json!(0.5), json!(1)])
}

/// The functions that function `level` may use; none after the last.
fn callees(level: usize) -> Vec<String> {
    (level..FUNCTIONS).map(|number| format!("f{number}")).collect()
}

fn leaf(level: usize) -> BoxedStrategy<Value> {
    let plain = prop_oneof![
        4 => (seconds(), option()).prop_map(|(t, v)| json!({"a": "sleep", "t": t, "v": v})),
        2 => task().prop_map(|t| json!({"a": "ref", "t": t})),
        1 => object(&["L0", "C0", "S0"]).prop_map(|o| json!({"a": "acquire", "o": o})),
        1 => Just(json!({"a": "ewait", "o": "E0"})),
        1 => Just(json!({"a": "cwait", "o": "C0"})),
        1 => Just(json!({"a": "bwait", "o": "B0"})),
        1 => Just(json!({"a": "get", "o": "Q0"})),
        1 => (0..5).prop_map(|v| json!({"a": "put", "o": "Q0", "v": v})),
        1 => Just(json!({"a": "join", "o": "Q0"})),
        1 => Just(json!({"a": "never"})),
    ];
    match callees(level) {
        none if none.is_empty() => plain.boxed(),
        callees => {
            prop_oneof![4 => plain, 1 => select(callees).prop_map(|f| json!({"a": "call", "f": f}))].boxed()
        }
    }
}

fn option() -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(0_u8..10)
}

fn expression(level: usize) -> impl Strategy<Value = Value> {
    leaf(level).prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            (vec(inner.clone(), 1..4), any::<bool>())
                .prop_map(|(of, rx)| json!({"a": "gather", "of": of, "rx": rx})),
            inner.clone().prop_map(|of| json!({"a": "shield", "of": of})),
            (inner, proptest::option::of(seconds()))
                .prop_map(|(of, t)| json!({"a": "wait_for", "of": of, "t": t})),
            (vec(task(), 1..3), select(vec!["ALL", "FIRST", "EXC"]), proptest::option::of(seconds()))
                .prop_map(
                    |(of, when, timeout)| json!({"a": "wait", "of": of, "when": when, "timeout": timeout})
                ),
        ]
    })
}

/// Statements that stand in callbacks too.
fn sync_statement(level: usize) -> BoxedStrategy<Value> {
    let plain = prop_oneof![
        3 => (task(), select(vec![json!(null), json!("m1")])).prop_map(|(t, m)| json!({"op": "cancel", "t": t, "m": m})),
        1 => task().prop_map(|t| json!({"op": "state", "t": t})),
        1 => object(&["L0", "C0", "S0"]).prop_map(|o| json!({"op": "release", "o": o})),
        1 => Just(json!({"op": "set", "o": "E0"})),
        1 => Just(json!({"op": "clear", "o": "E0"})),
        1 => (1..3).prop_map(|n| json!({"op": "notify", "o": "C0", "n": n})),
        1 => (0..5).prop_map(|v| json!({"op": "put_nowait", "o": "Q0", "v": v})),
        1 => Just(json!({"op": "get_nowait", "o": "Q0"})),
        1 => Just(json!({"op": "task_done", "o": "Q0"})),
        1 => (0..5).prop_map(|v| json!({"op": "fut_result", "o": "F0", "v": v})),
        1 => Just(json!({"op": "raise", "e": "e1"})),
    ];
    match callees(level) {
        none if none.is_empty() => plain.boxed(),
        callees => {
            let spawn = (select(callees), select(vec!["t0", "t1", "t2"]))
                .prop_map(|(f, name)| json!({"op": "spawn", "f": f, "as": name}));
            prop_oneof![8 => plain, 4 => spawn].boxed()
        }
    }
}

fn statement(level: usize) -> impl Strategy<Value = Value> {
    let callback = vec(sync_statement(FUNCTIONS), 0..3);
    let leaf = prop_oneof![
        6 => (0..100, expression(level)).prop_map(|(i, a)| json!({"op": "do", "i": i, "a": a})),
        6 => sync_statement(level),
        1 => option().prop_map(|v| json!({"op": "return", "v": v})),
        1 => (callback, seconds()).prop_map(|(run, t)| json!({"op": "later", "as": "h0", "t": t, "do": run})),
        1 => vec(expression(level), 1..3)
            .prop_map(|of| json!({"op": "bind", "as": "x0", "a": {"a": "gather", "of": of}})),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let body = vec(inner, 0..4);
        let kinds = select(vec!["Cancelled", "Timeout", "E", "EG", "Exception", "Base"]);
        prop_oneof![
            (body.clone(), kinds, body.clone()).prop_map(|(body, kind, handler)| {
                json!({"op": "try", "body": body, "except": [[kind, handler]]})
            }),
            (object(&["L0", "C0", "S0"]), body.clone())
                .prop_map(|(o, body)| json!({"op": "with", "o": o, "body": body})),
            (seconds(), body.clone())
                .prop_map(|(t, body)| json!({"op": "timeout", "as": "tm0", "t": t, "body": body})),
            body.prop_map(|body| json!({"op": "group", "as": "g0", "body": body})),
        ]
    })
}

fn block(level: usize) -> impl Strategy<Value = Vec<Value>> {
    vec(statement(level), 0..6)
}

/// A program as JSON, which is what a failure prints: it can be given to the command as it is.
pub(super) fn program() -> impl Strategy<Value = String> {
    let objects = json!({
        "L0": ["lock"], "E0": ["event"], "C0": ["cond"], "S0": ["sem", 1], "Q0": ["queue", 1],
        "B0": ["barrier", 2], "F0": ["future"],
    });
    (block(0), block(1), block(2), block(3)).prop_map(move |(main, f0, f1, f2)| {
        json!({"objects": objects, "funcs": {"f0": f0, "f1": f1, "f2": f2}, "main": main}).to_string()
    })
}

/// So many programs as JSON, the same ones everywhere.
///
/// # Panics
/// Never: the strategy rejects nothing.
pub fn generated(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let strategy = program();
    (0..count)
        .map(|_| strategy.new_tree(&mut runner).expect("the strategy rejects nothing").current())
        .collect()
}
