//! Ticks between cause and effect, as measured on CPython 3.13.

use crate::support::{check_ticks, give_way, tick_after, ticks};
use counterpoint_runtime as asyncio;

use asyncio::Queue;

#[test]
fn a_put_and_a_get_that_need_not_wait_take_no_tick() {
    check_ticks(
        || async {
            let (queue, start) = (Queue::new(1), ticks());
            queue.put(1).await?;
            queue.get().await?;
            Ok(ticks() - start)
        },
        0,
    );
}

#[test]
fn an_item_takes_one_tick_to_its_getter() {
    check_ticks(
        || async {
            let queue = Queue::new(0);
            let getter = tick_after({
                let queue = queue.clone();
                async move { queue.get().await }
            });
            give_way().await?;
            let cause = ticks();
            queue.put_nowait(1)?;
            Ok(getter.await? - cause)
        },
        1,
    );
}

#[test]
fn a_free_place_takes_one_tick_to_its_putter() {
    check_ticks(
        || async {
            let queue = Queue::new(1);
            queue.put_nowait(1)?;
            let putter = tick_after({
                let queue = queue.clone();
                async move { queue.put(2).await }
            });
            give_way().await?;
            let cause = ticks();
            queue.get_nowait()?;
            Ok(putter.await? - cause)
        },
        1,
    );
}

#[test]
fn the_last_item_done_takes_one_tick_to_who_joins() {
    check_ticks(
        || async {
            let queue = Queue::new(0);
            queue.put_nowait(1)?;
            let joiner = tick_after({
                let queue = queue.clone();
                async move { queue.join().await }
            });
            give_way().await?;
            let cause = ticks();
            queue.task_done()?;
            Ok(joiner.await? - cause)
        },
        1,
    );
}

#[test]
fn a_queue_with_nothing_unfinished_is_joined_at_once() {
    check_ticks(
        || async {
            let (queue, start) = (Queue::<u32>::new(0), ticks());
            queue.join().await?;
            Ok(ticks() - start)
        },
        0,
    );
}
