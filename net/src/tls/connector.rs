//! Who begins a TLS connection, and who answers.

use super::clock::VirtualClock;
use super::error::TlsError;
use super::session::TlsSession;
use super::stream::TlsStream;
use counterpoint_runtime::{Error, Result};
use futures_io::{AsyncRead, AsyncWrite};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, ConfigSide, RootCertStore, ServerConfig, WantsVerifier};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

/// Begins TLS connections, and trusts what some certificates have signed. A clone shares its configuration.
///
/// # Examples
/// ```
/// use counterpoint_net::tls::{TlsAcceptor, TlsConnector, rustls::pki_types::PrivateKeyDer};
/// use counterpoint_net::{TcpListener, TcpStream};
/// use counterpoint_runtime as asyncio;
/// use futures_util::io::{AsyncReadExt, AsyncWriteExt};
///
/// asyncio::run(async {
///     let made = rcgen::generate_simple_self_signed(["store".to_owned()])?;
///     let certificate = made.cert.der().clone();
///     let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
///     let connector = TlsConnector::trusting([certificate.clone()])?;
///     let acceptor = TlsAcceptor::new(vec![certificate], key)?;
///
///     let listener = TcpListener::bind("127.0.0.1:443").await?;
///     let server = asyncio::create_task(async move {
///         let mut stream = acceptor.accept(listener.accept().await?.0).await?;
///         stream.write_all(b"welcome").await?;
///         Ok(stream.close().await?) // announces the end
///     });
///     let mut stream = connector.connect("store", TcpStream::connect("127.0.0.1:443").await?).await?;
///     let mut text = String::new();
///     stream.read_to_string(&mut text).await?;
///     assert_eq!(text, "welcome");
///     server.await
/// })?;
/// # Ok::<(), asyncio::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
}

/// Answers TLS connections with a certificate. A clone shares its configuration.
#[derive(Clone, Debug)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
}

/// A configuration with `ring` for its cryptography and the virtual clock for its time.
fn begun<Side: ConfigSide>(
    builder: ConfigBuilder<Side, rustls::WantsVersions>,
) -> ConfigBuilder<Side, WantsVerifier> {
    builder.with_safe_default_protocol_versions().expect("ring's provider has the default versions of TLS")
}

impl TlsConnector {
    /// Trusts what these certificates have signed, and nothing else.
    ///
    /// # Errors
    /// If one of them is no certificate.
    pub fn trusting<'a>(roots: impl IntoIterator<Item = CertificateDer<'a>>) -> Result<TlsConnector> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.into_owned())?;
        }
        let builder =
            ClientConfig::builder_with_details(Arc::new(default_provider()), Arc::new(VirtualClock));
        let config = begun(builder).with_root_certificates(store).with_no_client_auth();
        Ok(TlsConnector::from_config(Arc::new(config)))
    }

    /// With a configuration of rustls. Give it [`VirtualClock`] for its time.
    pub fn from_config(config: Arc<ClientConfig>) -> TlsConnector {
        TlsConnector { config }
    }

    /// Offers application protocols (ALPN), the best first.
    pub fn alpn(mut self, protocols: &[&[u8]]) -> TlsConnector {
        Arc::make_mut(&mut self.config).alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        self
    }

    /// The configuration, for a [`TlsSession`].
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// Shakes hands over a stream with a server that must show a certificate for this name.
    ///
    /// # Cancellation
    /// The stream is dropped with the handshake.
    ///
    /// # Errors
    /// `Cancelled`; a [`TlsError`] that says who and what; an [`std::io::Error`] of the stream, `UnexpectedEof` if it ends.
    pub async fn connect<S>(&self, name: &str, stream: S) -> Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(name.to_owned())?;
        let session = TlsSession::client(Arc::clone(&self.config), name)?;
        shake_hands(TlsStream::new(stream, session)).await
    }
}

impl TlsAcceptor {
    /// Shows a certificate, with those that lead to a trusted one behind it, and proves it with its key.
    ///
    /// # Errors
    /// If the key is not the certificate's.
    pub fn new(
        certificates: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<TlsAcceptor> {
        let builder =
            ServerConfig::builder_with_details(Arc::new(default_provider()), Arc::new(VirtualClock));
        let config = begun(builder).with_no_client_auth().with_single_cert(certificates, key)?;
        Ok(TlsAcceptor::from_config(Arc::new(config)))
    }

    /// With a configuration of rustls. Give it [`VirtualClock`] for its time.
    pub fn from_config(config: Arc<ServerConfig>) -> TlsAcceptor {
        TlsAcceptor { config }
    }

    /// Speaks these application protocols (ALPN), the best first.
    pub fn alpn(mut self, protocols: &[&[u8]]) -> TlsAcceptor {
        Arc::make_mut(&mut self.config).alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        self
    }

    /// The configuration, for a [`TlsSession`].
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }

    /// Shakes hands with a client over a stream.
    ///
    /// # Cancellation
    /// The stream is dropped with the handshake.
    ///
    /// # Errors
    /// As [`TlsConnector::connect`].
    pub async fn accept<S>(&self, stream: S) -> Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let session = TlsSession::server(Arc::clone(&self.config))?;
        shake_hands(TlsStream::new(stream, session)).await
    }
}

async fn shake_hands<S>(mut stream: TlsStream<S>) -> Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match poll_fn(|cx| stream.poll_handshake(cx)).await {
        Ok(()) => Ok(stream),
        Err(error) => Err(without_io(error)),
    }
}

/// What TLS says of itself, out of the `io::Error` that carries it between the layers.
fn without_io(error: io::Error) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()).cloned();
    tls.map_or_else(|| Error::from(error), Error::from)
}
