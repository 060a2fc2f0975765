//! The halves of a stream.

use super::{connected, passes};
use counterpoint_net::{TcpStream, UnixStream};
use counterpoint_runtime::create_task;

#[test]
fn the_owned_half_that_writes_ends_its_direction_when_it_goes() {
    passes(|| async {
        let (client, served) = connected().await?;
        let (read, write) = client.into_split();
        write.write_all(b"ping").await?;
        drop(write);
        let mut got = Vec::new();
        served.read_to_end(&mut got).await?;
        assert_eq!(got, b"ping");
        served.write_all(b"pong").await?;
        let mut buffer = [0; 4];
        read.read_exact(&mut buffer).await?;
        assert_eq!(&buffer, b"pong");
        Ok(())
    });
}

#[test]
fn halves_of_one_stream_can_be_one_again() {
    passes(|| async {
        let (client, served) = connected().await?;
        let (read, write) = client.into_split();
        let (other_read, other_write) = served.into_split();
        let refused = TcpStream::reunite(read, other_write).unwrap_err();
        let client = TcpStream::reunite(refused.0, write).unwrap();
        let served = TcpStream::reunite(other_read, refused.1).unwrap();
        client.write_all(b"x").await?;
        assert_eq!(served.read(&mut [0; 10]).await?, 1);
        Ok(())
    });
}

#[test]
fn one_task_reads_while_another_writes() {
    passes(|| async {
        let (one, other) = UnixStream::pair()?;
        let (mut read, write) = (one.clone(), one);
        let echo = create_task(async move {
            let (mut reads, mut writes) = futures_util::io::AsyncReadExt::split(other);
            futures_util::io::copy(&mut reads, &mut writes).await?;
            futures_util::io::AsyncWriteExt::close(&mut writes).await?;
            Ok(())
        });
        let data = vec![7; 1_000_000];
        let sent = data.clone();
        let writer = create_task(async move {
            write.write_all(&sent).await?;
            write.shutdown(std::net::Shutdown::Write)?;
            Ok(())
        });
        let mut got = Vec::new();
        futures_util::io::AsyncReadExt::read_to_end(&mut read, &mut got).await?;
        assert_eq!(got, data);
        writer.await?;
        echo.await
    });
}
