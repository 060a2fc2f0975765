//! A failure shrinks to what it needs; its token survives edits of the program, or says what no longer fits.

use counterpoint as asyncio;

use asyncio::explore::{
    Hunt, Hunted, Matched, Profile, Shrunk, Token, TokenError, TokenVerdict, replay_token,
};
use asyncio::sim::rng;
use asyncio::sim::{Latency, Link, Simulation, World};
use asyncio::{Event, Lock, TaskBuilder, create_task, sleep};
use rand::Rng;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// How a program was edited since its failure was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    None,
    /// Another task runs beside all others.
    Task,
    /// Every task gives way once more as it begins.
    Suspension,
    /// A wait is for something else.
    Wait,
    /// The tasks have other names.
    Names,
    /// The bug is repaired.
    Repaired,
}

async fn give_way(times: u32) -> asyncio::Result<()> {
    for _ in 0..times {
        sleep(Duration::ZERO).await?;
    }
    Ok(())
}

async fn begin(edit: Edit) -> asyncio::Result<()> {
    give_way(u32::from(edit == Edit::Suspension)).await
}

fn begin_run(edit: Edit) {
    if edit == Edit::Task {
        TaskBuilder::new().name("unrelated").create_task(give_way(5));
    }
}

/// Lets others run meanwhile.
async fn pause(edit: Edit) -> asyncio::Result<()> {
    if edit != Edit::Wait {
        return give_way(1).await;
    }
    let event = Event::new();
    let set = event.clone();
    asyncio::get_running_loop()?.call_soon(move || set.set());
    event.wait().await
}

async fn teller(balance: Rc<Cell<u32>>, edit: Edit) -> asyncio::Result<()> {
    begin(edit).await?;
    let seen = balance.get();
    if edit == Edit::Repaired {
        balance.set(seen + 1);
        return pause(edit).await;
    }
    pause(edit).await?;
    balance.set(seen + 1);
    Ok(())
}

async fn lost_update(edit: Edit) -> asyncio::Result<()> {
    begin_run(edit);
    begin(edit).await?;
    let balance = Rc::new(Cell::new(0));
    let names = if edit == Edit::Names { ["carol", "dave"] } else { ["alice", "bob"] };
    let alice = TaskBuilder::new().name(names[0]).create_task(teller(balance.clone(), edit));
    let late = balance.clone();
    let bob = TaskBuilder::new().name(names[1]).create_task(async move {
        pause(edit).await?;
        teller(late, edit).await
    });
    alice.await?;
    bob.await?;
    assert!(balance.get() == 2, "the balance is {}, not 2", balance.get());
    Ok(())
}

async fn both(first: Lock, second: Lock, edit: Edit) -> asyncio::Result<()> {
    begin(edit).await?;
    let _first = first.acquire().await?;
    give_way(1).await?;
    let _second = second.acquire().await?;
    Ok(())
}

async fn abba(edit: Edit) -> asyncio::Result<()> {
    begin_run(edit);
    begin(edit).await?;
    let (a, b) = (Lock::new().named("a"), Lock::new().named("b"));
    let one = create_task(both(a.clone(), b.clone(), edit));
    let late = async move {
        begin(edit).await?;
        give_way(2).await?;
        both(b, a, Edit::None).await
    };
    let other = create_task(late);
    one.await?;
    other.await
}

fn program(name: &str, edit: Edit) -> Simulation {
    match name {
        "abba" => Simulation::new(move || abba(edit)),
        _ => Simulation::new(move || lost_update(edit)),
    }
    .named(name)
}

fn found(simulation: &Simulation) -> Hunted {
    Hunt::new(simulation).runs(0..1_000).coverage(false).start()
}

#[track_caller]
fn shrunk(simulation: &Simulation) -> Shrunk {
    let finding = found(simulation).findings.into_iter().next().expect("it is found");
    finding.shrunk.expect("it comes back")
}

fn verdict(name: &str, edit: Edit, token: &Token) -> TokenVerdict {
    replay_token(&program(name, edit), token).expect("the names are the same").verdict
}

#[test]
fn a_token_survives_a_task_more_and_a_suspension_more() {
    let (mut survived, mut tried) = ([0, 0], 0);
    for name in ["lost-update", "abba"] {
        for seed in 0..20 {
            let token = shrunk(&program(name, Edit::None).seed(seed)).token;
            tried += 1;
            for (count, edit) in survived.iter_mut().zip([Edit::Task, Edit::Suspension]) {
                *count += u32::from(matches!(verdict(name, edit, &token), TokenVerdict::Same(_)));
            }
        }
    }
    assert!(survived.iter().all(|count| *count * 10 >= tried * 9), "of {tried} survived {survived:?}");
}

