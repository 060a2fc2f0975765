//! Scenarios: classic concurrency bugs with their fixes, and lessons in scheduling order.
//!
//! | module | what lives there |
//! |---|---|
//! | [`bugs`] | one story a file, `buggy` and `fixed` side by side |
//! | [`lessons`] | one ordering rule a file; the program checks the order of its own lines |
//!
//! [`all`] is the list that the `counterpoint` binary offers. Every program is written as a user would write it; all
//! that the bugs share is `give_way`, a name for time that passes, and `calls`, a line there and a line back.

#![deny(missing_docs)]

pub mod bugs;
mod calls;
pub mod lessons;

use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::sleep;
use std::time::Duration;

/// Every scenario, in the order in which the command line lists them: from the simplest on.
pub fn all() -> Vec<Scenario> {
    use bugs::*;
    use lessons::*;
    vec![
        await_coroutine::scenario(),
        await_task::scenario(),
        create_task_later::scenario(),
        sleep_zero::scenario(),
        equal_deadlines::scenario(),
        starvation::scenario(),
        future_callback::scenario(),
        gather::scenario(),
        wait::scenario(),
        as_completed::scenario(),
        gather_failing_child::scenario(),
        cancel_before_start::scenario(),
        cancel_suppressed::scenario(),
        shield::scenario(),
        timeout::scenario(),
        task_group_abort::scenario(),
        lock_hand_over::scenario(),
        echo_server::scenario(),
        lost_update::scenario(),
        double_init::scenario(),
        bank_audit::scenario(),
        lost_update_rpc::scenario(),
        msg_reorder_stale::scenario(),
        lazy01::scenario(),
        wronglock::scenario(3),
        barrier_reuse::scenario(),
        abba::scenario(),
        dining::scenario(3),
        dining::scenario(4),
        rwr_deadlock::scenario(),
        lost_wakeup::scenario(),
        status_after_stop::scenario(),
        timeout_vs_reply::scenario(),
        timeout_leaks_sender::scenario(),
        retry_executes_twice::scenario(),
        first_completed_double::scenario(),
        gather_sibling_leak::scenario(),
        cancel_leaves_lock::scenario(),
        cancel_breaks_invariant::scenario(),
        stale_leader_write::scenario(),
        duplicate_vote::scenario(),
        reorder::scenario(5),
        reorder::scenario(20),
    ]
}

/// Gives way so many times: the time that something takes, in turns of the loop instead of seconds.
///
/// Nothing can happen before a timer while a task is ready, so what is to race must not sleep.
pub(crate) async fn give_way(times: u32) -> asyncio::Result<()> {
    for _ in 0..times {
        sleep(Duration::ZERO).await?;
    }
    Ok(())
}
