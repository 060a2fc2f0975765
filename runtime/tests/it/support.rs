//! What the tests share: a list of words to compare, and small steps of a program.

use counterpoint_runtime as asyncio;

use asyncio::{Result, Task, run};
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// What happened, in order.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn say(&self, word: impl Into<String>) {
        self.0.borrow_mut().push(word.into());
    }

    /// `name: ok`, or the name of the error in asyncio.
    pub fn say_end<T>(&self, name: &str, result: &Result<T>) {
        let end = result.as_ref().map_or_else(|error| error.kind().name(), |_| "ok");
        self.say(format!("{name}: {end}"));
    }

    pub fn words(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

/// Runs a program and compares what it said.
#[track_caller]
pub fn check_order<F>(program: impl FnOnce(Log) -> F, expected: &[&str])
where
    F: Future<Output = Result<()>> + 'static,
{
    let log = Log::default();
    run(program(log.clone())).expect("the program itself ends well");
    assert_eq!(log.words(), expected);
}

/// Runs a program that measures ticks.
#[track_caller]
pub fn check_ticks<F>(program: impl FnOnce() -> F, expected: u64)
where
    F: Future<Output = Result<u64>> + 'static,
{
    assert_eq!(run(program()).expect("the program itself ends well"), expected);
}

/// Gives way once.
pub async fn give_way() -> Result<()> {
    asyncio::sleep(Duration::ZERO).await
}

/// Runs until nothing is ready in any of these tests.
pub async fn settle() -> Result<()> {
    for _ in 0..12 {
        give_way().await?;
    }
    Ok(())
}

pub fn ticks() -> u64 {
    asyncio::get_running_loop().expect("called from a program").ticks()
}

/// A task that awaits something and returns the tick in which that ended.
pub fn tick_after<T>(wait: impl Future<Output = Result<T>> + 'static) -> Task<u64> {
    asyncio::create_task(async move {
        wait.await?;
        Ok(ticks())
    })
}

/// Polls a future once, and says whether it was ready.
pub async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// The message of the panic that a program ends in.
#[track_caller]
pub fn panic_of(program: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(program).expect_err("it should have panicked");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| String::new(), |message| (*message).to_owned())
        }
    }
}
