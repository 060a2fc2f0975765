//! What can be connected to: linux-facts 5.4, and names.

use super::{kind_of, passes};
use counterpoint_net::{
    Loopback, ResolveError, ResolveErrorKind, TcpListener, TcpStream, ToAddresses, lookup_host,
};
use counterpoint_runtime::{EventLoop, Result, get_running_loop};
use std::io::ErrorKind;
use std::time::Duration;

async fn failure(to: impl ToAddresses) -> counterpoint_runtime::Error {
    lookup_host(to).await.expect_err("there is no such address")
}

#[test]
fn texts_are_read_as_std_reads_them() {
    passes(|| async {
        assert_eq!(lookup_host("::1:80").await?, ["[::1]:80".parse()?]); // 5.4.5
        for (text, says) in [
            ("localhost", "invalid socket address"), // 5.4.3
            ("", "invalid socket address"),
            ("localhost:http", "invalid port value"), // 5.4.4
            ("localhost:99999", "invalid port value"),
            ("127.0.0.1:", "invalid port value"),
        ] {
            let error = failure(text).await;
            assert_eq!((kind_of(&error), error.to_string().as_str()), (Some(ErrorKind::InvalidInput), says));
        }
        Ok(())
    });
}

#[test]
fn a_name_that_nobody_has_says_so() {
    passes(|| async {
        let error = TcpStream::connect("store:80").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to lookup address information of `store`: Name or service not known"
        );
        let inner = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        let resolve = inner.and_then(|inner| inner.downcast_ref::<ResolveError>());
        assert_eq!(resolve.map(|error| error.kind), Some(ResolveErrorKind::NoName));
        Ok(())
    });
}

/// A program on a machine that knows `store`, slowly.
fn with_names(program: impl AsyncFnOnce() -> Result<()> + 'static) {
    let event_loop = EventLoop::new();
    let addresses = vec!["127.0.0.2".parse().unwrap(), "127.0.0.3".parse().unwrap()];
    Loopback::new().host("store", Duration::from_millis(20), addresses).attach(&event_loop).unwrap();
    event_loop.run_until_complete(async move { program().await }).unwrap();
}

#[test]
fn each_address_of_a_name_is_tried_in_turn() {
    with_names(async || {
        let listener = TcpListener::bind("127.0.0.3:80").await?;
        let begun = get_running_loop()?.time();
        let stream = TcpStream::connect("store:80").await?;
        assert_eq!(get_running_loop()?.time() - begun, Duration::from_millis(20));
        assert_eq!(stream.peer_addr()?, listener.local_addr()?);
        drop(listener);
        let error = TcpStream::connect(("store", 80)).await.unwrap_err();
        assert_eq!(kind_of(&error), Some(ErrorKind::ConnectionRefused));
        Ok(())
    });
}

#[test]
fn no_address_at_all_is_an_invalid_argument() {
    passes(|| async {
        let error = TcpStream::connect(Vec::new()).await.unwrap_err(); // 1.1.16
        assert_eq!(kind_of(&error), Some(ErrorKind::InvalidInput));
        Ok(())
    });
}
