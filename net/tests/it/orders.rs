//! What the explorers of orders see of the network: which calls conflict, and which give way first.

use counterpoint_net as net;
use counterpoint_runtime as asyncio;

use asyncio::schedule::{Touched, conflict};
use asyncio::{EventLoop, Profile, Result, create_task};
use net::{Socket, SocketType, TcpListener, TcpStream, UdpSocket};
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;

type Call = fn(Rc<[Socket; 4]>) -> io::Result<usize>;

/// Do these two calls conflict, each made by a task of its own? Sockets 0 and 1 are a pair, and so are 2 and 3.
fn calls_conflict(one: Call, other: Call) -> bool {
    let event_loop = EventLoop::builder().profile(Profile::AnyReady).seen(true).build();
    let ran = event_loop.run_until_complete(async move {
        let ((a, b), (c, d)) = (Socket::pair(SocketType::Stream)?, Socket::pair(SocketType::Stream)?);
        let (sockets, lanes) = (Rc::new([a, b, c, d]), Rc::new(RefCell::new(Vec::new())));
        for call in [one, other] {
            let (sockets, lanes) = (Rc::clone(&sockets), Rc::clone(&lanes));
            let task = create_task(async move {
                lanes.borrow_mut().push(asyncio::running_step().expect("a step runs").lane_hash);
                let _ = call(sockets);
                Ok(())
            });
            task.await?;
        }
        Ok(lanes.take())
    });
    let lanes = ran.expect("it ends well");
    let seen = event_loop.take_seen().expect("it was asked for");
    let touched = |lane: u64| -> &[Touched] {
        seen.touched(seen.steps().iter().find(|step| step.name.lane == lane).expect("it ran"))
    };
    conflict(touched(lanes[0]), touched(lanes[1]))
}

#[test]
fn calls_conflict_if_they_meet_in_one_direction_of_a_connection() {
    let send: Call = |sockets| sockets[0].send(b"x");
    let receive: Call = |sockets| sockets[1].receive(&mut [0; 4]);
    let answer: Call = |sockets| sockets[1].send(b"y");
    let elsewhere: Call = |sockets| sockets[2].send(b"z");
    assert!(calls_conflict(send, receive));
    assert!(calls_conflict(send, send));
    assert!(!calls_conflict(send, answer), "the two directions are apart");
    assert!(!calls_conflict(send, elsewhere));
    let closes: Call = |sockets| {
        sockets[1].close();
        Ok(0)
    };
    assert!(calls_conflict(send, closes));
    assert!(!calls_conflict(elsewhere, closes));
}

/// How often the task suspends in an await.
async fn suspensions<T>(awaited: impl Future<Output = Result<T>>) -> Result<(u64, T)> {
    let number = || asyncio::running_step().expect("a step runs").number;
    let before = number();
    let result = awaited.await?;
    Ok((number() - before, result))
}

/// What suspends how often: an accept, a read, a write, a datagram sent, a line read, a drain; all of them ready.
async fn ready_calls() -> Result<Vec<u64>> {
    let listener = TcpListener::bind("127.0.0.1:80").await?;
    let client = TcpStream::connect("127.0.0.1:80").await?;
    let (accept, (server, _)) = suspensions(listener.accept()).await?;
    let (write, _) = suspensions(client.write(b"hello")).await?;
    let mut buffer = [0; 8];
    let (read, _) = suspensions(server.read(&mut buffer)).await?;
    let socket = UdpSocket::bind("127.0.0.1:53").await?;
    let (send, _) = suspensions(socket.send_to(b"x", "127.0.0.1:54")).await?;
    let reader = net::StreamReader::new();
    reader.feed_data(b"line\nrest")?;
    let (line, _) = suspensions(reader.readline()).await?;
    let (exactly, _) = suspensions(reader.readexactly(2)).await?;
    let (rest, _) = suspensions(reader.read(10)).await?;
    Ok(vec![accept, write, read, send, line, exactly, rest])
}

#[test]
fn a_ready_call_gives_way_once_under_every_await_and_never_elsewhere() {
    for profile in Profile::ALL {
        let event_loop = EventLoop::builder().profile(profile).build();
        let counts = event_loop.run_until_complete(ready_calls()).expect("it ends well");
        let expected = u64::from(profile == Profile::EveryAwait);
        assert_eq!(counts, [expected; 7], "under {profile}");
    }
}

#[test]
fn nothing_is_lost_if_a_ready_call_is_dropped_while_it_gives_way() {
    let event_loop = EventLoop::builder().profile(Profile::EveryAwait).build();
    let ran = event_loop.run_until_complete(async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let client = TcpStream::connect("127.0.0.1:80").await?;
        let (server, _) = listener.accept().await?;
        client.write(b"hello").await?;
        let mut buffer = [0; 8];
        {
            let mut read = Box::pin(server.read(&mut buffer));
            std::future::poll_fn(|cx| {
                assert!(Pin::as_mut(&mut read).poll(cx).is_pending(), "it gives way");
                std::task::Poll::Ready(())
            })
            .await;
        }
        assert_eq!(server.read(&mut buffer).await?, 5);
        let cancelled = create_task(async move {
            let mut buffer = [0; 8];
            client.write(b"never sent").await?;
            client.read(&mut buffer).await?;
            Ok(())
        });
        asyncio::sleep(std::time::Duration::ZERO).await?;
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert_eq!(server.read(&mut buffer).await?, 0, "the end, and nothing before it");
        Ok(())
    });
    ran.expect("it ends well");
}
