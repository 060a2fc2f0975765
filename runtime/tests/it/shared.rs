//! `Shared`: values whose reads and writes are seen.

use crate::support::{give_way, panic_of, settle};
use counterpoint_runtime as asyncio;

use asyncio::schedule::{Touch, conflict};
use asyncio::trace::Event;
use asyncio::{EventLoop, Shared, create_task, run};
use std::panic::AssertUnwindSafe;

#[test]
fn a_clone_is_the_same_value() {
    run(async {
        let one = Shared::new(vec![1]);
        let other = one.clone();
        other.with_mut(|list| list.push(2));
        assert_eq!((one.get(), one.with(Vec::len)), (vec![1, 2], 2));
        one.set(vec![]);
        assert_eq!(other.update(|list| list.iter().copied().chain([7]).collect()), [7]);
        assert_eq!(format!("{:?}", one.named("list")), "Shared `list` [[7]]");
        Ok(())
    })
    .expect("it ends well");
}

#[test]
fn a_handle_goes_wherever_handles_go_whatever_the_value_is() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Shared<std::rc::Rc<u32>>>();
}

#[test]
fn read_and_write_give_way_first_and_plain_calls_do_not() {
    run(async {
        let value = Shared::new(0);
        let other = value.clone();
        let task = create_task(async move {
            other.set(other.get() + 1);
            other.write(other.get() + 1).await?;
            Ok(())
        });
        assert_eq!(value.read().await?, 1, "the task ran before, up to its write");
        assert_eq!(value.read().await?, 2);
        task.await?;
        Ok(())
    })
    .expect("it ends well");
}

#[test]
fn a_cancelled_write_writes_nothing() {
    run(async {
        let value = Shared::new(0);
        let other = value.clone();
        let task = create_task(async move { other.write(1).await });
        give_way().await?;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        drop(value.write(2));
        settle().await?;
        assert_eq!(value.get(), 0);
        Ok(())
    })
    .expect("it ends well");
}

#[test]
fn reads_commute_and_writes_conflict_and_reports_name_the_value() {
    let event_loop = EventLoop::builder().trace(true).seen(true).build();
    let ended = event_loop.run_until_complete(async {
        let balance = Shared::new(100).named("balance");
        let tasks = [false, false, true].map(|writes| {
            let balance = balance.clone();
            create_task(async move {
                match writes {
                    false => drop(balance.get()),
                    true => balance.set(1),
                }
                Ok(())
            })
        });
        for task in tasks {
            task.await?;
        }
        Ok(())
    });
    ended.expect("it ends well");
    let seen = event_loop.take_seen().expect("it was asked for");
    let steps: Vec<_> = seen.steps().iter().map(|step| seen.touched(step)).collect();
    let [first, second, third] = [steps[1], steps[2], steps[3]];
    assert!(!conflict(first, second));
    assert!(conflict(first, third) && conflict(third, second));
    assert!(third.iter().any(|touched| touched.touch == Touch::Write));
    let trace = event_loop.take_trace().expect("it was asked for");
    let told = trace.iter().any(|event| match event {
        Event::Step(step) => {
            step.footprint.iter().any(|access| access.object == "Shared `balance`" && access.write)
        }
        _ => false,
    });
    assert!(told);
}

#[test]
fn misuse_is_a_panic_that_says_what_to_do() {
    let outside = panic_of(|| drop(Shared::new(1)));
    assert!(outside.starts_with("Shared was used outside of a running event loop"), "{outside}");
    let kept = run(async { Ok(Shared::new(1)) }).expect("it ends well");
    let closed = panic_of(AssertUnwindSafe(|| kept.set(2)));
    assert!(closed.contains("closed event loop"), "{closed}");
    let nested = panic_of(|| {
        let _ = run(async {
            let value = Shared::new(1);
            value.with(|_| value.set(2));
            Ok(())
        });
    });
    assert!(nested.contains("inside of its own `with`"), "{nested}");
}
