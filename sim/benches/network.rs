//! The price of the network: a bulk transfer, datagrams to many, connecting and closing, and what idle connections hold.
//!
//! `cargo bench -p counterpoint --bench network`. Each entry is a whole run of a world, made and dropped; divide by the
//! count. The first lines say how many bytes an idle connection takes, both ends of it and their tasks included.

use counterpoint::net::{TcpListener, TcpStream, UdpSocket};
use counterpoint::sim::{Latency, Link, Ratio, Simulation, World};
use counterpoint::{Result, create_task, sleep};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

fn main() {
    println!("an idle connection takes {} bytes, of 10,000 between two hosts", idle_connection());
    divan::main();
}

fn run<F, Fut>(program: F)
where
    F: Fn(World) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    let run = Simulation::with_world(program).step_limit(u64::MAX).run();
    assert!(run.outcome.is_passed(), "{}", run.report());
}

fn a_millisecond_each(world: &World) -> Result<()> {
    let latency = Latency::constant(Duration::from_millis(1));
    Ok(world.links(Link::new().latency(latency).bandwidth(0).split(Ratio::NEVER))?)
}

const WHOLE: usize = 100 << 20;

#[divan::bench(sample_count = 5, sample_size = 1)]
fn bulk_100_mib(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(WHOLE)).bench(|| {
        run(|world| async move {
            a_millisecond_each(&world)?;
            let server = world.host("server").start(|| async {
                let (stream, _) = TcpListener::bind("0.0.0.0:80").await?.accept().await?;
                let (mut buffer, mut got) = (vec![0; 1 << 16], 0);
                loop {
                    match stream.read(&mut buffer).await? {
                        0 => break,
                        count => got += count,
                    }
                }
                assert_eq!(got, WHOLE);
                Ok(())
            })?;
            world.host("client").start(|| async {
                sleep(Duration::from_millis(1)).await?;
                let stream = TcpStream::connect("server:80").await?;
                let part = vec![7; 1 << 16];
                for _ in 0..WHOLE >> 16 {
                    stream.write_all(&part).await?;
                }
                Ok(())
            })?;
            server.join().await
        });
    });
}

const LISTENERS: usize = 50;
const ROUNDS: usize = 200;

#[divan::bench]
fn udp_to_50_hosts(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(LISTENERS * ROUNDS)).bench(|| {
        run(|world| async move {
            a_millisecond_each(&world)?;
            for number in 0..LISTENERS {
                world.host(format!("listener{number}")).start(|| async {
                    let socket = UdpSocket::bind("0.0.0.0:9").await?;
                    let mut buffer = [0; 100];
                    for _ in 0..ROUNDS {
                        socket.recv_from(&mut buffer).await?;
                    }
                    Ok(())
                })?;
            }
            world.host("speaker").start(|| async {
                let socket = UdpSocket::bind("0.0.0.0:0").await?;
                for _ in 0..ROUNDS {
                    sleep(Duration::from_millis(1)).await?;
                    for number in 0..LISTENERS {
                        socket.send_to(&[1; 64], (format!("listener{number}"), 9)).await?;
                    }
                }
                Ok(())
            })?;
            for host in world.hosts() {
                host.join().await?;
            }
            Ok(())
        });
    });
}

const CONNECTIONS: usize = 2_000;

#[divan::bench]
fn connect_and_close(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(CONNECTIONS)).bench(|| {
        run(|world| async move {
            a_millisecond_each(&world)?;
            world.host("server").start(|| async {
                let listener = TcpListener::bind("0.0.0.0:80").await?;
                loop {
                    drop(listener.accept().await?);
                }
            })?;
            let client = world.host("client").start(|| async {
                sleep(Duration::from_millis(1)).await?;
                for _ in 0..CONNECTIONS {
                    let stream = TcpStream::connect("server:80").await?;
                    assert_eq!(stream.read(&mut [0]).await?, 0);
                }
                Ok(())
            })?;
            client.join().await
        });
    });
}

/// Bytes of resident memory for each of 10,000 connections that nobody uses.
fn idle_connection() -> u64 {
    const COUNT: u64 = 10_000;
    let bytes = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let found = bytes.clone();
    run(move |world| {
        let found = found.clone();
        async move {
            a_millisecond_each(&world)?;
            let up = Rc::new(Cell::new(0));
            let accepted = up.clone();
            world.host("server").start(move || {
                let accepted = accepted.clone();
                async move {
                    let listener = TcpListener::bind("0.0.0.0:80").await?;
                    loop {
                        let (stream, _) = listener.accept().await?;
                        accepted.set(accepted.get() + 1);
                        create_task(async move { stream.read(&mut [0]).await.map(|_| ()) });
                    }
                }
            })?;
            let before = resident();
            world.host("client").start(|| async {
                sleep(Duration::from_millis(1)).await?;
                let mut streams = Vec::new();
                for _ in 0..COUNT {
                    streams.push(TcpStream::connect("server:80").await?);
                }
                sleep(Duration::from_secs(1_000_000)).await
            })?;
            sleep(Duration::from_secs(100)).await?;
            assert_eq!(up.get(), COUNT);
            found.store((resident() - before) / COUNT, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        }
    });
    bytes.load(std::sync::atomic::Ordering::Relaxed)
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
