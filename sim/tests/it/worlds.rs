//! Hosts, and what happens to them.

use crate::wire::{accept, connect, listen, read, read_exactly, write};
use counterpoint as asyncio;
use counterpoint::explore::{Verdict, replay};
use counterpoint::sim::{
    FailureKind, Host, Latency, Link, Partition, Ratio, Recording, Run, Simulation, World,
};
use counterpoint::{Result, sleep};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

const MILLIS: Duration = Duration::from_millis(1);

fn in_world<F, Fut>(program: F) -> Run
where
    F: Fn(World) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    let run = Simulation::with_world(program).trace(true).run();
    assert!(run.outcome.is_passed(), "{}\n{}", run.report(), run.interleaving());
    run
}

/// Links of a constant millisecond, so that moments can be told.
fn a_millisecond_each(world: &World) -> Result<()> {
    let link = Link::new().latency(Latency::constant(MILLIS)).split(Ratio::NEVER).bandwidth(0);
    Ok(world.links(link)?)
}

async fn echo() -> Result<()> {
    let listener = listen(7)?;
    loop {
        let peer = accept(&listener).await?;
        asyncio::create_task(async move {
            loop {
                let data = read(&peer).await?;
                if data.is_empty() {
                    return Ok(());
                }
                write(&peer, &data).await?;
            }
        });
    }
}

fn at(host: &Host, port: u16) -> SocketAddr {
    SocketAddr::new(host.address(), port)
}

fn kind_of(error: &asyncio::Error) -> io::ErrorKind {
    error.downcast_ref::<io::Error>().map_or(io::ErrorKind::Other, io::Error::kind)
}

#[test]
fn two_hosts_talk_over_their_links() {
    let run = in_world(|world| async move {
        a_millisecond_each(&world)?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            write(&peer, b"hello").await?;
            assert_eq!(read_exactly(&peer, 5).await?, b"hello");
            Ok(())
        })?;
        client.join().await
    });
    // Two for the handshake, one there and one back.
    assert_eq!(run.time.to_string(), "00:00:00.004", "{}", run.interleaving());
}

#[test]
fn the_same_seed_is_the_same_run_of_a_world() {
    let simulation = Simulation::with_world(|world| async move {
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let clients: Vec<Host> = (0..5)
            .map(|number| {
                world.host(format!("client{number}")).start(move || async move {
                    let peer = connect(to).await?;
                    for round in 0..5u8 {
                        write(&peer, &[round; 100]).await?;
                        assert_eq!(read_exactly(&peer, 100).await?, [round; 100]);
                    }
                    Ok(())
                })
            })
            .collect::<Result<_>>()?;
        for client in &clients {
            client.join().await?;
        }
        Ok(())
    });
    let prints: Vec<u64> = (0..20).map(|seed| simulation.clone().seed(seed).run().fingerprint).collect();
    let again: Vec<u64> = (0..20).map(|seed| simulation.clone().seed(seed).run().fingerprint).collect();
    assert_eq!(prints, again);
    let mut distinct = prints;
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 20);
    assert_eq!(simulation.run().fingerprint, simulation.trace(true).run().fingerprint, "watched or not");
}

#[test]
fn an_attempt_through_a_partition_times_out_and_is_not_refused() {
    let run = in_world(|world| async move {
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let error = connect(to).await.expect_err("nobody hears it");
            assert_eq!(kind_of(&error), io::ErrorKind::TimedOut);
            Ok(())
        })?;
        let cut = world.partition(&Partition::between([&client], [&server]))?;
        client.join().await?;
        cut.heal();
        Ok(())
    });
    assert!(run.time.to_string().starts_with("00:02:"), "after retransmissions: {}", run.time);
}

#[test]
fn a_power_cut_is_silent_and_the_new_kernel_resets() {
    in_world(|world| async move {
        a_millisecond_each(&world)?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            sleep(Duration::from_secs(10)).await?;
            write(&peer, b"hello").await?; // the kernel takes it
            let error = read(&peer).await.expect_err("the new kernel knows nothing of it");
            assert_eq!(kind_of(&error), io::ErrorKind::ConnectionReset);
            Ok(())
        })?;
        sleep(Duration::from_secs(5)).await?;
        server.crash();
        assert!(!server.is_up());
        sleep(Duration::from_secs(1)).await?;
        server.restart()?;
        assert_eq!(server.starts(), 2);
        client.join().await
    });
}

