//! Futures that are dropped halfway, and tasks that are aborted: no item and no wake-up may be lost.

use crate::support::{give_way, poll_once, settle};
use counterpoint_runtime as asyncio;

use asyncio::{Queue, Result, create_task, run};
use std::future::Future;
use std::rc::Rc;

/// Begins a wait and leaves it pending.
async fn begin<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).await.is_none(), "it has to wait");
    future
}

#[test]
fn an_item_announced_to_a_dropped_get_goes_to_the_next() -> Result<()> {
    run(async {
        let queue = Queue::new(0);
        let halfway = begin(queue.get()).await;
        let next = create_task({
            let queue = queue.clone();
            async move { queue.get().await }
        });
        give_way().await?;
        queue.put_nowait(1)?;
        drop(halfway);
        settle().await?;
        assert_eq!(next.result()?, 1);
        Ok(())
    })
}

#[test]
fn a_place_announced_to_a_dropped_put_goes_to_the_next() -> Result<()> {
    run(async {
        let queue = Queue::new(1);
        queue.put_nowait(0)?;
        let halfway = begin(queue.put(1)).await;
        let next = create_task({
            let queue = queue.clone();
            async move { queue.put(2).await }
        });
        give_way().await?;
        assert_eq!(queue.get_nowait()?, 0);
        drop(halfway);
        settle().await?;
        next.result()?;
        assert_eq!(queue.get_nowait()?, 2);
        assert!(queue.empty());
        Ok(())
    })
}

#[test]
fn a_dropped_get_that_was_not_woken_leaves_the_line() -> Result<()> {
    run(async {
        let queue = Queue::new(0);
        let first = begin(queue.get()).await;
        let mut second = begin(queue.get()).await;
        drop(first);
        queue.put_nowait(1)?;
        assert_eq!(second.as_mut().await?, 1);
        Ok(())
    })
}

#[test]
fn a_dropped_put_drops_its_item_and_no_other() -> Result<()> {
    run(async {
        let (queue, item) = (Queue::new(1), Rc::new(()));
        queue.put_nowait(item.clone())?;
        let halfway = begin(queue.put(item.clone())).await;
        assert_eq!(Rc::strong_count(&item), 3);
        drop(halfway);
        assert_eq!((Rc::strong_count(&item), queue.qsize()), (2, 1));
        drop(queue.get_nowait()?);
        settle().await?;
        assert_eq!(Rc::strong_count(&item), 1);
        Ok(())
    })
}

#[test]
fn a_dropped_join_leaves_the_others() -> Result<()> {
    run(async {
        let queue = Queue::new(0);
        queue.put_nowait(1)?;
        let first = begin(queue.join()).await;
        let mut second = begin(queue.join()).await;
        drop(first);
        queue.task_done()?;
        second.as_mut().await
    })
}

#[test]
fn an_aborted_getter_passes_the_wake_up_on() -> Result<()> {
    run(async {
        let queue = Queue::new(0);
        let [first, second] = [(); 2].map(|()| {
            let queue = queue.clone();
            create_task(async move { queue.get().await })
        });
        give_way().await?;
        queue.put_nowait(1)?;
        first.abort();
        settle().await?;
        assert_eq!(second.result()?, 1);
        Ok(())
    })
}
