//! TLS as a machine without I/O: bytes of the wire in and out on one side, bytes of the program on the other.
//!
//! What an upgrade of a running connection needs, and what [`TlsStream`](super::TlsStream) is made of. Whoever holds one
//! carries [`pending`](TlsSession::pending) to the other end and gives what comes back to
//! [`receive`](TlsSession::receive).

use super::error::TlsError;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// One end of a TLS connection, without I/O.
pub struct TlsSession {
    connection: Connection,
    host: Option<String>,
    /// Deciphered bytes that the program has not read, from an index on.
    plain: Vec<u8>,
    read: usize,
    /// Bytes for the wire, from an index on.
    out: Vec<u8>,
    sent: usize,
    ended: bool,
}

impl TlsSession {
    /// The end that begins: a client of a server that must show a certificate for this name.
    ///
    /// # Errors
    /// If the configuration cannot serve.
    pub fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<TlsSession, TlsError> {
        let host = name.to_str().into_owned();
        match ClientConnection::new(config, name) {
            Ok(connection) => Ok(TlsSession::of(connection.into(), Some(host))),
            Err(error) => Err(TlsError { host: Some(host), error }),
        }
    }

    /// The end that answers.
    ///
    /// # Errors
    /// If the configuration cannot serve.
    pub fn server(config: Arc<ServerConfig>) -> Result<TlsSession, TlsError> {
        match ServerConnection::new(config) {
            Ok(connection) => Ok(TlsSession::of(connection.into(), None)),
            Err(error) => Err(TlsError { host: None, error }),
        }
    }

    fn of(mut connection: Connection, host: Option<String>) -> TlsSession {
        connection.set_buffer_limit(None);
        let (plain, out) = (Vec::new(), Vec::new());
        TlsSession { connection, host, plain, read: 0, out, sent: 0, ended: false }
    }

    /// Is the handshake still going on?
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// The application protocol that both have agreed on (ALPN).
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    /// What came from the other end, in any pieces; none at all is the end of the wire.
    ///
    /// # Errors
    /// If the other end is not believed. What it is to be told then is [`pending`](TlsSession::pending).
    pub fn receive(&mut self, mut data: &[u8]) -> Result<(), TlsError> {
        if data.is_empty() {
            let _ = self.connection.read_tls(&mut data);
            return self.process();
        }
        while !data.is_empty() {
            match self.connection.read_tls(&mut data) {
                Ok(0) => break, // behind the other end's goodbye
                Ok(_) => self.process()?,
                Err(error) => {
                    let error = rustls::Error::General(error.to_string());
                    return Err(TlsError { host: self.host.clone(), error });
                }
            }
        }
        Ok(())
    }

    fn process(&mut self) -> Result<(), TlsError> {
        let processed = self.connection.process_new_packets();
        let error = processed.err().map(|error| TlsError { host: self.host.clone(), error });
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = self.connection.reader().read(&mut part) {
            self.plain.extend_from_slice(&part[..count]);
        }
        error.map_or(Ok(()), Err)
    }

    /// What is to be sent to the other end.
    pub fn pending(&mut self) -> &[u8] {
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        }
        while self.connection.wants_write() {
            // Into a vector: it takes all and never fails.
            if self.connection.write_tls(&mut self.out).is_err() {
                break;
            }
        }
        &self.out[self.sent..]
    }

    /// So many bytes of [`pending`](TlsSession::pending) were sent.
    pub fn sent(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.out.len());
    }

    /// Bytes for the program; 0 is the end that the other end has announced.
    ///
    /// # Errors
    /// `WouldBlock` if nothing has come; `UnexpectedEof` if the wire ended without an announcement: somebody may have cut
    /// the stream short.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = &self.plain[self.read..];
        if there.is_empty() {
            return match buffer.is_empty() {
                true => Ok(0),
                false => self.connection.reader().read(buffer).map_err(|error| self.explained(error)),
            };
        }
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        self.read += count;
        if self.read == self.plain.len() {
            self.plain.clear();
            self.read = 0;
        }
        Ok(count)
    }

    fn explained(&self, error: io::Error) -> io::Error {
        if error.kind() != io::ErrorKind::UnexpectedEof {
            return error;
        }
        let host = self.host.as_deref().unwrap_or("a client");
        let what =
            format!("the connection with {host} ended without TLS's announcement of the end (close_notify)");
        io::Error::new(io::ErrorKind::UnexpectedEof, what)
    }

    /// Bytes of the program, to be sent as soon as the handshake is over.
    ///
    /// # Errors
    /// `BrokenPipe` after [`end`](TlsSession::end).
    pub fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.connection.writer().write(data)
    }

    /// Announces the end of what this end writes (`close_notify`).
    pub fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.connection.send_close_notify();
        }
    }
}

impl std::fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSession").field("host", &self.host).finish_non_exhaustive()
    }
}