#[test]
fn nothing_of_a_host_runs_after_its_power_was_cut() {
    struct Loud(SocketAddr);
    impl Drop for Loud {
        fn drop(&mut self) {
            let socket = counterpoint::net::Socket::new(
                counterpoint::net::Family::Inet,
                counterpoint::net::SocketType::Datagram,
            );
            assert_eq!(socket.unwrap_err().kind(), io::ErrorKind::NetworkDown, "of a dead host");
            let _ = self.0;
        }
    }
    in_world(|world| async move {
        let host = world.host("host").start(|| async {
            let _loud = Loud("10.0.0.1:1".parse()?);
            sleep(Duration::from_secs(100)).await
        })?;
        sleep(Duration::from_secs(1)).await?;
        host.crash();
        Ok(())
    });
}

#[test]
fn a_paused_host_accepts_and_acknowledges_and_does_not_answer() {
    in_world(|world| async move {
        a_millisecond_each(&world)?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        sleep(MILLIS).await?;
        server.pause();
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?; // its kernel accepts
            write(&peer, b"hello").await?;
            let answer = asyncio::timeout(Duration::from_secs(5)).run(read(&peer)).await;
            assert!(answer.unwrap_err().is_timeout());
            assert_eq!(read_exactly(&peer, 5).await?, b"hello");
            Ok(())
        })?;
        sleep(Duration::from_secs(10)).await?;
        server.resume();
        client.join().await
    });
}

#[test]
fn a_frozen_machine_hears_nothing_until_it_thaws() {
    in_world(|world| async move {
        a_millisecond_each(&world)?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            sleep(Duration::from_secs(2)).await?;
            write(&peer, b"hello").await?;
            let before = asyncio::get_running_loop()?.time();
            assert_eq!(read_exactly(&peer, 5).await?, b"hello");
            let waited = asyncio::get_running_loop()?.time() - before;
            assert!(waited > Duration::from_secs(7), "it was sent again and again: {waited:?}");
            Ok(())
        })?;
        sleep(Duration::from_secs(1)).await?;
        server.freeze();
        sleep(Duration::from_secs(8)).await?;
        server.thaw();
        client.join().await
    });
}

#[test]
fn a_program_that_ends_closes_its_connections() {
    in_world(|world| async move {
        let server = world.host("server").start(|| async {
            let listener = listen(7)?;
            let _peer = accept(&listener).await?;
            Ok(())
        })?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            assert_eq!(read(&peer).await?, b"", "the end of the stream");
            Ok(())
        })?;
        server.join().await?;
        client.join().await
    });
}

#[test]
fn shutting_down_cancels_the_program_and_waits_for_its_cleaning_up() {
    in_world(|world| async move {
        let host = world.host("host").start(|| async {
            let ended = sleep(Duration::from_secs(100)).await;
            assert!(ended.as_ref().is_err_and(asyncio::Error::is_cancelled));
            sleep(Duration::from_secs(3)).await?; // cleaning up
            ended
        })?;
        sleep(Duration::from_secs(1)).await?;
        host.shutdown();
        assert!(host.join().await.unwrap_err().is_cancelled());
        assert_eq!(world.now().to_string(), "00:00:04.000");
        Ok(())
    });
}

#[test]
fn healing_one_partition_does_not_heal_another() {
    in_world(|world| async move {
        a_millisecond_each(&world)?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            sleep(Duration::from_secs(2)).await?;
            write(&peer, b"x").await?;
            read_exactly(&peer, 1).await?;
            Ok(())
        })?;
        sleep(Duration::from_secs(1)).await?;
        let one = world.partition(&Partition::isolate(&client))?;
        let other = world.partition(&Partition::between([&client], [&server]))?;
        sleep(Duration::from_secs(4)).await?;
        one.heal();
        sleep(Duration::from_secs(5)).await?;
        assert!(client.is_running(), "the other one still cuts it off");
        other.heal();
        client.join().await
    });
}

