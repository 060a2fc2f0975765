//! Ephemeral ports, of which a host may have few (linux-facts 1.9), and names that fail, move and answer late (5.2).

use counterpoint as asyncio;
use counterpoint::net::{ResolveError, ResolveErrorKind, TcpListener, TcpStream, UdpSocket};
use counterpoint::sim::{Host, Latency, Link, Ratio, Simulation, StackSettings, World};
use counterpoint::{Result, sleep};
use std::io::ErrorKind;
use std::time::Duration;

/// Runs a client with three ephemeral ports beside a server that keeps what it accepts on two ports.
fn with_three_ports<F, Fut>(client: F)
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    let run = Simulation::with_world(move |world: World| {
        let client = client.clone();
        async move {
            let latency = Latency::constant(Duration::from_millis(1));
            world.links(Link::new().latency(latency).split(Ratio::NEVER))?;
            for port in [80, 81] {
                world.host(format!("server{port}")).start(move || keep(port))?;
            }
            let stack = StackSettings::new().ephemeral_ports(40_000..=40_002);
            let host: Host = world.host("client").stack(stack).start(client)?;
            host.join().await
        }
    })
    .run();
    assert!(run.outcome.is_passed(), "{}", run.report());
}

async fn keep(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        asyncio::create_task(async move {
            let mut buffer = [0; 1];
            stream.read(&mut buffer).await.map(|_| ())
        });
    }
}

#[test]
fn ports_towards_one_destination_run_out_and_serve_again_for_another() {
    with_three_ports(|| async {
        sleep(Duration::from_millis(5)).await?;
        let mut streams = Vec::new();
        for _ in 0..3 {
            streams.push(TcpStream::connect("10.0.0.1:80").await?);
        }
        let fourth = TcpStream::connect("10.0.0.1:80").await.unwrap_err();
        assert_eq!(fourth.io_kind(), Some(ErrorKind::AddrNotAvailable)); // 1.9.2
        streams.push(TcpStream::connect("10.0.0.2:81").await?);
        Ok(())
    });
}

#[test]
fn a_port_that_waits_its_minute_is_not_to_be_had_for_the_same_four_numbers() {
    with_three_ports(|| async {
        sleep(Duration::from_millis(5)).await?;
        for _ in 0..3 {
            drop(TcpStream::connect("10.0.0.1:80").await?); // we close first: TIME_WAIT is ours
            sleep(Duration::from_millis(50)).await?;
        }
        let refused = TcpStream::connect("10.0.0.1:80").await.unwrap_err();
        assert_eq!(refused.io_kind(), Some(ErrorKind::AddrNotAvailable)); // 1.9.7
        sleep(Duration::from_secs(61)).await?;
        TcpStream::connect("10.0.0.1:80").await.map(|_| ())
    });
}

#[test]
fn binding_to_any_port_says_in_use_when_none_is_left() {
    with_three_ports(|| async {
        let mut sockets = Vec::new();
        for _ in 0..3 {
            sockets.push(UdpSocket::bind("0.0.0.0:0").await?);
        }
        let refused = UdpSocket::bind("0.0.0.0:0").await.unwrap_err();
        assert_eq!(refused.io_kind(), Some(ErrorKind::AddrInUse)); // 1.9.4
        Ok(())
    });
}

fn kind_of(error: &asyncio::Error) -> Option<ResolveErrorKind> {
    error.downcast_ref::<ResolveError>().map(|error| error.kind)
}

/// Runs a client that asks for names, and lets the test change them.
fn asking<F, Fut>(prepare: fn(&World), client: F)
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    let run = Simulation::with_world(move |world: World| {
        let client = client.clone();
        async move {
            prepare(&world);
            let host = world.host("client").start(client)?;
            sleep(Duration::from_secs(10)).await?;
            world.name("store", vec!["10.9.0.2".parse()?], Duration::ZERO);
            host.join().await
        }
    })
    .run();
    assert!(run.outcome.is_passed(), "{}", run.report());
}

#[test]
fn a_name_without_an_address_says_why() {
    asking(
        |world| world.name("store", vec!["10.9.0.1".parse().expect("an address")], Duration::ZERO),
        || async {
            let unknown = asyncio::open_connection("nobody", 1).await.unwrap_err();
            assert_eq!(kind_of(&unknown), Some(ResolveErrorKind::NoName), "{unknown}");
            let v6 = asyncio::open_connection("store", 1).family(counterpoint::net::Family::Inet6).await;
            assert_eq!(kind_of(&v6.unwrap_err()), Some(ResolveErrorKind::NoData));
            Ok(())
        },
    );
}

#[test]
fn a_name_that_was_moved_is_told_with_its_old_address_for_a_while() {
    asking(
        |world| {
            world.resolver(Ratio::NEVER, (Ratio::NEVER, Duration::ZERO), Duration::from_secs(5));
            world.name("store", vec!["10.9.0.1".parse().expect("an address")], Duration::ZERO);
        },
        || async {
            let told = async || -> Result<String> {
                let found = counterpoint::net::lookup_host("store:1").await?;
                Ok(found.into_iter().map(|address| address.ip().to_string()).collect())
            };
            sleep(Duration::from_secs(12)).await?;
            assert_eq!(told().await?, "10.9.0.1", "moved two seconds ago");
            sleep(Duration::from_secs(10)).await?;
            assert_eq!(told().await?, "10.9.0.2");
            Ok(())
        },
    );
}

#[test]
fn a_resolver_that_fails_says_to_try_again() {
    asking(
        |world| world.resolver(Ratio::ALWAYS, (Ratio::NEVER, Duration::ZERO), Duration::ZERO),
        || async {
            let failed = asyncio::open_connection("client", 1).await.unwrap_err();
            assert_eq!(kind_of(&failed), Some(ResolveErrorKind::Again)); // 5.2.5
            Ok(())
        },
    );
}

#[test]
fn a_listener_that_goes_during_a_handshake_leaves_nothing_behind() {
    let run = Simulation::with_world(|world: World| async move {
        world.links(Link::new().latency(Latency::constant(Duration::from_millis(10))))?;
        let server = world.host("server").start(|| async {
            let listener = TcpListener::bind("0.0.0.0:80").await?;
            sleep(Duration::from_millis(25)).await?; // the SYN has come, the third segment has not
            drop(listener);
            sleep(Duration::from_secs(1)).await
        })?;
        let client = world.host("client").start(|| async {
            let stream = TcpStream::connect("10.0.0.1:80").await?;
            let reset = stream.read(&mut [0]).await.unwrap_err();
            assert_eq!(reset.io_kind(), Some(ErrorKind::ConnectionReset));
            Ok(())
        })?;
        client.join().await?;
        server.join().await?;
        assert_eq!(world.sockets(), 0);
        Ok(())
    })
    .run();
    assert!(run.outcome.is_passed(), "{}", run.report());
}
