//! The picture of a run, as text.

use crate::run::Simulation;
use crate::world::{Partition, World};
use counterpoint_net::{EventLoopExt, Latency, Link};
use counterpoint_runtime as asyncio;
use std::time::Duration;

async fn teller(lock: asyncio::Lock) -> asyncio::Result<()> {
    let _held = lock.acquire().await?;
    asyncio::sleep(Duration::ZERO).await
}

async fn bank() -> asyncio::Result<()> {
    let ledger = asyncio::Lock::new().named("ledger");
    let task = asyncio::create_task(teller(ledger.clone()));
    asyncio::sleep(Duration::ZERO).await?;
    drop(ledger.acquire().await?);
    tracing::info!(amount = 3, "audited");
    task.await
}

/// The picture; places in this crate are left out.
fn picture(profile: asyncio::Profile, seed: u64) -> String {
    let text = Simulation::new(bank).profile(profile).seed(seed).trace(true).run().interleaving();
    text.trim_end().to_owned()
}

#[test]
fn each_step_says_who_ran_and_what_it_waits_for() {
    let expected = "\
All steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.

   1  ●    bank    starts, creates `teller`, gives way
   2  │ ●  teller  starts, gives way
   3  ● │  bank    goes on, waits for Lock `ledger`, held by `teller`
   4  │ ●  teller  goes on, ends
   5  ●    bank    has Lock `ledger`, ends
                   log: INFO audited amount=3";
    assert_eq!(picture(asyncio::Profile::Fifo, 0), expected);
}

#[test]
fn a_step_that_ran_early_says_whom_it_overtook() {
    let pictures: Vec<String> = (0..20).map(|seed| picture(asyncio::Profile::AnyReady, seed)).collect();
    let early = pictures.iter().find(|picture| picture.contains('◆')).expect("some seed is not in order");
    assert!(early.contains("ran before `teller`, which was ready earlier"), "{early}");
}

struct Deaf;

impl counterpoint_net::DatagramProtocol for Deaf {}

async fn listener() -> asyncio::Result<()> {
    let event_loop = asyncio::get_running_loop()?;
    let (_transport, _) = event_loop.create_datagram_endpoint(|| Deaf).local_addr("0.0.0.0", 9).await?;
    asyncio::sleep(Duration::MAX).await
}

async fn speaker() -> asyncio::Result<()> {
    let event_loop = asyncio::get_running_loop()?;
    let (transport, _) = event_loop.create_datagram_endpoint(|| Deaf).remote_addr("listener", 9).await?;
    for _ in 0..3 {
        transport.sendto("hello", None)?;
        asyncio::sleep(Duration::from_secs(1)).await?;
    }
    Ok(())
}

/// The first datagram arrives, the second meets a cut, the third a dead host.
async fn three_datagrams(world: World) -> asyncio::Result<()> {
    world.links(Link::new().latency(Latency::constant(Duration::from_millis(1))).bandwidth(0))?;
    let listener = world.host("listener").start(listener)?;
    let speaker = world.host("speaker").start(speaker)?;
    asyncio::sleep(Duration::from_millis(500)).await?;
    let cut = world.partition(&Partition::isolate(&listener))?;
    asyncio::sleep(Duration::from_secs(1)).await?;
    cut.heal();
    listener.crash();
    speaker.join().await
}

#[test]
fn packets_and_what_befalls_hosts_stand_between_the_steps_in_order_of_time() {
    let expected = "\
All steps, oldest first. Each column is a task: ● it runs, ◆ it runs before one that was ready earlier.

   1  00:00:00.000  ●      three_datagrams  starts, creates `listener` and `speaker`, sleeps
                                            listener starts
                                            speaker starts
   2                │ ● │  listener         starts, waits for a Future
   3                │ │ ●  speaker          starts, waits for a Future
   8                │ ● │  listener         has the result of a Future, sleeps
   9                │ │ ●  speaker          has the result of a Future, waits for a Future
  13                │ │ ●  speaker          has the result of a Future, sleeps
                                            speaker:<port> ─► listener:9  datagram of 5 bytes
      00:00:00.001  │ │ │                   listener:9 ◄─ speaker:<port>  datagram of 5 bytes
  15  00:00:00.500  ○ │ │  three_datagrams  its timer is due: it is ready
                    │ │ │                   links: listener is cut off from speaker
                    │ │ │                   links: speaker is cut off from listener
  16                ● │ │  three_datagrams  has slept, sleeps
  17  00:00:01.000  │ │ ○  speaker          its timer is due: it is ready
  18                │ │ ●  speaker          has slept, sleeps
                                            speaker:<port> ─► listener:9  datagram of 5 bytes
      00:00:01.001  │ │ │                   speaker:<port> ─✗ listener:9  datagram of 5 bytes: dropped by a cut
  19  00:00:01.500  ○ │ │  three_datagrams  its timer is due: it is ready
                    │ │ │                   links: listener is reached again by speaker
                    │ │ │                   links: speaker is reached again by listener
                    │   │                   listener crashes: the power is cut
  20                ●   │  three_datagrams  has slept, waits for Process `speaker`
  21  00:00:02.000  │   ○  speaker          its timer is due: it is ready
  22                │   ●  speaker          has slept, sleeps
                                            speaker:<port> ─► listener:9  datagram of 5 bytes
      00:00:02.001  │   │                   speaker:<port> ─✗ listener:9  datagram of 5 bytes: dropped: the host is down
  23  00:00:03.000  │   ○  speaker          its timer is due: it is ready
  24                │   ●  speaker          has slept, ends
                    │                       speaker ends
  25                ●      three_datagrams  is through `exit` of Process `speaker`, ends";
    let simulation = Simulation::with_world(three_datagrams).profile(asyncio::Profile::Fifo);
    let text = simulation.trace(true).run().interleaving();
    // The port is drawn: it is no business of this test.
    let port = text.split("speaker:").nth(1).and_then(|rest| rest.split(' ').next()).expect("it has sent");
    assert_eq!(text.replace(port, "<port>").trim_end(), expected);
}
