//! The end of a TLS connection: announced, or cut.

use super::Tls;
use crate::contract::Pair;
use counterpoint_runtime::{Error, create_task, run, sleep};
use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use std::io::ErrorKind;
use std::time::Duration;

#[test]
fn an_end_without_an_announcement_may_be_a_cut() {
    run(async {
        let (mut one, mut other) = Tls::connect().await?;
        one.write_all(b"half of it").await?;
        one.flush().await?;
        one.get_ref().shutdown(std::net::Shutdown::Write)?;
        let mut buffer = [0; 100];
        assert_eq!(other.read(&mut buffer).await?, 10);
        assert_eq!(other.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_cancelled_handshake_is_a_cancellation() {
    run(async {
        let (connector, _) = super::trusting(super::certificate(|_| ()))?;
        let listener = counterpoint_net::TcpListener::bind("127.0.0.1:443").await?;
        let task = create_task(async move {
            let stream = counterpoint_net::TcpStream::connect("127.0.0.1:443").await?;
            connector.connect("store", stream).await?;
            Ok(())
        });
        let _served = listener.accept().await?;
        sleep(Duration::from_secs(1)).await?;
        task.cancel();
        let error: Error = task.await.unwrap_err();
        assert!(error.is_cancelled(), "{error:?}");
        Ok(())
    })
    .unwrap();
}
