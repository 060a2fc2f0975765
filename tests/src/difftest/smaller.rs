//! Makes a program that differs small: drops statements while it still differs (ddmin).
//!
//! Works on the JSON, where everything that can go is an element of some list: a statement of a block,
//! a step of the driver, an element of a combinator. Halves are tried first, then quarters, down to
//! single elements; then each block is tried in place of the statement around it; then functions and
//! objects that nothing names are dropped.
//!
//! Knows nothing of CPython: the caller judges a whole round of candidates at once, because starting
//! an interpreter for each would take minutes.

use serde_json::Value;

/// A way from the program to one of its parts.
type Path = Vec<Key>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Field(String),
    Place(usize),
}

/// The smallest program found for which `differs` still holds; it holds for the one given.
///
/// `differs` answers for a round of candidates at once.
pub(super) fn shrink(mut program: Value, mut differs: impl FnMut(&[Value]) -> Vec<bool>) -> Value {
    let mut try_all = |program: &mut Value, candidates: Vec<Value>| {
        let found = differs(&candidates).into_iter().position(|differs| differs);
        if let Some(place) = found {
            *program = candidates[place].clone();
        }
        found.is_some()
    };
    loop {
        let mut size = elements(&program).len().div_ceil(2);
        let mut shrunk = false;
        while size > 0 {
            let parts = elements(&program);
            let candidates = parts.chunks(size).map(|chunk| without(&program, chunk)).collect();
            if try_all(&mut program, candidates) {
                shrunk = true;
            } else {
                size /= 2;
            }
        }
        let candidates = bodies(&program).iter().map(|path| unwrapped(&program, path)).collect();
        if !try_all(&mut program, candidates) && !shrunk {
            break;
        }
    }
    while try_all_unnamed(&mut program, &mut try_all) {}
    program
}

fn try_all_unnamed(program: &mut Value, try_all: &mut impl FnMut(&mut Value, Vec<Value>) -> bool) -> bool {
    let candidates =
        unnamed(program).iter().map(|path| without(program, std::slice::from_ref(path))).collect();
    try_all(program, candidates)
}

/// Every element that can be dropped, in the order of the text.
fn elements(program: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    visit(program, &mut Vec::new(), &mut |path, value| {
        if let Value::Array(items) = value {
            let step = path == [Key::Field("drive".to_owned())];
            for (place, item) in items.iter().enumerate() {
                if step || item.get("op").is_some() || item.get("a").is_some() {
                    found.push(path.iter().cloned().chain([Key::Place(place)]).collect());
                }
            }
        }
    });
    found
}

/// Every statement that has a body, which can stand in its place.
fn bodies(program: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    visit(program, &mut Vec::new(), &mut |path, value| {
        if value.get("op").is_some() && value.get("body").is_some() {
            found.push(path.to_vec());
        }
    });
    found
}

/// The functions and objects whose names stand nowhere else.
fn unnamed(program: &Value) -> Vec<Path> {
    let mut words = Vec::new();
    visit(program, &mut Vec::new(), &mut |_, value| words.extend(value.as_str().map(str::to_owned)));
    let mut found = Vec::new();
    for kind in ["funcs", "objects", "cbs", "protos"] {
        for name in program[kind].as_object().into_iter().flat_map(|map| map.keys()) {
            if !words.contains(name) {
                found.push(vec![Key::Field(kind.to_owned()), Key::Field(name.clone())]);
            }
        }
    }
    found
}

fn visit(value: &Value, path: &mut Path, each: &mut impl FnMut(&[Key], &Value)) {
    each(path, value);
    let mut inside = |key, value| {
        path.push(key);
        visit(value, path, each);
        path.pop();
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| inside(Key::Place(place), item))
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| inside(Key::Field(name.clone()), field))
        }
        _ => {}
    }
}

/// The program without the parts; a part may lie within another.
fn without(program: &Value, parts: &[Path]) -> Value {
    let mut program = program.clone();
    // From the end, so that a place still means what it meant, and what is inside goes before what is around.
    for path in parts.iter().rev() {
        let (last, around) = path.split_last().expect("the whole program is no part of itself");
        match (part(&mut program, around), last) {
            (Value::Array(items), Key::Place(place)) => drop(items.remove(*place)),
            (Value::Object(fields), Key::Field(name)) => drop(fields.remove(name)),
            _ => unreachable!("a path of this program leads to a part of it"),
        }
    }
    program
}

/// The program with a statement's body in place of the statement.
fn unwrapped(program: &Value, path: &[Key]) -> Value {
    let mut program = program.clone();
    let Some((Key::Place(place), around)) = path.split_last() else {
        unreachable!("a statement is an element of a block");
    };
    if let Value::Array(items) = part(&mut program, around)
        && let Some(Value::Array(body)) = items[*place].get("body").cloned()
    {
        items.splice(place..=place, body);
    }
    program
}

fn part<'a>(program: &'a mut Value, path: &[Key]) -> &'a mut Value {
    path.iter().fold(program, |value, key| match key {
        Key::Field(name) => &mut value[name.as_str()],
        Key::Place(place) => &mut value[*place],
    })
}

/// The program as lines: a statement of each function on a line.
pub(super) fn shown(program: &Value) -> String {
    let mut text = String::new();
    let block = |statements: &Value| -> String {
        let statements = statements.as_array().into_iter().flatten();
        statements.map(|statement| format!("    {statement}\n")).collect()
    };
    for (name, value) in program.as_object().into_iter().flatten() {
        match name.as_str() {
            "funcs" | "cbs" => {
                for (function, statements) in value.as_object().into_iter().flatten() {
                    text += &format!("  {name} {function}:\n{}", block(statements));
                }
            }
            "main" | "drive" | "handler" => text += &format!("  {name}:\n{}", block(value)),
            "v" | "seed" | "profile" => {}
            _ => text += &format!("  {name}: {value}\n"),
        }
    }
    text
}
