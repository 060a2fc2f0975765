//! Tokens as text, and texts that are none.

use super::*;
use crate::outcome::FailureKind;
use proptest::prelude::*;

fn any_step() -> impl Strategy<Value = KeptStep> {
    let some = (0u32..1 << 24, 0u32..1 << 24, 0u32..40, 0u32..400)
        .prop_map(|(lane, awaited, visit, nth)| KeptStep { lane, awaited, visit, nth });
    prop_oneof![some, (0u32..1 << 24).prop_map(|lane| KeptStep { lane, ..KeptStep::default() })]
}

fn any_kept() -> impl Strategy<Value = Kept> {
    prop_oneof![
        (any::<u32>(), any_step(), any_step()).prop_map(|(in_loop, held, until)| Kept::Hold {
            in_loop,
            held,
            until
        }),
        (0u32..2, any_step(), any::<u32>()).prop_map(|(in_loop, from, steps)| Kept::Burst {
            in_loop,
            from,
            steps
        }),
        (prop::sample::select(&Kind::ALL[..]), any::<u64>(), any::<u64>())
            .prop_map(|(kind, key, value)| Kept::Draw(Drawn { kind, key, value })),
    ]
}

prop_compose! {
    fn any_token()(
        scenario in 0u32..1 << SCENARIO_BITS,
        fixed: bool,
        profile in prop::sample::select(&Profile::ALL[..]),
        data_seed in prop_oneof![Just(0), any::<u64>()],
        kept in prop::collection::vec(any_kept(), 0..6),
        failure in 0u32..1 << HASH_BITS,
    ) -> Token {
        Token { scenario, fixed, profile, data_seed, kept, failure }
    }
}

proptest! {
    #[test]
    fn a_token_is_read_as_it_was_written(token in any_token()) {
        prop_assert_eq!(token.to_string().parse(), Ok(token));
    }

    #[test]
    fn a_token_that_is_cut_off_says_so(token in any_token(), keep in any::<prop::sample::Index>()) {
        let text = token.to_string();
        let cut = &text[..4 + keep.index(text.len() - 4)];
        let error = cut.parse::<Token>().expect_err("it is cut off");
        prop_assert!(matches!(error, TokenError::Truncated { .. }), "{:?}", error);
    }

    #[test]
    fn a_wrong_letter_is_noticed(token in any_token(), at in any::<prop::sample::Index>(), letter in "[A-Za-z0-9_-]") {
        let text = token.to_string();
        let at = 4 + at.index(text.len() - 4);
        let mut wrong = text.clone();
        wrong.replace_range(at..=at, &letter);
        prop_assert!(wrong == text || wrong.parse::<Token>().is_err());
    }

    #[test]
    fn swapped_letters_are_noticed(token in any_token(), at in any::<prop::sample::Index>()) {
        let mut letters: Vec<char> = token.to_string().chars().collect();
        let at = 4 + at.index(letters.len() - 5);
        letters.swap(at, at + 1);
        let wrong: String = letters.iter().collect();
        prop_assert!(wrong == token.to_string() || wrong.parse::<Token>().is_err());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(CP1-)?\\PC{0,80}") {
        let _ = text.parse::<Token>();
    }

    #[test]
    fn no_letters_make_the_reader_panic(body in "[A-Za-z0-9_-]{0,80}") {
        let text = format!("CP1-{}{body}", length_letters(body.len() + CHECKSUM_LETTERS));
        let text = format!("{text}{}", bits::checksum(&text));
        if let Ok(token) = text.parse::<Token>() {
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }
    }
}

fn holds(count: u32) -> Token {
    let step = |number: u32| KeptStep { lane: number * 77, awaited: 0x12_3456, visit: 1, nth: 2 };
    let hold = |number| Kept::Hold { in_loop: 0, held: step(number), until: step(number + 1) };
    let failure = Identity::new(FailureKind::Panic, Some("src/bank.rs:3"), "lost", Vec::new());
    let deviations = Deviations::none(0, Profile::AnyReady);
    let token = Token::new("lost-update", &deviations, &failure, |_, _| None);
    Token { kept: (1..=count).map(hold).collect(), ..token }
}

#[test]
fn a_token_of_few_constraints_is_short() {
    let lengths = [0, 1, 2, 3].map(|count| holds(count).to_string().len());
    assert_eq!(lengths, [18, 36, 46, 57], "{}", holds(3));
}

#[test]
fn a_token_knows_its_program_and_its_failure() {
    let token = holds(1);
    assert!(token.is_of("lost-update") && !token.is_of("abba"));
    let failure = |place| Identity::new(FailureKind::Panic, Some(place), "lost", Vec::new());
    assert!(token.is_failure(&failure("src/bank.rs:13")) && !token.is_failure(&failure("src/till.rs:3")));
}

#[test]
fn each_text_that_is_no_token_has_a_sentence() {
    let text = holds(1).to_string();
    let mistyped = text.chars().rev().collect::<String>();
    let mistyped = format!("CP1-{}", &mistyped[..mistyped.len() - 4]);
    let longer = format!("{text}A");
    let cases = [
        ("hunter2", "not a token"),
        ("CP-", "not a token"),
        ("", "not a token"),
        ("CP2-AAAA", "has version 2 of the format, and this program reads version 1"),
        ("CP1-", "is cut off: 0 of its 1 letters are there"),
        (&text[..20], "is cut off: 15 of its 31 letters are there"),
        (longer.as_str(), "is mistyped"),
        ("CP1-DAAA", "is mistyped"),
        ("CP1-DAéA", "is mistyped"),
    ];
    for (text, says) in cases {
        let error = text.parse::<Token>().expect_err("it is no token").to_string();
        assert!(error.contains(says), "`{text}`: {error}");
    }
    assert!(mistyped.parse::<Token>().is_err());
}
