//! A program writes words; a test compares the list.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use counterpoint_runtime as asyncio;
use counterpoint_runtime::{Error, Result, get_running_loop};

/// The words of a program, and the tick that it counts from.
#[derive(Clone, Default)]
pub struct Log {
    words: Rc<RefCell<Vec<String>>>,
    origin: Rc<Cell<u64>>,
}

impl Log {
    pub fn say(&self, word: impl Display) {
        self.words.borrow_mut().push(word.to_string());
    }

    #[track_caller]
    pub fn check(&self, words: &[&str]) {
        assert_eq!(*self.words.borrow(), words);
    }

    /// Ticks are counted from here.
    pub fn start(&self) {
        self.origin.set(ticks());
    }

    /// Writes the word and the ticks since the start.
    pub fn tick(&self, word: impl Display) {
        self.say(format!("{word} {}", ticks() - self.origin.get()));
    }
}

pub fn ticks() -> u64 {
    get_running_loop().expect("a test's program runs on a loop").ticks()
}

/// Runs the program and compares the words that it wrote.
#[track_caller]
pub fn check<P>(program: P, words: &[&str])
where
    P: AsyncFnOnce(Log) -> Result<()> + 'static,
{
    let log = Log::default();
    let theirs = log.clone();
    // Boxed, so that the loop's code is compiled once and not for each program.
    let program: Pin<Box<dyn Future<Output = Result<()>>>> = Box::pin(async move { program(theirs).await });
    asyncio::run(program).expect("the program succeeds");
    log.check(words);
}

/// One word for how something ended.
pub fn word<T: Display>(outcome: &Result<T>) -> String {
    match outcome {
        Ok(value) => value.to_string(),
        Err(error) => error_word(error),
    }
}

/// As `word`, of what has no value to show.
pub fn end<T>(outcome: &Result<T>) -> String {
    outcome.as_ref().map_or_else(error_word, |_| "ok".to_owned())
}

fn error_word(error: &Error) -> String {
    if error.is_cancelled() {
        return error
            .message()
            .map_or_else(|| "cancelled".to_owned(), |message| format!("cancelled({message})"));
    }
    if error.is_timeout() {
        return "timeout".to_owned();
    }
    if !error.errors().is_empty() {
        let errors: Vec<_> = error.errors().iter().map(error_word).collect();
        return format!("[{}]", errors.join(" "));
    }
    error.message().map_or_else(|| format!("{:?}", error.kind()), str::to_owned)
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Gives way once.
pub async fn yield_now() -> Result<()> {
    asyncio::sleep(Duration::ZERO).await
}

/// Lets everything that is ready run its course.
pub async fn settle() -> Result<()> {
    for _ in 0..10 {
        yield_now().await?;
    }
    Ok(())
}

/// A task that never ends by itself.
pub async fn forever() -> Result<()> {
    asyncio::sleep(secs(1_000_000)).await
}

pub async fn fail(word: &'static str) -> Result<()> {
    Err(Error::msg(word))
}
