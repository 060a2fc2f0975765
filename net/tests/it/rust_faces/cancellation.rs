//! A cancel request ends an await of a face, and nothing is lost by it.

use super::{connected, passes, settle};
use counterpoint_net::{TcpListener, TcpStream, UdpSocket};
use counterpoint_runtime::{Error, create_task, timeout};
use futures_util::io::AsyncReadExt;
use std::time::Duration;

#[test]
fn a_cancelled_read_has_read_nothing() {
    passes(|| async {
        let (client, served) = connected().await?;
        let reader = served.clone();
        let task = create_task(async move { reader.read(&mut [0; 10]).await });
        settle().await?;
        task.cancel();
        client.write_all(b"hello").await?;
        assert!(task.await.unwrap_err().is_cancelled());
        let mut buffer = [0; 10];
        assert_eq!(served.read(&mut buffer).await?, 5);
        Ok(())
    });
}

#[test]
fn a_cancelled_accept_has_taken_no_connection() {
    passes(|| async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let other = listener.clone();
        let task = create_task(async move { other.accept().await.map(|_| ()) });
        settle().await?;
        task.cancel();
        let _client = TcpStream::connect("127.0.0.1:80").await?;
        assert!(task.await.unwrap_err().is_cancelled());
        listener.accept().await?;
        Ok(())
    });
}

#[test]
fn a_read_of_a_trait_tells_the_cancellation_to_the_question_mark() {
    passes(|| async {
        let (_client, mut served) = connected().await?;
        let task = create_task(async move {
            let mut buffer = [0; 10];
            let count = AsyncReadExt::read(&mut served, &mut buffer).await?; // an io::Error, by way of `From`
            Ok(count)
        });
        settle().await?;
        task.cancel_with("no more");
        let error: Error = task.await.unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.message(), Some("no more"));
        Ok(())
    });
}

#[test]
fn a_timeout_ends_a_wait_for_a_datagram() {
    passes(|| async {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let ended = timeout(Duration::from_secs(1)).run(socket.recv(&mut [0; 10])).await;
        assert!(ended.unwrap_err().is_timeout());
        Ok(())
    });
}

#[test]
fn a_cancelled_connect_lets_its_port_go() {
    passes(|| async {
        // Nobody accepts, and the queue of two is full: the third attempt waits.
        let socket = counterpoint_net::TcpSocket::new_v4()?;
        socket.bind("127.0.0.1:80".parse()?)?;
        let listener = socket.listen(1)?;
        let _first = TcpStream::connect("127.0.0.1:80").await?;
        let _second = TcpStream::connect("127.0.0.1:80").await?;
        let third = create_task(async { TcpStream::connect("127.0.0.1:80").await.map(|_| ()) });
        settle().await?;
        third.cancel();
        assert!(third.await.unwrap_err().is_cancelled());
        listener.accept().await?;
        listener.accept().await?;
        let late = timeout(Duration::from_secs(60)).run(listener.accept()).await.map(|_| ());
        assert!(late.unwrap_err().is_timeout(), "the attempt that was given up still came");
        Ok(())
    });
}
