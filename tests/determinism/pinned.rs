//! Fingerprints of a dozen programs: what a seed does is a promise of a version.
//!
//! A change here is a change of what seeds and recordings mean: it is an entry of the changelog, never an accident.

use super::loop_for;
use counterpoint::explore::Profile;
use counterpoint_tests::difftest::Program;
use std::path::Path;

/// Golden program, fingerprint under fifo, fingerprint under any-ready with the program's number as seed.
const PINNED: [(u64, u64, u64); 12] = [
    (0, 0xe4be_e774_56e1_c117, 0x7a28_39ab_545f_09ef),
    (7, 0x37ff_bdd5_5905_46a9, 0x1c2f_1fd3_0ef1_b88d),
    (42, 0x231a_054e_2e68_d9f0, 0x5961_8372_35c3_cf45),
    (99, 0xb449_459d_13d9_a26d, 0xdf30_3e5c_2221_23ec),
    (123, 0x9532_95f9_e93d_33a5, 0x29fa_4351_105d_f749),
    (150, 0xf475_a2fc_7b6e_4bbd, 0x259f_5fa9_a4ac_c85e),
    (204, 0x08a0_74a7_1456_772e, 0x8e7f_7485_01b4_036a),
    (251, 0xfce3_f21c_e759_f89e, 0x14a7_6032_9762_803a),
    (299, 0x2454_2b38_9651_00fe, 0x303f_bfdb_bc48_b041),
    (310, 0xdcf9_813e_955c_b24d, 0x65b6_5867_e519_6b62),
    (400, 0x8b3e_f54f_201f_8f8a, 0x0cbe_be85_2911_6ea6),
    (499, 0x9ab0_096c_629d_6652, 0x98b3_8157_4a18_4653),
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
