//! The follower against a model: random sequences of what routers, rotations and people do to logs, with
//! passes, planned deaths and restarts between them.
//!
//! The model knows which whole lines stand in which file, and which of them a pass could have read. In the
//! end every line that a pass could have read, or that still stands in a file of the source, is stored
//! exactly once; a line that was destroyed unread may be missing, but then a gap says so.
//!
//! A fixed seed makes the gate repeatable. `ROUTETOP_TEST_CASES`, `ROUTETOP_TEST_STEPS` (the mean
//! length of a sequence) and `ROUTETOP_TEST_SEED` widen it: the long run of a release is
//!
//! ```sh
//! ROUTETOP_TEST_CASES=10000 ROUTETOP_TEST_STEPS=50 cargo test --locked --lib ingest::tests::model
//! ```

use proptest::prelude::*;

use super::world::{Action, Source, World};

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        12 => (1..30_usize).prop_map(Action::Append),
        4 => Just(Action::Partial),
        5 => Just(Action::Rotate),
        1 => Just(Action::RenameBack),
        2 => any::<bool>().prop_map(|is_slow| Action::Pack { is_slow }),
        2 => (0..9_usize, any::<bool>())
            .prop_map(|(between, is_seen)| Action::CopyTruncate { between, is_seen }),
        1 => Just(Action::CopyTruncateAway),
        1 => Just(Action::Copy),
        1 => (1..9_usize).prop_map(Action::AppendToCopy),
        2 => (1..30_usize, any::<bool>())
            .prop_map(|(lines, is_seen)| Action::Rewrite { lines, is_seen }),
        1 => Just(Action::RewriteSame),
        2 => (1..100_usize, any::<bool>())
            .prop_map(|(percent, is_torn)| Action::Shrink { percent, is_torn }),
        1 => any::<bool>().prop_map(|is_seen| Action::Delete { is_seen }),
        12 => Just(Action::Step),
        4 => Just(Action::Restart),
        3 => (0..12_u32, any::<bool>())
            .prop_map(|(calls, is_stored)| Action::Kill { calls, is_stored }),
    ]
}

/// Reads a number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn budget() -> ProptestConfig {
    ProptestConfig {
        cases: number("ROUTETOP_TEST_CASES").map_or(400, |cases| u32::try_from(cases).unwrap()),
        rng_seed: proptest::test_runner::RngSeed::Fixed(number("ROUTETOP_TEST_SEED").unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let mean = number("ROUTETOP_TEST_STEPS").map_or(25, |steps| usize::try_from(steps).unwrap());
    prop::collection::vec(action(), 1..2 * mean)
}

proptest! {
    #![proptest_config(budget())]

    #[test]
    fn every_line_is_stored_exactly_once(
        source in prop_oneof![Just(Source::File), Just(Source::Glob), Just(Source::Folder)],
        has_preamble in any::<bool>(),
        actions in actions(),
    ) {
        let mut world = World::new(source, has_preamble);
        world.append(1);
        world.step();
        for action in &actions {
            world.play(action);
        }
        world.check();
    }
}
