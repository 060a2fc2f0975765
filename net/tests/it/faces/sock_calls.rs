//! Calls on plain sockets, and callbacks on them.

use super::{Log, check};
use counterpoint_net::{Address, EventLoopExt, Family, Socket, SocketType};
use counterpoint_runtime::{ErrorKind, Result, create_task, get_running_loop, sleep};
use std::net::SocketAddr;
use std::time::Duration;

fn address(port: u16) -> Address {
    Address::Inet(SocketAddr::new([127, 0, 0, 1].into(), port))
}

fn listener() -> Result<Socket> {
    let listener = Socket::new(Family::Inet, SocketType::Stream)?;
    listener.bind(&address(1))?;
    listener.listen(5)?;
    Ok(listener)
}

#[test]
fn a_connection_over_plain_sockets() {
    check(
        |_| async move {
            let event_loop = get_running_loop()?;
            let listener = listener()?;
            let accepting = create_task(event_loop.sock_accept(&listener));
            let client = Socket::new(Family::Inet, SocketType::Stream)?;
            event_loop.sock_connect(&client, address(1)).await?;
            let (served, peer) = accepting.await?;
            assert_eq!(peer, client.local_address()?);
            let large = vec![5; 10_000_000];
            let sending = create_task(event_loop.sock_sendall(&client, &large));
            let mut received = 0;
            while received < large.len() {
                received += event_loop.sock_recv(&served, 1_000_000).await?.len();
            }
            sending.await?;
            client.close();
            let mut buffer = [0; 4];
            assert_eq!(event_loop.sock_recv_into(&served, &mut buffer).await?, 0);
            Ok(())
        },
        &[],
    );
}

#[test]
fn a_receive_goes_on_one_tick_after_the_tick_of_readiness() {
    check(
        |_| async move {
            let event_loop = get_running_loop()?;
            let (one, other) = Socket::pair(SocketType::Stream)?;
            let receiving = create_task({
                let event_loop = event_loop.clone();
                async move {
                    event_loop.sock_recv(&other, 10).await?;
                    Ok(event_loop.ticks())
                }
            });
            sleep(Duration::ZERO).await?;
            one.send(b"x")?;
            let sent = event_loop.ticks();
            assert_eq!(receiving.await?, sent + 2);
            Ok(())
        },
        &[],
    );
}

#[test]
fn a_cancelled_receive_takes_its_callback_away() {
    check(
        |_| async move {
            let event_loop = get_running_loop()?;
            let (one, other) = Socket::pair(SocketType::Stream)?;
            let receiving = create_task(event_loop.sock_recv(&other, 10));
            sleep(Duration::ZERO).await?;
            assert!(other.has_reader());
            receiving.cancel();
            assert!(receiving.await.unwrap_err().is_cancelled());
            assert!(!other.has_reader());
            one.send(b"x")?;
            assert_eq!(&event_loop.sock_recv(&other, 10).await?[..], b"x");
            Ok(())
        },
        &[],
    );
}

#[test]
fn a_dropped_receive_takes_its_callback_away() {
    check(
        |_| async move {
            let event_loop = get_running_loop()?;
            let (_one, other) = Socket::pair(SocketType::Stream)?;
            let receiving = create_task(event_loop.sock_recv(&other, 10));
            sleep(Duration::ZERO).await?;
            receiving.abort();
            sleep(Duration::ZERO).await?;
            assert!(!other.has_reader());
            Ok(())
        },
        &[],
    );
}

#[test]
fn a_refused_connection_is_an_error_of_the_call() {
    check(
        |_| async move {
            let client = Socket::new(Family::Inet, SocketType::Stream)?;
            let error = get_running_loop()?.sock_connect(&client, address(1)).await.unwrap_err();
            let refused = error.downcast_ref::<std::io::Error>().unwrap();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
            Ok(())
        },
        &[],
    );
}

#[test]
fn a_reader_runs_in_every_tick_of_readiness_until_it_is_removed() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let (one, other) = Socket::pair(SocketType::Stream)?;
            let words = log.clone();
            event_loop.add_reader(&other, move || words.say("old"))?;
            let (words, own, of_loop) = (log.clone(), other.clone(), event_loop.clone());
            let mut runs = 0;
            event_loop.add_reader(&other, move || {
                words.say("run");
                runs += 1;
                if runs == 2 {
                    of_loop.remove_reader(&own)?;
                }
                Ok(())
            })?;
            one.send(b"x")?;
            sleep(Duration::from_secs(1)).await?;
            assert!(!event_loop.remove_reader(&other)?);
            other.close();
            assert_eq!(event_loop.remove_reader(&other).unwrap_err().kind(), ErrorKind::Value);
            Ok(())
        },
        &["run", "run"],
    );
}
