//! A vote is counted twice after a retried request, and one term has two leaders.
//!
//! ```text
//! voter C                   candidate A (needs 3 of 5)        candidate B
//!                           asks C
//! grants A its vote
//!                           has no answer yet: asks C again
//! grants A its vote, again  counts C twice: leads
//!                                                             has D and E: leads as well
//! ```
//!
//! A voter may say twice what it said once; the candidate may not count it twice. Two things must come
//! together: the retry, and a split of the votes. In the ordinary order the answers are there before anybody
//! asks again. The fixed candidate counts who voted, not how many votes came.

use crate::give_way;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::gather;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// An election among five, with retries.
pub fn scenario() -> Scenario {
    Scenario::new("duplicate-vote", "a vote is counted twice after a retry, and one term has two leaders")
        .teaches(
            "Count who answered, not how many answers came: a request that is retried is answered twice.",
        )
        .program(buggy)
        .fixed(fixed)
}

/// Two candidates and three voters: each candidate votes for itself and needs two more.
const VOTERS: usize = 3;
const NEEDED: usize = 2;

/// Whom each voter has voted for in this term.
type Votes = Rc<[Cell<Option<char>>; VOTERS]>;

/// What a candidate has heard, in the order of arrival.
type Heard = Rc<RefCell<Vec<usize>>>;

/// Asks one voter once; a voter stays with whom it voted for first.
async fn request_vote(votes: Votes, candidate: char, voter: usize, heard: Heard) -> asyncio::Result<()> {
    give_way(1).await?; // to the voter
    let granted_to = votes[voter].get().unwrap_or(candidate);
    votes[voter].set(Some(granted_to));
    give_way(1).await?; // and back
    if granted_to == candidate {
        heard.borrow_mut().push(voter);
    }
    Ok(())
}

/// Asks a voter, and once more if it has not granted its vote after a while.
async fn ask(votes: Votes, candidate: char, voter: usize, heard: Heard) -> asyncio::Result<()> {
    let first = asyncio::create_task(request_vote(votes.clone(), candidate, voter, heard.clone()));
    give_way(4).await?;
    if !first.done() {
        request_vote(votes, candidate, voter, heard).await?;
    }
    first.await
}

/// Asks everyone, in an order of its own; the votes that came.
async fn candidate(votes: Votes, name: char, order: [usize; VOTERS]) -> asyncio::Result<Vec<usize>> {
    let heard = Heard::default();
    let asks = order.map(|voter| ask(votes.clone(), name, voter, heard.clone()));
    gather(asks).await?;
    Ok(heard.take())
}

async fn elect(count: fn(Vec<usize>) -> usize) -> asyncio::Result<()> {
    let votes = Votes::default();
    let (a, b) = gather((candidate(votes.clone(), 'A', [0, 1, 2]), candidate(votes, 'B', [2, 1, 0]))).await?;
    let leaders = [count(a), count(b)].into_iter().filter(|votes| *votes >= NEEDED).count();
    assert!(leaders <= 1, "a term has at most one leader, but this one has {leaders}");
    Ok(())
}

async fn buggy() -> asyncio::Result<()> {
    elect(|heard| heard.len()).await
}

async fn fixed() -> asyncio::Result<()> {
    elect(|heard| heard.into_iter().collect::<BTreeSet<_>>().len()).await
}
