//! The traits of other crates: what a poll remembers, and that handles may go anywhere.

use super::{connected, passes, settle};
use counterpoint_net::{
    OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener,
    UnixStream,
};
use counterpoint_runtime::create_task;
use futures_util::StreamExt;
use futures_util::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn every_face_is_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<(TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream)>();
    check::<(OwnedReadHalf, OwnedWriteHalf)>();
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    drop(sendable(TcpStream::connect("127.0.0.1:80")));
    drop(sendable(TcpListener::bind("127.0.0.1:80")));
}

#[test]
fn a_stream_that_was_polled_by_one_task_goes_on_in_another() {
    passes(|| async {
        let (client, mut served) = connected().await?;
        let first = create_task(async move {
            let mut buffer = [0; 10];
            let polled = futures_util::poll!(AsyncReadExt::read(&mut served, &mut buffer));
            assert!(polled.is_pending());
            Ok(served)
        });
        let mut served = first.await?;
        let second = create_task(async move {
            let mut buffer = [0; 10];
            Ok(AsyncReadExt::read(&mut served, &mut buffer).await?)
        });
        settle().await?;
        client.write_all(b"hello").await?;
        assert_eq!(second.await?, 5);
        Ok(())
    });
}

#[test]
fn connections_come_as_a_stream() {
    passes(|| async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let clients = create_task(async {
            let mut clients = Vec::new();
            for _ in 0..3 {
                clients.push(TcpStream::connect("127.0.0.1:80").await?);
            }
            Ok(clients)
        });
        let served: Vec<_> = listener.incoming().take(3).collect().await;
        assert_eq!(served.into_iter().filter(|stream| stream.is_ok()).count(), 3);
        drop(clients.await?);
        Ok(())
    });
}

#[test]
fn closing_after_the_other_end_has_closed_is_no_error_of_a_trait() {
    passes(|| async {
        let (client, mut served) = connected().await?;
        client.shutdown(std::net::Shutdown::Write)?;
        AsyncWriteExt::close(&mut served).await?;
        AsyncWriteExt::close(&mut served).await?;
        assert_eq!(served.shutdown(std::net::Shutdown::Write).unwrap_err().raw_os_error(), Some(107)); // 2.3.4
        Ok(())
    });
}

#[test]
fn a_cancelled_task_leaves_its_request_behind_when_it_gives_a_stream_away() {
    passes(|| async {
        let (client, mut served) = connected().await?;
        let task = create_task(async move {
            let mut buffer = [0; 10];
            assert!(futures_util::poll!(AsyncReadExt::read(&mut served, &mut buffer)).is_pending());
            let error = counterpoint_runtime::sleep(std::time::Duration::from_secs(9)).await.unwrap_err();
            assert!(error.is_cancelled());
            Ok(served)
        });
        settle().await?;
        task.cancel();
        let mut served = task.await?;
        client.write_all(b"hello").await?; // wakes nobody
        settle().await?;
        let mut buffer = [0; 10];
        assert_eq!(AsyncReadExt::read(&mut served, &mut buffer).await?, 5);
        Ok(())
    });
}
