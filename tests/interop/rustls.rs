//! rustls: our streams of TLS, and tokio-rustls over our TCP streams; the bytes of a handshake follow from the seed.

use crate::holds;
use counterpoint::net::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use counterpoint::net::tls::{TlsAcceptor, TlsConnector, TlsStream};
use counterpoint::net::{TcpListener, TcpStream};
use counterpoint::sim::Simulation;
use counterpoint::{Result, create_task};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a test's server shows, and its client trusts.
#[derive(Clone)]
struct Identity {
    certificate: CertificateDer<'static>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl Identity {
    /// Made outside of any run, so that all runs have the same.
    fn new() -> Identity {
        let key = rcgen::KeyPair::generate().expect("the system has random numbers");
        let parameters = rcgen::CertificateParams::new(vec!["store".to_owned()]).expect("a name");
        let certificate = parameters.self_signed(&key).expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        Identity { certificate, key: Arc::new(key) }
    }

    fn connector(&self) -> Result<TlsConnector> {
        TlsConnector::trusting([self.certificate.clone()])
    }

    fn acceptor(&self) -> Result<TlsAcceptor> {
        TlsAcceptor::new(vec![self.certificate.clone()], self.key.clone_key())
    }
}

async fn server(at: &'static str, identity: Identity) -> Result<()> {
    let listener = TcpListener::bind(at).await?;
    let acceptor = identity.acceptor()?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        create_task(async move {
            let mut stream = acceptor.accept(stream).await?;
            echo(&mut stream).await?;
            Ok(())
        });
    }
}

async fn echo<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    stream: &mut S,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 10_000];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown().await,
            count => stream.write_all(&buffer[..count]).await?,
        }
        stream.flush().await?;
    }
}

async fn ask<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(stream: &mut S) -> Result<()> {
    stream.write_all(b"ping").await?;
    stream.flush().await?;
    let mut buffer = [0; 4];
    stream.read_exact(&mut buffer).await?;
    assert_eq!(&buffer, b"ping");
    stream.shutdown().await?;
    assert_eq!(stream.read(&mut buffer).await?, 0);
    Ok(())
}

async fn connected(at: &'static str, identity: &Identity) -> Result<TlsStream<TcpStream>> {
    identity.connector()?.connect("store", TcpStream::connect(at).await?).await
}

#[test]
fn both_ends_are_ours() {
    let identity = Identity::new();
    let server_has = identity.clone();
    holds(
        move |at| server(at, server_has.clone()),
        move |at| {
            let identity = identity.clone();
            async move { ask(&mut connected(at, &identity).await?).await }
        },
    );
}

#[test]
fn tokio_rustls_over_our_stream_talks_to_ours() {
    let identity = Identity::new();
    let server_has = identity.clone();
    holds(
        move |at| server(at, server_has.clone()),
        move |at| {
            let identity = identity.clone();
            async move {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(identity.connector()?.config()));
                let stream = TcpStream::connect(at).await?;
                ask(&mut connector.connect("store".try_into()?, stream).await?).await
            }
        },
    );
}

#[test]
fn the_bytes_of_a_handshake_follow_from_the_seed() {
    let identity = Identity::new();
    let hello = |seed| {
        let (identity, seen) = (identity.clone(), Arc::new(Mutex::new(Vec::new())));
        let kept = seen.clone();
        let simulation = Simulation::new(move || {
            let (identity, kept) = (identity.clone(), kept.clone());
            async move {
                let listener = TcpListener::bind("127.0.0.1:443").await?;
                let client = create_task(async move {
                    connected("127.0.0.1:443", &identity).await?;
                    Ok(())
                });
                let (stream, _) = listener.accept().await?;
                let mut buffer = vec![0; 10_000];
                let count = stream.read(&mut buffer).await?;
                buffer.truncate(count);
                *kept.lock().expect("nobody panics with it") = buffer;
                client.cancel();
                Ok(())
            }
        });
        assert!(simulation.seed(seed).run().outcome.is_passed());
        let seen = seen.lock().expect("nobody panics with it");
        seen.clone()
    };
    assert_eq!(hello(1), hello(1));
    assert_ne!(hello(1), hello(2));
}
