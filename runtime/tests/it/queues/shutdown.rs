use crate::support::{check_order, give_way, settle};
use counterpoint_runtime as asyncio;

use asyncio::{ErrorKind, Queue, Result, create_task, run};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn a_queue_that_is_shut_down_gives_what_is_left() {
    check_order(
        |log| async move {
            let queue = Queue::new(1);
            queue.put_nowait(1)?;
            let (putting, joining) = (queue.clone(), queue.clone());
            let (putter_log, joiner_log) = (log.clone(), log.clone());
            let _putter = create_task(async move {
                putter_log.say_end("putter", &putting.put(2).await);
                Ok(())
            });
            let _joiner = create_task(async move {
                joiner_log.say_end("join", &joining.join().await);
                Ok(())
            });
            give_way().await?;
            queue.shutdown(false);
            settle().await?;
            log.say(format!("get {}", queue.get().await?));
            assert!(queue.is_shut_down());
            log.say_end("get", &queue.get().await);
            log.say_end("get_nowait", &queue.get_nowait());
            log.say(queue.put_nowait(1).unwrap_err().kind().name());
            Ok(())
        },
        &[
            "putter: QueueShutDown",
            "get 1",
            "get: QueueShutDown",
            "get_nowait: QueueShutDown",
            "QueueShutDown",
            "join: CancelledError",
        ],
    );
}

#[test]
fn an_immediate_shutdown_counts_what_it_drops_as_done() {
    check_order(
        |log| async move {
            let queue = Queue::new(2);
            queue.put_nowait(1)?;
            queue.put_nowait(2)?;
            let (putting, joining) = (queue.clone(), queue.clone());
            let (putter_log, joiner_log) = (log.clone(), log.clone());
            let _putter = create_task(async move {
                putter_log.say_end("putter", &putting.put(3).await);
                Ok(())
            });
            let _joiner = create_task(async move {
                joiner_log.say_end("join", &joining.join().await);
                Ok(())
            });
            give_way().await?;
            queue.shutdown(true);
            log.say(format!("size {} unfinished {}", queue.qsize(), queue.unfinished_tasks()));
            settle().await
        },
        &["size 0 unfinished 0", "join: ok", "putter: QueueShutDown"],
    );
}

#[test]
fn a_getter_is_woken_by_a_shutdown() {
    check_order(
        |log| async move {
            let queue = Queue::<u32>::new(0);
            let (getting, getter_log) = (queue.clone(), log.clone());
            let _getter = create_task(async move {
                getter_log.say_end("getter", &getting.get().await);
                Ok(())
            });
            give_way().await?;
            queue.shutdown(false);
            settle().await
        },
        &["getter: QueueShutDown"],
    );
}

#[test]
fn a_full_queue_that_is_shut_down_says_so_first() -> Result<()> {
    run(async {
        let queue = Queue::new(1);
        queue.put_nowait(1)?;
        queue.shutdown(false);
        assert_eq!(queue.put_nowait(2).unwrap_err().kind(), ErrorKind::QueueShutDown);
        assert_eq!(queue.put(2).await.unwrap_err().kind(), ErrorKind::QueueShutDown);
        Ok(())
    })
}

/// An item whose drop uses the queue that it was in.
struct Last {
    name: &'static str,
    queue: Queue<Last>,
    dropped: Rc<RefCell<Vec<String>>>,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.dropped.borrow_mut().push(format!("{} of {}", self.name, self.queue.qsize()));
    }
}

#[test]
fn an_item_that_is_dropped_may_use_the_queue() -> Result<()> {
    let dropped = Rc::new(RefCell::new(Vec::new()));
    let seen = dropped.clone();
    run(async move {
        let queue = Queue::new(0);
        for name in ["a", "b"] {
            queue.put(Last { name, queue: queue.clone(), dropped: dropped.clone() }).await?;
        }
        queue.shutdown(true);
        Ok(())
    })?;
    assert_eq!(*seen.borrow(), ["a of 0", "b of 0"]);
    Ok(())
}

#[test]
fn an_item_that_is_left_in_a_closed_loop_may_use_the_queue() -> Result<()> {
    let dropped = Rc::new(RefCell::new(Vec::new()));
    let seen = dropped.clone();
    run(async move {
        let queue = Queue::new(0);
        queue.put(Last { name: "a", queue: queue.clone(), dropped }).await
    })?;
    assert_eq!(*seen.borrow(), ["a of 0"]);
    Ok(())
}
