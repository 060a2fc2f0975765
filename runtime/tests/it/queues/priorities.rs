use crate::support::{give_way, panic_of};
use counterpoint_runtime as asyncio;

use asyncio::{PriorityQueue, Queue, Result, create_task, run};
use std::cell::Cell;
use std::cmp::{Ordering, Reverse};

/// Compared by the first alone; the second tells equals apart.
#[derive(Clone, Copy, Debug)]
struct Ranked(u32, u32);

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.0 == other.0
    }
}
impl Eq for Ranked {}
impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        self.0.cmp(&other.0)
    }
}

#[test]
fn the_least_item_leaves_first() -> Result<()> {
    run(async {
        let (least, greatest) = (PriorityQueue::new(0), PriorityQueue::new(0).named("greatest"));
        for item in [3, 1, 2] {
            least.put(item).await?;
            greatest.put_nowait(Reverse(item))?;
        }
        for item in [1, 2, 3] {
            assert_eq!(least.get().await?, item);
            assert_eq!(greatest.get_nowait()?, Reverse(4 - item));
        }
        Ok(())
    })
}

#[test]
fn equal_items_leave_as_heapq_leaves_them() -> Result<()> {
    run(async {
        let queue = PriorityQueue::new(0);
        for number in 0..10 {
            queue.put_nowait(Ranked(0, number))?;
        }
        for number in [0, 2, 6, 9, 8, 5, 7, 4, 1, 3] {
            assert_eq!(queue.get_nowait()?.1, number);
        }
        Ok(())
    })
}

#[test]
fn puts_and_gets_between_each_other_leave_as_heapq_leaves_them() -> Result<()> {
    // The numbers are what CPython 3.13.0 printed for the same steps.
    let expected = [
        1, 3, 8, 13, 16, 19, 23, 26, 27, 28, 31, 32, 36, 33, 39, 41, 35, 42, 43, 37, 38, 9, 29, 11, 21, 24,
        5, 15, 0, 17, 22, 20, 14, 34, 30, 18, 12, 7, 4, 25, 10, 2, 6, 40,
    ];
    run(async move {
        let (queue, mut left, mut number) = (PriorityQueue::new(0), Vec::new(), 0);
        let mut x: u64 = 7;
        for _ in 0..60 {
            x = (x * 1_103_515_245 + 12_345) % (1 << 31);
            if !(x >> 16).is_multiple_of(3) || queue.empty() {
                queue.put_nowait(Ranked(((x >> 20) % 4) as u32, number))?;
                number += 1;
            } else {
                left.push(queue.get_nowait()?.1);
            }
        }
        while let Ok(item) = queue.get_nowait() {
            left.push(item.1);
        }
        assert_eq!(left, expected);
        Ok(())
    })
}

#[test]
fn a_priority_queue_is_a_queue() -> Result<()> {
    async fn drain(queue: &Queue<u32>) -> Result<Vec<u32>> {
        let mut items = Vec::new();
        while !queue.empty() {
            items.push(queue.get().await?);
            queue.task_done()?;
        }
        Ok(items)
    }
    run(async {
        let queue = PriorityQueue::new(2);
        let putter = create_task({
            let queue = queue.clone();
            async move {
                for item in [5, 4, 3] {
                    queue.put(item).await?;
                }
                Ok(())
            }
        });
        give_way().await?;
        assert!(queue.full());
        assert_eq!(queue.get().await?, 4);
        putter.await?;
        assert_eq!(drain(&queue).await?, [3, 5]);
        assert_eq!(queue.unfinished_tasks(), 1);
        Ok(())
    })
}

thread_local! {
    static NOSY: Cell<Option<PriorityQueue<Nosy>>> = const { Cell::new(None) };
}

/// Uses the queue while it is compared, or panics.
struct Nosy {
    panics: bool,
}

impl PartialEq for Nosy {
    fn eq(&self, _: &Nosy) -> bool {
        true
    }
}
impl Eq for Nosy {}
impl PartialOrd for Nosy {
    fn partial_cmp(&self, other: &Nosy) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Nosy {
    fn cmp(&self, _: &Nosy) -> Ordering {
        assert!(!self.panics, "incomparable");
        let Some(queue) = NOSY.take() else { return Ordering::Equal };
        assert_eq!(queue.qsize(), 1, "looking is fine");
        let _ = queue.put_nowait(Nosy { panics: false });
        Ordering::Equal
    }
}

#[test]
fn an_item_that_uses_the_queue_while_it_is_compared_is_told() {
    let message = panic_of(|| {
        let _ = run(async {
            let queue = PriorityQueue::new(0);
            queue.put_nowait(Nosy { panics: false })?;
            NOSY.set(Some(queue.clone()));
            queue.put_nowait(Nosy { panics: false })?;
            Ok(())
        });
    });
    assert!(message.contains("while it was being compared"), "{message}");
}

#[test]
fn a_comparison_that_panics_loses_no_item() -> Result<()> {
    run(async {
        let queue = PriorityQueue::new(0);
        queue.put_nowait(Nosy { panics: false })?;
        let put = std::panic::AssertUnwindSafe(|| queue.put_nowait(Nosy { panics: true }));
        assert_eq!(panic_of(move || drop({ put }())), "incomparable");
        // As in CPython the item is in, although the put failed.
        assert_eq!((queue.qsize(), queue.unfinished_tasks()), (2, 1));
        assert!(!queue.get_nowait()?.panics);
        assert!(queue.get_nowait()?.panics);
        Ok(())
    })
}
