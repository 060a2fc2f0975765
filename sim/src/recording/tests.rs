//! A recording survives its file, and a file that is not whole is refused.

use super::*;
use crate::explore::portfolio::Sampling;
use counterpoint_runtime::{Profile, Strategy};
use proptest::prelude::{Strategy as Values, *};

fn steps() -> impl Values<Value = Vec<RecordedStep>> {
    let step = ("[a-z:/#]{0,12}", any::<u32>(), any::<u32>(), any::<u16>())
        .prop_map(|(lane, rank, ready, check)| RecordedStep { lane, rank, ready, check });
    prop::collection::vec(step, 0..40)
}

prop_compose! {
    fn recordings()(
        name in ".{0,20}",
        fixed: bool,
        seed: u64,
        number: u64,
        steps_max in prop::option::of(0..u64::MAX),
        cost in prop::option::of((0u64..1 << 40, 0u64..1 << 40)),
        lessons: Option<u64>,
        fingerprint: u64,
        failure in prop::option::of((0..FailureKind::ALL.len(), any::<u64>(), ".{0,20}")),
        steps in steps(),
        processes in prop::collection::vec((".{0,9}", steps()), 0..3),
        draws in prop::collection::vec((0..Kind::ALL.len(), any::<u64>(), 1u64..), 0..9),
    ) -> Recording {
        let step_cost = cost.map(|(min, max)| (Duration::from_nanos(min), Duration::from_nanos(max)));
        let limits = Limits { ticks: None, steps: steps_max, time: Some(Duration::from_secs(3)) };
        let settings = Settings {
            seed,
            number,
            profile: Profile::Fifo,
            sampling: Sampling::Portfolio,
            limits,
            step_cost,
            tasks_must_end: fixed,
        };
        let failure = failure
            .map(|(kind, digest, message)| RecordedFailure { kind: FailureKind::ALL[kind], digest, message });
        let processes =
            processes.into_iter().map(|(host, steps)| RecordedProcess { host, steps }).collect();
        let draws =
            draws.into_iter().map(|(kind, key, value)| Drawn { kind: Kind::ALL[kind], key, value }).collect();
        let strategy = Strategy::Pos;
        Recording { name, fixed, settings, strategy, lessons, steps, processes, draws, fingerprint, failure }
    }
}

proptest! {
    #[test]
    fn a_recording_survives_its_file(recording in recordings()) {
        prop_assert_eq!(Recording::from_bytes(&recording.to_bytes()), Ok(recording));
    }

    #[test]
    fn one_changed_byte_is_refused(recording in recordings(), at: prop::sample::Index, change in 1u8..) {
        let mut bytes = recording.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(Recording::from_bytes(&bytes).is_err());
    }

    #[test]
    fn a_file_that_was_cut_off_is_refused(recording in recordings(), at: prop::sample::Index) {
        let bytes = recording.to_bytes();
        prop_assert!(Recording::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_at_all_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = b"counterpoint recording 3\n".to_vec();
        file.extend(&bytes);
        let mut digest = Digest::new();
        digest.bytes(&file);
        file.extend(digest.value().to_le_bytes());
        let _ = Recording::from_bytes(&file);
        prop_assert_eq!(Recording::from_bytes(&bytes), Err(RecordingError::Foreign));
    }
}

#[test]
fn a_recording_of_another_version_says_so() {
    let error = Recording::from_bytes(b"counterpoint recording 2\nwhatever").expect_err("another version");
    assert_eq!(error, RecordingError::Version("2".to_owned()));
    assert!(error.to_string().contains("has version 2 of the format, and this program reads version 3"));
}
