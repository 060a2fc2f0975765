//! What a thread is told of virtual time where no loop can be asked.

use counterpoint_runtime::{EventLoop, Instant, Result, get_running_loop, sleep, virtual_time};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The time of the loop that runs and of the thread's clock, which must be one.
fn agreed() -> Result<Instant> {
    let time = get_running_loop()?.time();
    assert_eq!(virtual_time(), time);
    Ok(time)
}

#[test]
fn the_clock_of_a_thread_goes_with_timers_charges_and_costs_of_steps() {
    let event_loop = EventLoop::builder().step_cost(millis(1), millis(9)).build();
    let ran = event_loop.run_until_complete(async {
        let begun = agreed()?;
        sleep(millis(20)).await?;
        assert!(agreed()? >= begun + millis(20));
        let slept = agreed()?;
        get_running_loop()?.charge(millis(3));
        assert_eq!(agreed()?, slept + millis(3));
        sleep(Duration::ZERO).await?;
        assert!(agreed()? > slept + millis(3), "a step costs time");
        Ok(())
    });
    ran.expect("it ends well");
}

#[test]
fn the_clock_of_a_thread_is_that_of_the_loop_that_runs() {
    let (event_loop, other) = (EventLoop::new(), EventLoop::new());
    let other_times = Rc::new(Cell::new(0));
    let seen = other_times.clone();
    let _timer = other.call_later(millis(30), move || {
        seen.set(seen.get() + 1);
        get_running_loop().expect("this one").charge(millis(500));
        agreed().map(|_| ())
    });
    other.run_in_thread().expect("it does not run yet");
    let ran = event_loop.run_until_complete(async move {
        get_running_loop()?.charge(millis(10));
        for _ in 0..4 {
            sleep(millis(20)).await?;
            agreed()?;
        }
        other.stop();
        sleep(Duration::ZERO).await?;
        drop(EventLoop::new()); // made and closed, it leaves the clock as it was
        agreed()
    });
    assert_eq!(ran.expect("it ends well"), Instant::ZERO + millis(90));
    assert_eq!(other_times.get(), 1);
}

#[test]
fn a_destructor_at_the_close_sees_the_time_of_its_loop() {
    struct Looks(Rc<Cell<Instant>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.set(virtual_time());
        }
    }
    let seen = Rc::new(Cell::new(Instant::ZERO));
    let event_loop = EventLoop::new();
    let looks = Looks(seen.clone());
    let _timer = event_loop.call_later(millis(1_000), move || drop(looks));
    event_loop.run_until_complete(sleep(millis(70))).expect("it ends well");
    drop(EventLoop::new());
    event_loop.close().expect("it does not run");
    assert_eq!(seen.get(), Instant::ZERO + millis(70));
}