#[test]
fn a_clog_keeps_packets_and_lets_them_go_in_order() {
    in_world(|world| async move {
        a_millisecond_each(&world)?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            sleep(Duration::from_secs(2)).await?;
            write(&peer, b"x").await?;
            assert_eq!(read_exactly(&peer, 1).await?, b"x");
            assert!(asyncio::get_running_loop()?.time() - asyncio::Instant::ZERO >= Duration::from_secs(4));
            Ok(())
        })?;
        sleep(Duration::from_secs(1)).await?;
        world.link(&client, &server).clog_for(Duration::from_secs(3)).await?;
        client.join().await
    });
}

/// Who waited for the socket may go on before the loop's own callbacks have run.
#[test]
fn a_connection_is_made_in_every_order_of_the_ready() {
    let simulation = Simulation::with_world(|world: World| async move {
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let (reader, writer) = asyncio::open_connection(to.ip().to_string(), to.port()).await?;
            writer.write("hello")?;
            assert_eq!(&reader.readexactly(5).await?[..], b"hello");
            Ok(())
        })?;
        client.join().await
    });
    for number in 0..100 {
        let run = simulation.clone().run_number(number).step_limit(1_000).run();
        assert!(run.outcome.is_passed(), "run {number}: {}", run.report());
    }
}

#[test]
fn loss_costs_time_and_breaks_nothing() {
    for seed in 0..50 {
        let simulation = Simulation::with_world(|world: World| async move {
            let server = world.host("server").start(echo)?;
            let to = at(&server, 7);
            world.links(Link::new().loss(Ratio::percent(20)))?;
            let client = world.host("client").start(move || async move {
                let peer = connect(to).await?;
                for round in 0..20u8 {
                    write(&peer, &[round; 3000]).await?;
                    assert_eq!(read_exactly(&peer, 3000).await?, [round; 3000]);
                }
                Ok(())
            })?;
            client.join().await
        });
        let run = simulation.seed(seed).run();
        assert!(run.outcome.is_passed(), "seed {seed}: {}", run.report());
    }
}

#[test]
fn a_thousand_idle_hosts_for_a_day_end_at_once() {
    let run = in_world(|world| async move {
        for number in 0..1000 {
            world.host(format!("host{number}")).start(|| async {
                let listener = listen(7)?;
                accept(&listener).await?;
                Ok(())
            })?;
        }
        sleep(Duration::from_secs(86_400)).await
    });
    assert!(run.steps < 5_000, "{} steps", run.steps);
}

#[test]
fn a_deadlock_over_the_network_names_the_peer() {
    let simulation = Simulation::with_world(|world| async move {
        let server = world.host("server").start(|| async {
            let listener = listen(7)?;
            let peer = accept(&listener).await?;
            read(&peer).await?; // which never comes
            Ok(())
        })?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            read(&peer).await?; // nor does this
            Ok(())
        })?;
        client.join().await
    });
    let run = simulation.run();
    let failure = run.outcome.failure().expect("a deadlock");
    assert_eq!(failure.kind, FailureKind::Deadlock);
    assert!(failure.message.contains("`client:main` waits for Socket `to server:7`"), "{}", failure.message);
    assert!(failure.message.contains("Process `client`"), "{}", failure.message);
}

#[test]
fn a_host_that_fails_unseen_fails_the_run() {
    let run = Simulation::with_world(|world| async move {
        world.host("host").start(|| async { Err(asyncio::Error::msg("the till is empty")) })?;
        sleep(Duration::from_secs(1)).await
    })
    .run();
    let failure = run.outcome.failure().expect("it failed");
    assert!(failure.message.contains("host `host` failed"), "{}", failure.message);
}

