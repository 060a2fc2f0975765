//! Handshakes that fail say with whom and why.

use super::{certificate, shaken, trusting};
use counterpoint_net::tls::{TlsAcceptor, TlsConnector, TlsError};
use counterpoint_net::{TcpListener, TcpStream};
use counterpoint_runtime::{Result, create_task, run};

/// What the client says of a server.
async fn refusal(
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    name: &'static str,
) -> Result<(String, String)> {
    let (client, server) = shaken(connector, acceptor, name).await?;
    let client = client.unwrap_err();
    assert!(client.downcast_ref::<TlsError>().is_some(), "{client:?}");
    Ok((client.to_string(), server.map(|_| "nothing".to_owned()).unwrap_or_else(|error| error.to_string())))
}

#[test]
fn a_certificate_that_nobody_trusted_has_signed_is_refused() {
    run(async {
        let (_, acceptor) = trusting(certificate(|_| ()))?;
        let (stranger, _) = trusting(certificate(|_| ()))?;
        let (client, server) = refusal(stranger, acceptor, "store").await?;
        assert!(client.starts_with("TLS with `store` failed: "), "{client}");
        assert!(server.starts_with("TLS with a client failed: the client refused: "), "{server}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    run(async {
        let (connector, acceptor) = trusting(certificate(|_| ()))?;
        let (client, _) = refusal(connector, acceptor, "bank").await?;
        assert_eq!(client, "TLS with `bank` failed: the server's certificate is for another name");
        Ok(())
    })
    .unwrap();
}

#[test]
fn certificates_are_judged_by_the_virtual_clock() {
    // A run begins on the first of January 2000.
    for (from, until, says) in [(1990, 1999, "has expired"), (2001, 2030, "is not valid yet")] {
        run(async move {
            let (connector, acceptor) = trusting(certificate(|parameters| {
                parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
                parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
            }))?;
            let (client, _) = refusal(connector, acceptor, "store").await?;
            assert_eq!(client, format!("TLS with `store` failed: the server's certificate {says}"));
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_certificate_expires_while_a_program_sleeps() {
    run(async {
        let made =
            || trusting(certificate(|parameters| parameters.not_after = rcgen::date_time_ymd(2000, 1, 3)));
        let (connector, acceptor) = made()?;
        let (client, server) = shaken(connector.clone(), acceptor.clone(), "store").await?;
        assert!(client.is_ok() && server.is_ok());
        counterpoint_runtime::sleep(std::time::Duration::from_secs(3 * 24 * 3600)).await?;
        let (client, _) = refusal(connector, acceptor, "store").await?;
        assert!(client.ends_with("has expired"), "{client}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn the_two_agree_on_a_protocol_or_say_that_they_cannot() {
    run(async {
        let (connector, acceptor) = trusting(certificate(|_| ()))?;
        let acceptor = acceptor.alpn(&[b"h2", b"http/1.1"]);
        let both = connector.clone().alpn(&[b"http/1.1", b"h2"]);
        let (client, server) = shaken(both, acceptor.clone(), "store").await?;
        assert_eq!(client?.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(server?.alpn_protocol(), Some(&b"h2"[..]));
        let (client, server) = refusal(connector.alpn(&[b"imap"]), acceptor, "store").await?;
        assert!(client.ends_with("no application protocol (ALPN) in common"), "{client}");
        assert!(server.ends_with("no application protocol (ALPN) in common"), "{server}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_does_not_speak_tls_is_refused() {
    run(async {
        let (_, acceptor) = trusting(certificate(|_| ()))?;
        let listener = TcpListener::bind("127.0.0.1:443").await?;
        let stream = TcpStream::connect("127.0.0.1:443").await?;
        let served = listener.accept().await?.0;
        let server = create_task(async move { acceptor.accept(served).await.map(|_| ()) });
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
        let error = server.await.unwrap_err();
        assert!(error.downcast_ref::<TlsError>().is_some(), "{error:?}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_server_that_goes_during_the_handshake_is_an_unexpected_end() {
    run(async {
        let (connector, _) = trusting(certificate(|_| ()))?;
        let listener = TcpListener::bind("127.0.0.1:443").await?;
        let stream = TcpStream::connect("127.0.0.1:443").await?;
        let served = listener.accept().await?.0;
        let client = create_task(async move { connector.connect("store", stream).await.map(|_| ()) });
        served.read(&mut [0; 10_000]).await?;
        drop(served);
        let error = client.await.unwrap_err();
        let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        assert_eq!(kind, Some(std::io::ErrorKind::UnexpectedEof), "{error:?}");
        Ok(())
    })
    .unwrap();
}