#[test]
fn a_token_says_how_it_was_matched() {
    let matched = |token, edit| match verdict("lost-update", edit, token) {
        TokenVerdict::Same(matched) => matched,
        other => panic!("{other}"),
    };
    let tokens: Vec<Token> =
        (0..10).map(|seed| shrunk(&program("lost-update", Edit::None).seed(seed)).token).collect();
    assert!(tokens.iter().all(|token| matched(token, Edit::None) == Matched::Exactly));
    assert!(tokens.iter().any(|token| matched(token, Edit::Wait) == Matched::AnyWait));
}

#[test]
fn a_token_that_fits_nothing_says_so_and_never_passes() {
    let token = shrunk(&program("lost-update", Edit::None)).token;
    let replayed = replay_token(&program("lost-update", Edit::Names), &token).expect("the same name");
    let TokenVerdict::Stale(text) = &replayed.verdict else { panic!("{}", replayed.verdict) };
    assert!(text.contains("it fits nothing in the program any more: the run passed"), "{text}");
    assert_eq!(replayed.unmet, ["a task that it names no longer runs, or has another name"]);

    let TokenVerdict::Gone(text) = verdict("lost-update", Edit::Repaired, &token) else {
        panic!("the steps are all there")
    };
    assert!(text.contains("Either the bug is repaired"), "{text}");
}

#[test]
fn a_token_of_another_program_is_refused() {
    let token = shrunk(&program("abba", Edit::None)).token;
    let error = replay_token(&program("lost-update", Edit::None), &token).expect_err("it is another");
    assert_eq!(error, TokenError::OtherScenario { tried: "lost-update".to_owned() });
    assert!(error.to_string().contains("of another program than `lost-update`"), "{error}");
}

#[test]
fn what_fails_in_the_ordinary_order_needs_nothing() {
    let simulation = Simulation::new(|| async { panic!("always") }).named("always");
    let shrunk = shrunk(&simulation);
    assert_eq!((shrunk.profile, shrunk.constraints.len()), (Profile::Fifo, 0));
    assert_eq!(shrunk.sentence, "It fails in asyncio's own order, with nothing out of the ordinary.");
    assert!(shrunk.token.to_string().len() < 20, "{}", shrunk.token);
}

#[test]
fn random_numbers_that_are_needed_are_kept() {
    let simulation = Simulation::new(|| async {
        assert!(rng().next_u32() % 8 != 3, "an unlucky number");
        Ok(())
    });
    let shrunk = shrunk(&simulation);
    assert!(shrunk.sentence.contains("with random numbers from seed "), "{}", shrunk.sentence);
    let replayed = replay_token(&simulation, &shrunk.token).expect("it is of this simulation");
    assert_eq!(replayed.verdict, TokenVerdict::Same(Matched::Exactly));
}

/// A datagram is late, or lost: the listener gives up.
async fn impatient(world: World) -> asyncio::Result<()> {
    let latency = Latency::exponential(Duration::from_millis(10), Duration::from_millis(10));
    world.links(Link::new().latency(latency))?;
    world.host("server").start(|| async {
        let server = asyncio::start_server(|_, _| async { Ok(()) }, None, 80).await?;
        server.serve_forever().await
    })?;
    let client = world.host("client").start(|| async {
        let began = asyncio::get_running_loop()?.time();
        asyncio::open_connection("server", 80).await?;
        let took = asyncio::get_running_loop()?.time() - began;
        assert!(took < Duration::from_millis(60), "to connect took too long");
        Ok(())
    });
    client?.join().await
}

#[test]
fn a_late_packet_is_named_with_who_sent_it() {
    let simulation = Simulation::with_world(impatient).named("impatient");
    let shrunk = shrunk(&simulation);
    assert_eq!(shrunk.profile, Profile::Fifo);
    assert!(shrunk.sentence.contains("packet from client to server (SYN) takes "), "{}", shrunk.sentence);
    assert!(shrunk.report().contains("only the network is out of the ordinary"), "{}", shrunk.report());
    assert!(shrunk.is_proven);
}

#[test]
fn a_hunt_that_is_not_to_shrink_does_not() {
    let simulation = program("lost-update", Edit::None);
    let hunted = Hunt::new(&simulation).shrink_runs(0).start();
    assert!(hunted.findings[0].shrunk.is_none());
    let hunted = Hunt::new(&simulation).shrink_runs(3).start();
    let shrunk = hunted.findings[0].shrunk.as_ref().expect("there is a little");
    assert!(shrunk.is_exhausted && !shrunk.is_proven && shrunk.sentence.starts_with("It fails if "));
}
