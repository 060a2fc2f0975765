//! Happy eyeballs: attempts to connect that begin one after the other, and the first to succeed wins
//! (`asyncio.staggered`, RFC 8305).
//!
//! Each attempt is a task of its own, and so is the wait for its turn: until the one before has failed, or a delay has
//! passed. The winner cancels all others.

use super::tcp::connect_to;
use crate::socket::Socket;
use counterpoint_runtime::kernel::LoopOwned;
use counterpoint_runtime::{Error, Event, ObjectKind, Result, Task, create_task, wait, wait_for};
use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// What the attempts share.
struct Race {
    addresses: Vec<SocketAddr>,
    local: Option<Vec<SocketAddr>>,
    delay: Duration,
    /// Of each attempt that has begun: its errors.
    errors: RefCell<Vec<Vec<Error>>>,
    tasks: RefCell<Vec<Task<()>>>,
    winner: RefCell<Option<Socket>>,
}

/// The first socket that connects; else the errors of all attempts, in the order of the addresses.
pub(super) async fn race(
    addresses: Vec<SocketAddr>,
    local: Option<Vec<SocketAddr>>,
    delay: Duration,
) -> Result<std::result::Result<Socket, Vec<Error>>> {
    let race = Race {
        addresses,
        local,
        delay,
        errors: RefCell::default(),
        tasks: RefCell::default(),
        winner: RefCell::default(),
    };
    let race = Runners(LoopOwned::new(ObjectKind::Combinator, race));
    let first = create_task(run_one(race.0.clone(), None));
    let mut running = vec![first.clone()];
    race.with(|race| race.tasks.borrow_mut().push(first));
    let mut done_count = 0;
    while done_count != running.len() {
        done_count = wait(running.clone()).await?.0.len();
        running = race.with(|race| race.tasks.borrow().clone()).unwrap_or_default();
    }
    let winner = race.with(|race| race.winner.take()).flatten();
    Ok(winner.ok_or_else(|| race.with(|race| race.errors.take()).unwrap_or_default().concat()))
}

/// Leaves no task running, however the race ends.
struct Runners(LoopOwned<Race>);

impl Runners {
    fn with<R>(&self, f: impl FnOnce(&Race) -> R) -> Option<R> {
        self.0.get().map(|race| f(&race))
    }
}

impl Drop for Runners {
    fn drop(&mut self) {
        if let Some(race) = self.0.get_quietly() {
            for task in race.tasks.borrow().iter() {
                task.cancel();
            }
        }
    }
}

/// Waits for its turn, makes a task for the next attempt, and makes its own.
fn run_one(race: LoopOwned<Race>, before_failed: Option<Event>) -> Pin<Box<dyn Future<Output = Result<()>>>> {
    Box::pin(async move {
        let Some(state) = race.get() else { return Ok(()) };
        if let Some(before) = before_failed {
            let turn = wait_for(async move { before.wait().await }, state.delay);
            turn.await.or_else(|error| if error.is_timeout() { Ok(()) } else { Err(error) })?;
        }
        let index = state.errors.borrow().len();
        let Some(address) = state.addresses.get(index).copied() else { return Ok(()) };
        state.errors.borrow_mut().push(Vec::new());
        let failed = Event::new();
        let next = create_task(run_one(race.clone(), Some(failed.clone())));
        state.tasks.borrow_mut().push(next);
        let mut errors = Vec::new();
        let connected = connect_to(&mut errors, address, state.local.as_deref()).await;
        state.errors.borrow_mut()[index] = errors;
        match connected {
            // Whatever it was, a cancellation as well: the next one's turn comes.
            Err(_) => failed.set(),
            Ok(socket) => state.win(index, socket),
        }
        Ok(())
    })
}

impl Race {
    fn win(self: &Rc<Race>, index: usize, socket: Socket) {
        let mut winner = self.winner.borrow_mut();
        if winner.is_some() {
            socket.close(); // two connected in one tick
            return;
        }
        *winner = Some(socket);
        for (at, task) in self.tasks.borrow().iter().enumerate() {
            if at != index {
                task.cancel();
            }
        }
    }
}
