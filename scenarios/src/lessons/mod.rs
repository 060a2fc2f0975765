//! Lessons in scheduling order: the programs of an introduction to asyncio, each with the rule behind it.
//!
//! A lesson says its lines, which a trace shows beside the steps, and checks in the end that they came in the order
//! that the rule tells. Most rules hold in every profile; `equal-deadlines` and `sleep-zero` tell what is asyncio's own
//! order and stay in the `fifo` profile.
//!
//! To add one: a file here with a `scenario` function, a line below, and a line in [`all`](crate::all).

pub mod as_completed;
pub mod await_coroutine;
pub mod await_task;
pub mod cancel_before_start;
pub mod cancel_suppressed;
pub mod create_task_later;
pub mod echo_server;
pub mod equal_deadlines;
pub mod future_callback;
pub mod gather;
pub mod gather_failing_child;
pub mod lock_hand_over;
pub mod shield;
pub mod sleep_zero;
pub mod starvation;
pub mod task_group_abort;
pub mod timeout;
pub mod wait;

use counterpoint as asyncio;

use asyncio::{get_running_loop, sleep, trace};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What a lesson has said, and in which turn of the loop.
#[derive(Clone, Default)]
pub(crate) struct Lines(Rc<RefCell<Vec<(String, u64)>>>);

impl Lines {
    /// Says a line, at the step that runs now.
    pub(crate) fn say(&self, line: impl Into<String>) {
        let line = line.into();
        trace::log(line.as_str());
        let turn = get_running_loop().expect("a lesson speaks while its loop runs").ticks();
        self.0.borrow_mut().push((line, turn));
    }

    /// These lines were said, in this order.
    #[track_caller]
    pub(crate) fn check(&self, expected: &[&str]) {
        let said = self.0.borrow();
        let said: Vec<&str> = said.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(said, expected, "a lesson says its lines in the order that its rule tells");
    }

    /// So many turns of the loop lie between two lines that were said.
    #[track_caller]
    pub(crate) fn turns_between(&self, earlier: &str, later: &str) -> u64 {
        let turn_of = |line: &str| {
            let said = self.0.borrow();
            let found = said.iter().find(|(other, _)| other == line);
            found.unwrap_or_else(|| panic!("the lesson never said: {line}")).1
        };
        turn_of(later) - turn_of(earlier)
    }
}

/// Computes a sum, slowly.
pub(crate) async fn compute(lines: Lines, x: u32, y: u32) -> asyncio::Result<u32> {
    lines.say(format!("computing {x} + {y}"));
    sleep(Duration::from_secs(1)).await?;
    Ok(x + y)
}

/// Prints a sum that another coroutine computes.
pub(crate) async fn print_sum(lines: Lines, x: u32, y: u32) -> asyncio::Result<()> {
    let sum = compute(lines.clone(), x, y).await?;
    lines.say(format!("{x} + {y} = {sum}"));
    Ok(())
}

/// Cooks a dish for some minutes, and gives its name.
pub(crate) async fn cook(lines: Lines, dish: &'static str, minutes: u64) -> asyncio::Result<&'static str> {
    sleep(Duration::from_secs(60 * minutes)).await?;
    lines.say(format!("{dish} is ready"));
    Ok(dish)
}
