//! Datagrams to many hosts: a group's members and everybody on the network (linux-facts 3.5), and closed ports (3.4).

use counterpoint::net::UdpSocket;
use counterpoint::sim::{Simulation, World};
use counterpoint::{Result, sleep, timeout};
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);

fn passes<F, Fut>(program: F)
where
    F: Fn(World) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + 'static,
{
    let run = Simulation::with_world(program).run();
    assert!(run.outcome.is_passed(), "{}", run.report());
}

/// What a socket hears within a second; none if it hears nothing.
async fn heard(socket: &UdpSocket) -> Result<Option<Vec<u8>>> {
    let mut buffer = [0; 100];
    match timeout(Duration::from_secs(1)).run(socket.recv_from(&mut buffer)).await {
        Ok((count, _)) => Ok(Some(buffer[..count].to_vec())),
        Err(error) if error.is_timeout() => Ok(None),
        Err(error) => Err(error),
    }
}

#[test]
fn a_group_is_heard_by_its_members_on_all_hosts() {
    passes(|world| async move {
        for (name, joins) in [("member1", true), ("member2", true), ("stranger", false)] {
            world.host(name).start(move || async move {
                let socket = UdpSocket::bind("0.0.0.0:9").await?;
                if joins {
                    socket.join_multicast_v4(GROUP, Ipv4Addr::UNSPECIFIED)?;
                }
                assert_eq!(heard(&socket).await?.is_some(), joins);
                Ok(())
            })?;
        }
        world.host("speaker").start(|| async {
            sleep(Duration::from_millis(10)).await?;
            UdpSocket::bind("0.0.0.0:0").await?.send_to(b"hello", (GROUP, 9)).await?;
            Ok(())
        })?;
        for host in world.hosts() {
            host.join().await?;
        }
        Ok(())
    });
}

#[test]
fn a_broadcast_needs_its_option_and_is_heard_by_all() {
    passes(|world| async move {
        for name in ["one", "other"] {
            world.host(name).start(|| async {
                let socket = UdpSocket::bind("0.0.0.0:9").await?;
                assert_eq!(heard(&socket).await?.as_deref(), Some(&b"all"[..]));
                Ok(())
            })?;
        }
        world.host("speaker").start(|| async {
            sleep(Duration::from_millis(10)).await?;
            let socket = UdpSocket::bind("0.0.0.0:0").await?;
            let refused = socket.send_to(b"all", (Ipv4Addr::BROADCAST, 9)).await.unwrap_err();
            assert_eq!(refused.io_kind(), Some(ErrorKind::PermissionDenied));
            socket.set_broadcast(true)?;
            socket.send_to(b"all", (Ipv4Addr::BROADCAST, 9)).await?;
            Ok(())
        })?;
        for host in world.hosts() {
            host.join().await?;
        }
        Ok(())
    });
}

#[test]
fn a_closed_port_is_told_to_a_connected_socket_with_its_next_call() {
    passes(|world| async move {
        world.host("silent").start(|| sleep(Duration::from_secs(10)))?;
        let client = world.host("client").start(|| async {
            let socket = UdpSocket::bind("0.0.0.0:0").await?;
            socket.connect("10.0.0.1:9").await?;
            socket.send(b"anybody?").await?;
            let mut buffer = [0; 10];
            let refused = socket.recv(&mut buffer).await.unwrap_err();
            assert_eq!(refused.io_kind(), Some(ErrorKind::ConnectionRefused));
            Ok(())
        })?;
        client.join().await
    });
}
