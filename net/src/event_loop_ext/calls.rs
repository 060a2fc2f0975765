//! The loop's methods, each by the module that does it.

use super::EventLoopExt;
use crate::addr::{Address, UnixAddress};
use crate::connections::{
    CreateConnection, CreateDatagramEndpoint, CreateServer, CreateUnixConnection, CreateUnixServer, Hosts,
    Listening, Target, UnixListening, UnixTarget, connect_accepted, making,
};
use crate::protocols::{DatagramProtocol, IntoProtocol};
use crate::readers;
use crate::resolver::{self, GetAddrInfo};
use crate::sock_calls;
use crate::socket::Socket;
use crate::transports::Transport;
use bytes::Bytes;
use counterpoint_runtime::{CallbackOutput, EventLoop, Result};
use std::cell::RefCell;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;

impl EventLoopExt for EventLoop {
    fn create_connection<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        host: impl Into<String>,
        port: u16,
    ) -> CreateConnection<P> {
        CreateConnection::new(factory, Target::to(host, port))
    }

    fn create_connection_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        socket: Socket,
    ) -> CreateConnection<P> {
        CreateConnection::new(factory, Target::over(socket))
    }

    fn create_unix_connection<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        path: impl AsRef<Path>,
    ) -> CreateUnixConnection<P> {
        CreateUnixConnection::new(factory, UnixTarget::Path(UnixAddress::of(path)))
    }

    fn create_unix_connection_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        socket: Socket,
    ) -> CreateUnixConnection<P> {
        CreateUnixConnection::new(factory, UnixTarget::Socket(socket))
    }

    fn create_server<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        hosts: impl Into<Hosts>,
        port: u16,
    ) -> CreateServer {
        CreateServer::new(factory, Listening::at(hosts, port))
    }

    fn create_server_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        socket: Socket,
    ) -> CreateServer {
        CreateServer::new(factory, Listening::over(socket))
    }

    fn create_unix_server<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        path: impl AsRef<Path>,
    ) -> CreateUnixServer {
        let at = UnixTarget::Path(UnixAddress::of(path));
        CreateUnixServer::new(factory, UnixListening::at(at))
    }

    fn create_unix_server_from<P: IntoProtocol<K>, K>(
        &self,
        factory: impl Fn() -> P + 'static,
        socket: Socket,
    ) -> CreateUnixServer {
        CreateUnixServer::new(factory, UnixListening::at(UnixTarget::Socket(socket)))
    }

    fn create_datagram_endpoint<P: DatagramProtocol>(
        &self,
        factory: impl FnOnce() -> P + 'static,
    ) -> CreateDatagramEndpoint<P> {
        CreateDatagramEndpoint::new(factory)
    }

    fn connect_accepted_socket<P: IntoProtocol<K>, K>(
        &self,
        factory: impl FnOnce() -> P + 'static,
        socket: Socket,
    ) -> impl Future<Output = Result<(Transport, Rc<RefCell<P>>)>> + 'static {
        connect_accepted(making(factory), socket)
    }

    fn sock_connect(
        &self,
        socket: &Socket,
        address: impl Into<Address>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        sock_calls::sock_connect(self.number(), socket.clone(), address.into())
    }

    fn sock_accept(
        &self,
        socket: &Socket,
    ) -> impl Future<Output = Result<(Socket, Address)>> + Send + 'static {
        sock_calls::sock_accept(self.number(), socket.clone())
    }

    fn sock_recv(
        &self,
        socket: &Socket,
        count: usize,
    ) -> impl Future<Output = Result<Bytes>> + Send + 'static {
        sock_calls::sock_recv(self.number(), socket.clone(), count)
    }

    fn sock_recv_into<'a>(
        &self,
        socket: &Socket,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<usize>> + Send + 'a {
        let received = self.sock_recv(socket, buffer.len());
        async move {
            let received = received.await?;
            buffer[..received.len()].copy_from_slice(&received);
            Ok(received.len())
        }
    }

    fn sock_recvfrom(
        &self,
        socket: &Socket,
        count: usize,
    ) -> impl Future<Output = Result<(Bytes, Address)>> + Send + 'static {
        sock_calls::sock_recvfrom(self.number(), socket.clone(), count)
    }

    fn sock_recvfrom_into<'a>(
        &self,
        socket: &Socket,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = Result<(usize, Address)>> + Send + 'a {
        let received = self.sock_recvfrom(socket, buffer.len());
        async move {
            let (received, source) = received.await?;
            buffer[..received.len()].copy_from_slice(&received);
            Ok((received.len(), source))
        }
    }

    fn sock_sendall(
        &self,
        socket: &Socket,
        data: impl AsRef<[u8]>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let data = Bytes::copy_from_slice(data.as_ref());
        sock_calls::sock_sendall(self.number(), socket.clone(), data)
    }

    fn sock_sendto(
        &self,
        socket: &Socket,
        data: impl AsRef<[u8]>,
        address: impl Into<Address>,
    ) -> impl Future<Output = Result<usize>> + Send + 'static {
        let data = Bytes::copy_from_slice(data.as_ref());
        sock_calls::sock_sendto(self.number(), socket.clone(), data, address.into())
    }

    fn add_reader<R: CallbackOutput>(
        &self,
        socket: &Socket,
        callback: impl FnMut() -> R + 'static,
    ) -> Result<()> {
        readers::add_reader(self, socket, callback)
    }

    fn remove_reader(&self, socket: &Socket) -> Result<bool> {
        readers::remove_reader(self, socket)
    }

    fn add_writer<R: CallbackOutput>(
        &self,
        socket: &Socket,
        callback: impl FnMut() -> R + 'static,
    ) -> Result<()> {
        readers::add_writer(self, socket, callback)
    }

    fn remove_writer(&self, socket: &Socket) -> Result<bool> {
        readers::remove_writer(self, socket)
    }

    fn getaddrinfo(&self, host: impl Into<String>, port: u16) -> GetAddrInfo {
        GetAddrInfo::of(host.into(), port)
    }

    fn getnameinfo(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = Result<(String, String)>> + Send + 'static {
        resolver::getnameinfo(address)
    }
}
