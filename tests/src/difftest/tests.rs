//! What holds for every program of the language, however it was made.

use super::Program;
use super::generate::program;
use proptest::prelude::*;
use serde_json::{Value, json};

fn parse(text: &str) -> Program {
    Program::from_json(text).expect("the strategy makes programs of the language")
}

proptest! {
    #[test]
    fn a_program_prints_the_same_trace_twice(text in program()) {
        let program = parse(&text);
        prop_assert_eq!(program.run(), program.run());
    }

    #[test]
    fn a_program_written_and_read_back_prints_the_same_trace(text in program()) {
        let program = parse(&text);
        let again = parse(&serde_json::to_string(&program).expect("a program is plain data"));
        prop_assert_eq!(program.run(), again.run());
    }

    #[test]
    fn every_trace_ends_with_the_states_of_tasks_and_objects(text in program()) {
        let trace = parse(&text).run();
        let last: Vec<&str> = trace.iter().filter_map(|line| line.split(" = ").nth(1)).collect();
        prop_assert!(last.iter().any(|line| line.starts_with("main ")), "{trace:#?}");
        for object in ["L0 locked=", "Q0 items=", "F0 "] {
            prop_assert!(last.iter().any(|line| line.starts_with(object)), "{trace:#?}");
        }
    }
}

#[test]
fn a_differing_program_is_made_small() {
    let program = json!({
        "objects": {"L0": ["lock"], "E0": ["event"]},
        "funcs": {"f0": [{"op": "log", "m": "unused"}]},
        "main": [
            {"op": "log", "m": "before"},
            {"op": "try", "body": [{"op": "set", "o": "E0"}, {"op": "log", "m": "guilty"}], "except": []},
            {"op": "spawn", "f": "f0", "as": "t0"},
        ],
    });
    let guilty =
        |candidates: &[Value]| candidates.iter().map(|it| it.to_string().contains("guilty")).collect();
    let small = super::smaller::shrink(program, guilty);
    assert_eq!(small, json!({"objects": {}, "funcs": {}, "main": [{"op": "log", "m": "guilty"}]}));
}
