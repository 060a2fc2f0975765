//! Fingerprints of a dozen programs: what a seed does is a promise of a version.
//!
//! A change here is a change of what seeds and recordings mean: it is an entry of the changelog, never an accident.

use super::loop_for;
use counterpoint::explore::Profile;
use counterpoint_tests::difftest::Program;
use std::path::Path;

/// Golden program, fingerprint under fifo, fingerprint under any-ready with the program's number as seed.
const PINNED: [(u64, u64, u64); 12] = [
    (0, 0, 0),
    (7, 0, 0),
    (42, 0, 0),
    (99, 0, 0),
    (123, 0, 0),
    (150, 0, 0),
    (204, 0, 0),
    (251, 0, 0),
    (299, 0, 0),
    (310, 0, 0),
    (400, 0, 0),
    (499, 0, 0),
];

fn fingerprint(number: u64, profile: Profile) -> u64 {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("conformance/golden/programs/p{number:04}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let program = Program::from_json(&text).expect("a golden program is one");
    program.run_on(loop_for(profile, number)).fingerprint
}

#[test]
fn the_fingerprints_of_a_dozen_programs_are_those_of_this_version() {
    let found = PINNED.map(|(number, ..)| {
        (number, fingerprint(number, Profile::Fifo), fingerprint(number, Profile::AnyReady))
    });
    let text: String = found
        .iter()
        .map(|(number, fifo, any)| format!("    ({number}, {fifo:#018x}, {any:#018x}),\n"))
        .collect();
    assert!(found == PINNED, "the fingerprints are now\n{text}If that is meant, say so in the changelog.");
}
