use crate::support::{Log, check_order, give_way, settle};
use counterpoint_runtime as asyncio;

use asyncio::{ErrorKind, LifoQueue, Queue, Result, Task, create_task, run};

fn getter(queue: &Queue<u32>, log: &Log, name: &'static str) -> Task<()> {
    let (queue, log) = (queue.clone(), log.clone());
    create_task(async move {
        match queue.get().await {
            Ok(item) => log.say(format!("{name}: {item}")),
            Err(error) => log.say(format!("{name}: {}", error.kind().name())),
        }
        Ok(())
    })
}

fn putter(queue: &Queue<u32>, log: &Log, name: &'static str, item: u32) -> Task<()> {
    let (queue, log) = (queue.clone(), log.clone());
    create_task(async move {
        log.say_end(name, &queue.put(item).await);
        Ok(())
    })
}

#[test]
fn items_leave_in_the_order_of_coming() -> Result<()> {
    run(async {
        let queue = Queue::new(0);
        for item in [1, 2, 3] {
            queue.put(item).await?;
        }
        assert_eq!((queue.qsize(), queue.empty(), queue.full()), (3, false, false));
        for item in [1, 2, 3] {
            assert_eq!(queue.get().await?, item);
        }
        assert!(queue.empty());
        Ok(())
    })
}

#[test]
fn the_newest_item_leaves_a_stack_first() -> Result<()> {
    run(async {
        let stack = LifoQueue::new(2).named("stack");
        stack.put(1).await?;
        stack.put_nowait(2)?;
        assert!(stack.full());
        assert_eq!((stack.get_nowait()?, stack.get().await?), (2, 1));
        Ok(())
    })
}

#[test]
fn a_robbed_getter_goes_to_the_back_of_the_line() {
    check_order(
        |log| async move {
            let queue = Queue::new(0);
            let _getters = ["first", "second"].map(|name| getter(&queue, &log, name));
            give_way().await?;
            queue.put_nowait(1)?; // wakes `first` …
            log.say(format!("main: {}", queue.get_nowait()?)); // … which finds nothing
            give_way().await?;
            queue.put_nowait(2)?;
            queue.put_nowait(3)?;
            settle().await
        },
        &["main: 1", "second: 2", "first: 3"],
    );
}

#[test]
fn a_robbed_putter_goes_to_the_back_of_the_line() {
    check_order(
        |log| async move {
            let queue = Queue::new(1);
            queue.put_nowait(0)?;
            let _first = putter(&queue, &log, "first", 1);
            let _second = putter(&queue, &log, "second", 2);
            give_way().await?;
            queue.get_nowait()?;
            queue.put_nowait(9)?;
            give_way().await?;
            for _ in 0..3 {
                log.say(queue.get_nowait()?.to_string());
                settle().await?;
            }
            Ok(())
        },
        &["9", "second: ok", "2", "first: ok", "1"],
    );
}

#[test]
fn a_getter_that_is_cancelled_after_the_put_passes_the_wake_up_on() {
    check_order(
        |log| async move {
            let queue = Queue::new(0);
            let first = getter(&queue, &log, "first");
            let _second = getter(&queue, &log, "second");
            give_way().await?;
            queue.put_nowait(1)?;
            first.cancel();
            settle().await
        },
        &["first: CancelledError", "second: 1"],
    );
}

#[test]
fn a_putter_that_is_cancelled_after_the_get_passes_the_wake_up_on() {
    check_order(
        |log| async move {
            let queue = Queue::new(1);
            queue.put_nowait(0)?;
            let first = putter(&queue, &log, "first", 1);
            let _second = putter(&queue, &log, "second", 2);
            give_way().await?;
            queue.get_nowait()?;
            first.cancel();
            settle().await?;
            log.say(queue.get_nowait()?.to_string());
            Ok(())
        },
        &["first: CancelledError", "second: ok", "2"],
    );
}

#[test]
fn a_put_steps_over_a_cancelled_getter() {
    check_order(
        |log| async move {
            let queue = Queue::new(0);
            let first = getter(&queue, &log, "first");
            let _second = getter(&queue, &log, "second");
            give_way().await?;
            first.cancel();
            queue.put_nowait(1)?;
            settle().await
        },
        &["first: CancelledError", "second: 1"],
    );
}

#[test]
fn a_join_that_was_woken_returns_even_if_items_came_since() {
    check_order(
        |log| async move {
            let queue = Queue::new(0);
            queue.put_nowait(1)?;
            let _joiner = create_task({
                let (queue, log) = (queue.clone(), log.clone());
                async move {
                    log.say_end("join", &queue.join().await);
                    Ok(())
                }
            });
            give_way().await?;
            queue.task_done()?;
            queue.put_nowait(2)?;
            settle().await?;
            log.say(format!("unfinished {}", queue.unfinished_tasks()));
            Ok(())
        },
        &["join: ok", "unfinished 1"],
    );
}

#[test]
fn a_refused_item_comes_back() -> Result<()> {
    run(async {
        let queue = Queue::new(1);
        queue.put_nowait(String::from("first"))?;
        let refused = queue.put_nowait(String::from("second")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::QueueFull);
        assert_eq!(refused.into_item(), "second");
        let error: asyncio::Error = queue.put_nowait(String::from("third")).unwrap_err().into();
        assert_eq!(error.kind(), ErrorKind::QueueFull);
        assert_eq!(queue.get_nowait()?, "first");
        assert_eq!(queue.get_nowait().unwrap_err().kind(), ErrorKind::QueueEmpty);
        Ok(())
    })
}

#[test]
fn a_task_done_too_many_is_an_error() -> Result<()> {
    run(async {
        let queue = Queue::new(0);
        queue.put_nowait(1)?;
        queue.task_done()?;
        let error = queue.task_done().unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Value, Some("task_done() called too many times"))
        );
        Ok(())
    })
}

#[test]
fn a_queue_of_a_closed_loop_is_inert() -> Result<()> {
    let queue = run(async { Ok(Queue::new(1)) })?;
    assert_eq!((queue.qsize(), queue.maxsize(), queue.full()), (0, 0, false));
    let refused = queue.put_nowait("back").unwrap_err();
    assert_eq!((refused.kind(), refused.into_item()), (ErrorKind::Runtime, "back"));
    assert_eq!(queue.get_nowait().unwrap_err().kind(), ErrorKind::Runtime);
    assert_eq!(queue.task_done().unwrap_err().kind(), ErrorKind::Runtime);
    queue.shutdown(true);
    Ok(())
}

#[test]
fn handles_and_futures_go_where_send_is_asked_for() {
    fn check<T: Send + Sync>(_: fn() -> T) {}
    type NotSend = std::rc::Rc<()>;
    check(|| -> Queue<NotSend> { unreachable!() });
    check(|| -> asyncio::PriorityQueue<NotSend> { unreachable!() });
    check(|| -> asyncio::QueueGet<'static, NotSend> { unreachable!() });
    check(|| -> asyncio::QueueJoin<'static, NotSend> { unreachable!() });
    check(|| -> asyncio::QueuePut<'static, u32> { unreachable!() });
    check(|| -> asyncio::Semaphore { unreachable!() });
    check(|| -> asyncio::SemaphoreAcquire<'static> { unreachable!() });
    check(|| -> asyncio::ConditionWait<'static> { unreachable!() });
    check(|| -> asyncio::BarrierWait<'static> { unreachable!() });
    check(|| -> asyncio::EventWait<'static> { unreachable!() });
}
