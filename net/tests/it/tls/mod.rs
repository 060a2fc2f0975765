//! TLS: what is agreed on, what is refused and how it is told, and how a connection ends.

mod ending;
mod refusing;

use crate::contract::{Pair, contract};
use counterpoint_net::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use counterpoint_net::tls::{TlsAcceptor, TlsConnector, TlsStream};
use counterpoint_net::{TcpListener, TcpStream};
use counterpoint_runtime::{Result, create_task};
use std::cell::RefCell;
use std::rc::Rc;

/// A certificate for `store`, signed by itself, with changes.
fn certificate(
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["store".to_owned()]).unwrap();
    change(&mut parameters);
    let signed = parameters.self_signed(&key).unwrap();
    (signed.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// A client that trusts a server's certificate, and the server.
fn trusting(
    (certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>),
) -> Result<(TlsConnector, TlsAcceptor)> {
    Ok((TlsConnector::trusting([certificate.clone()])?, TlsAcceptor::new(vec![certificate], key)?))
}

type Ends = (Result<TlsStream<TcpStream>>, Result<TlsStream<TcpStream>>);

/// What the handshake looked like to the client and to the server.
async fn shaken(connector: TlsConnector, acceptor: TlsAcceptor, name: &'static str) -> Result<Ends> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let stream = TcpStream::connect(listener.local_addr()?).await?;
    let served = listener.accept().await?.0;
    let at_server = Rc::new(RefCell::new(None));
    let place = at_server.clone();
    let server = create_task(async move {
        let ended = acceptor.accept(served).await;
        *place.borrow_mut() = Some(ended);
        Ok(())
    });
    let at_client = connector.connect(name, stream).await;
    server.await?;
    let at_server = at_server.borrow_mut().take().expect("the server has ended");
    Ok((at_client, at_server))
}

struct Tls;

impl Pair for Tls {
    type Stream = TlsStream<TcpStream>;
    const RESETS: bool = true;

    async fn connect() -> Result<(Self::Stream, Self::Stream)> {
        let (connector, acceptor) = trusting(certificate(|_| ()))?;
        let (client, server) = shaken(connector, acceptor, "store").await?;
        Ok((client?, server?))
    }
}

contract!(promises, crate::tls::Tls);
