//! What went wrong with TLS, in words: with whom, and what.

use rustls::{AlertDescription, CertificateError, Error};
use std::fmt;
use std::io;

/// TLS with somebody failed.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsError {
    /// Whom the client meant to reach; none at the server, which does not know who calls.
    pub host: Option<String>,
    /// What rustls says.
    pub error: Error,
}

impl TlsError {
    /// What went wrong, without rustls's details.
    fn what(&self) -> String {
        let peer = if self.host.is_some() { "the server" } else { "the client" };
        match &self.error {
            Error::InvalidCertificate(error) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    format!("{peer}'s certificate has expired")
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    format!("{peer}'s certificate is not valid yet")
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    format!("{peer}'s certificate is for another name")
                }
                CertificateError::UnknownIssuer => {
                    format!("nobody who is trusted has signed {peer}'s certificate")
                }
                other => format!("{peer}'s certificate is no good: {other:?}"),
            },
            Error::NoCertificatesPresented => format!("{peer} has shown no certificate"),
            Error::NoApplicationProtocol | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
                "the two have no application protocol (ALPN) in common".to_owned()
            }
            Error::PeerIncompatible(what) => format!("the two have nothing in common: {what:?}"),
            Error::AlertReceived(alert) => format!("{peer} refused: {alert:?}"),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "TLS with `{host}` failed: {}", self.what()),
            None => write!(f, "TLS with a client failed: {}", self.what()),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
