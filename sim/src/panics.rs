//! A panic of the program under test: kept for the report instead of printed.
//!
//! The process has one panic hook. Ours is set when the first run begins; it keeps silent on a thread while a run is
//! active there, and passes on to the hook before it everywhere else.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// What a panic said, and where.
#[derive(Clone, Debug)]
pub(crate) struct Panic {
    pub(crate) message: String,
    /// `file:line`.
    pub(crate) place: Option<String>,
}

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static PANICS: RefCell<Vec<Panic>> = const { RefCell::new(Vec::new()) };
}

static HOOK: Once = Once::new();

/// Runs `f` as a part of a run of this thread; a panic becomes a value.
pub(crate) fn caught<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            if ACTIVE.try_with(Cell::get).unwrap_or(false) {
                note(info);
            } else {
                previous(info);
            }
        }));
    });
    // A run within a run stays a part of the outer one.
    let outer = ACTIVE.replace(true);
    let ran = catch_unwind(AssertUnwindSafe(f));
    ACTIVE.set(outer);
    let panics = PANICS.take();
    ran.map_err(|payload| {
        let message = text_of(&*payload);
        // One that was caught by the program itself, or came after the first, is not this one.
        let found = panics.into_iter().find(|panic| panic.message == message);
        found.unwrap_or(Panic { message, place: None })
    })
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
    let panic = Panic { message: text_of(info.payload()), place };
    let _ = PANICS.try_with(|panics| panics.borrow_mut().push(panic));
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a value that is not text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_place() {
        let panic = caught(|| panic!("lost {}", 3)).expect_err("it panicked");
        assert_eq!(panic.message, "lost 3");
        assert!(panic.place.expect("a place").contains("panics.rs:"));
    }

    #[test]
    fn a_panic_that_the_program_catches_is_not_the_one_that_ends_it() {
        let panic = caught(|| {
            let _ = catch_unwind(|| panic!("caught"));
            panic!("not caught")
        });
        assert_eq!(panic.expect_err("it panicked").message, "not caught");
        assert!(caught(|| ()).is_ok());
    }
}
