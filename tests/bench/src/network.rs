//! W5 and W6: TCP echoes of 64 bytes between hosts over links of a millisecond, with the whole TCP machine in between.

use counterpoint::explore::{Profile, Strategy};
use counterpoint::net::{TcpListener, TcpStream};
use counterpoint::sim::{Latency, Link, Ratio, Simulation, World};
use counterpoint::{Result, create_task, sleep};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MESSAGE: usize = 64;

/// Clients that each send so many messages and wait for the same bytes; how many came back right.
pub fn echoes(profile: Profile, strategy: Strategy, seed: u64, clients: u64, rounds: u64) -> u64 {
    let right = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&right);
    let simulation =
        Simulation::with_world(move |world| program(world, clients, rounds, Arc::clone(&counted)));
    let run = simulation.profile(profile).strategy(strategy).step_limit(u64::MAX).seed(seed).run();
    assert!(run.outcome.is_passed(), "{}", run.report());
    right.load(Ordering::Relaxed)
}

async fn program(world: World, clients: u64, rounds: u64, right: Arc<AtomicU64>) -> Result<()> {
    let latency = Latency::constant(Duration::from_millis(1));
    world.links(Link::new().latency(latency).bandwidth(0).split(Ratio::NEVER))?;
    world.host("server").start(server)?;
    let mut hosts = Vec::new();
    for number in 0..clients {
        let right = Arc::clone(&right);
        let host = world.host(format!("client{number}")).start(move || client(rounds, Arc::clone(&right)))?;
        hosts.push(host);
    }
    for host in hosts {
        host.join().await?;
    }
    Ok(())
}

async fn server() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        create_task(echo(stream));
    }
}

async fn echo(stream: TcpStream) -> Result<()> {
    let mut message = [0; MESSAGE];
    while stream.read_exact(&mut message).await.is_ok() {
        stream.write_all(&message).await?;
    }
    Ok(())
}

async fn client(rounds: u64, right: Arc<AtomicU64>) -> Result<()> {
    sleep(Duration::from_millis(10)).await?; // the server listens by then
    let stream = TcpStream::connect("server:80").await?;
    let mut came = 0;
    for round in 0..rounds {
        let message = [round as u8; MESSAGE];
        stream.write_all(&message).await?;
        let mut answer = [0; MESSAGE];
        stream.read_exact(&mut answer).await?;
        came += u64::from(answer == message);
    }
    right.fetch_add(came, Ordering::Relaxed);
    Ok(())
}