#[test]
fn a_panic_on_a_host_names_it() {
    let run = Simulation::with_world(|world| async move {
        let host = world.host("store").start(|| async { panic!("the disk is full") })?;
        host.join().await
    })
    .run();
    let failure = run.outcome.failure().expect("it panicked");
    assert_eq!(failure.kind, FailureKind::Panic);
    assert!(failure.task.as_deref().is_some_and(|task| task.starts_with("store:")), "{:?}", failure.task);
}

#[test]
fn two_hosts_of_one_name_are_refused() {
    in_world(|world| async move {
        world.host("a").start(|| async { Ok(()) })?.join().await?;
        let again = world.host("a").start(|| async { Ok(()) }).unwrap_err();
        assert!(again.to_string().contains("there is a host `a` already"), "{again}");
        let taken = world.host("b").address([10, 0, 0, 1]).start(|| async { Ok(()) }).unwrap_err();
        assert!(taken.to_string().contains("host `a` has the address 10.0.0.1 already"), "{taken}");
        assert!(world.find("c").unwrap_err().to_string().contains("there is no host `c`"));
        Ok(())
    });
}

#[test]
fn a_handle_of_one_process_is_refused_in_another_by_name() {
    let run = Simulation::with_world(|world| async move {
        let event = asyncio::Event::new();
        let host = world.host("store").start(move || {
            let event = event.clone();
            async move {
                event.set();
                Ok(())
            }
        })?;
        host.join().await
    })
    .run();
    let failure = run.outcome.failure().expect("it panicked");
    assert!(
        failure.message.contains("a handle of event loop `main` was used in event loop `store`"),
        "{}",
        failure.message
    );
}

#[test]
fn a_recorded_run_of_a_world_is_followed_step_by_step_and_draw_by_draw() {
    let simulation = Simulation::with_world(|world: World| async move {
        world.links(Link::new().loss(Ratio::percent(10)))?;
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            for round in 0..10u8 {
                write(&peer, &[round; 2000]).await?;
                assert_eq!(read_exactly(&peer, 2000).await?, [round; 2000]);
            }
            Ok(())
        })?;
        client.join().await
    });
    let recording = simulation.clone().seed(3).record(true).run().recording.expect("it was asked for");
    let read = Recording::from_bytes(&recording.to_bytes()).expect("it is whole");
    assert_eq!(replay(&simulation, &read).verdict, Verdict::Same);

    // The same steps with links that lose nothing are not the same run.
    let calm = Simulation::with_world(|world: World| async move {
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            connect(to).await?;
            Ok(())
        })?;
        client.join().await
    });
    assert!(matches!(replay(&calm, &read).verdict, Verdict::Diverged(_)));
}

#[test]
fn a_failure_is_replayed_though_other_hosts_still_ran() {
    let simulation = Simulation::with_world(|world: World| async move {
        let server = world.host("server").start(echo)?;
        let to = at(&server, 7);
        let client = world.host("client").start(move || async move {
            let peer = connect(to).await?;
            write(&peer, b"hello").await?;
            panic!("{} bytes came back", read(&peer).await?.len())
        })?;
        client.join().await
    });
    let run = simulation.clone().record(true).run();
    let failure = run.outcome.failure().expect("it panicked");
    assert_eq!(failure.time, run.time);
    assert!(run.time > asyncio::Instant::ZERO, "packets took their time: {}", run.time);
    let recording = run.recording.expect("it was asked for");
    assert_eq!(replay(&simulation, &recording).verdict, Verdict::Same);
}

#[test]
fn a_destructor_that_panics_on_a_host_at_the_end_is_told_beside_the_failure() {
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            panic!("dropped on a dead host");
        }
    }
    let run = Simulation::with_world(|world: World| async move {
        world.host("store").start(|| async {
            let _loud = Loud;
            sleep(Duration::from_secs(100)).await
        })?;
        sleep(MILLIS).await?;
        Err(asyncio::Error::msg("the test has failed"))
    })
    .run();
    let failure = run.outcome.failure().expect("it failed");
    assert_eq!(failure.message, "the test has failed");
    assert!(run.notes.iter().any(|note| note.contains("dropped on a dead host")), "{:?}", run.notes);
}
