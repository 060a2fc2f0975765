//! From an expression of the network to something that can be awaited.
//!
//! The names in it are looked up when it is evaluated. One that means nothing gives "noref" at once; else nothing happens
//! before the coroutine is awaited.

use std::rc::Rc;

use asyncio::Result;
use asyncio::net::{EventLoopExt, Socket, StreamReader};
use counterpoint as asyncio;

use super::addresses::{address, port};
use super::connections::Connection;
use super::expression::{
    NetworkExpression, OfServer, OfSocket, OfStream, ServerWait, SocketWait, StreamWait,
};
use super::runs::{self, Runs};
use super::{opening, serving};
use crate::difftest::awaitables::{Evaluated, coroutine};
use crate::difftest::machine::{Activity, Machine};
use crate::difftest::value::{Value, shown};

/// Evaluates an expression without awaiting anything.
pub(crate) fn evaluate(
    machine: &Rc<Machine>,
    expression: &NetworkExpression,
    activity: &Activity,
) -> Result<Evaluated> {
    let machine = machine.clone();
    match expression.clone() {
        NetworkExpression::Open { r#as, to, limit } => {
            coroutine(async move { opening::open(&machine, &r#as, to, limit).await })
        }
        NetworkExpression::Connect { r#as, p, to } => {
            coroutine(async move { opening::connect(&machine, &r#as, &p, to).await })
        }
        NetworkExpression::Serve(serve) => coroutine(async move { serving::serve(&machine, serve).await }),
        NetworkExpression::Endpoint { r#as, p, local, remote } => {
            coroutine(async move { opening::endpoint(&machine, &r#as, &p, local, remote).await })
        }
        NetworkExpression::Stream(wait) => on_stream(&machine, wait, activity),
        NetworkExpression::Server(wait) => on_server(&machine, &wait),
        NetworkExpression::Socket(wait) => on_socket(&machine, wait),
    }
}

fn noref(machine: &Machine) -> Result<Evaluated> {
    Ok(Evaluated::Future(machine.noref()))
}

fn none(_: ()) -> Value {
    Value::None
}

fn bytes(data: impl AsRef<[u8]>) -> Value {
    Value::Text(runs::shown(data.as_ref()))
}

fn on_stream(machine: &Rc<Machine>, wait: OfStream, activity: &Activity) -> Result<Evaluated> {
    let connection = machine.network.connections.find(&wait.s, activity);
    let Some(Connection::Stream { reader, writer }) = connection.as_deref() else { return noref(machine) };
    let (reader, writer) = (reader.clone(), writer.clone());
    match wait.what {
        StreamWait::Read { n } => coroutine(async move { read(&reader, n).await }),
        StreamWait::ReadExactly { n } => coroutine(async move { reader.readexactly(n).await.map(bytes) }),
        StreamWait::ReadLine => coroutine(async move { reader.readline().await.map(bytes) }),
        StreamWait::ReadUntil { sep } => coroutine(async move { read_until(&reader, &sep).await }),
        StreamWait::Drain => coroutine(async move { writer.drain().await.map(none) }),
        StreamWait::WaitClosed => coroutine(async move { writer.wait_closed().await.map(none) }),
    }
}

async fn read(reader: &StreamReader, count: i64) -> Result<Value> {
    match usize::try_from(count) {
        Ok(count) => reader.read(count).await.map(bytes),
        Err(_) => reader.read_to_end().await.map(bytes),
    }
}

async fn read_until(reader: &StreamReader, separators: &[Runs]) -> Result<Value> {
    match separators {
        [separator] => reader.readuntil(separator.bytes()).await.map(bytes),
        several => {
            let several: Vec<Vec<u8>> = several.iter().map(Runs::bytes).collect();
            reader.readuntil_any(several).await.map(bytes)
        }
    }
}

fn on_server(machine: &Rc<Machine>, wait: &OfServer) -> Result<Evaluated> {
    let Some(server) = machine.network.servers.find(&wait.s) else { return noref(machine) };
    match wait.a {
        ServerWait::SrvWait => coroutine(async move { server.wait_closed().await.map(none) }),
        ServerWait::Forever => coroutine(async move { server.serve_forever().await.map(none) }),
        ServerWait::Start if server.sockets().is_empty() => noref(machine),
        ServerWait::Start => coroutine(async move { server.start_serving().await.map(none) }),
    }
}

fn on_socket(machine: &Rc<Machine>, wait: OfSocket) -> Result<Evaluated> {
    let Some(socket) = machine.network.sockets.find(&wait.k) else { return noref(machine) };
    let machine = machine.clone();
    coroutine(async move { call(&machine, &socket, wait.what).await })
}

/// One of the loop's calls on a socket that wait.
async fn call(machine: &Machine, socket: &Socket, what: SocketWait) -> Result<Value> {
    let event_loop = &machine.event_loop;
    match what {
        SocketWait::Connect { port } => event_loop.sock_connect(socket, address(port)).await.map(none),
        SocketWait::Receive { n } => event_loop.sock_recv(socket, n).await.map(bytes),
        SocketWait::ReceiveInto { n } => {
            let mut buffer = vec![0; n];
            let count = event_loop.sock_recv_into(socket, &mut buffer).await?;
            Ok(Value::Text(format!("{count} {}", runs::shown(&buffer[..count]))))
        }
        SocketWait::ReceiveFrom { n } => {
            let (data, source) = event_loop.sock_recvfrom(socket, n).await?;
            Ok(Value::Text(format!("{} from {}", runs::shown(&data), port(&source))))
        }
        SocketWait::SendAll { d } => event_loop.sock_sendall(socket, d.bytes()).await.map(none),
        SocketWait::SendTo { d, port } => {
            let count = event_loop.sock_sendto(socket, d.bytes(), address(port)).await?;
            Ok(Value::Int(count as i64))
        }
        SocketWait::Accept { r#as } => {
            let (accepted, _) = event_loop.sock_accept(socket).await?;
            machine.network.sockets.bind(&r#as, accepted);
            Ok(Value::Text(r#as))
        }
    }
}

/// `async for` over the lines of a stream.
pub(crate) async fn lines(machine: &Rc<Machine>, activity: &Activity, number: u32, name: &str) -> Result<()> {
    let print = |text: String| machine.print(&activity.label, &format!("s{number} {text}"));
    let connection = machine.network.connections.find(name, activity);
    let Some(Connection::Stream { reader, .. }) = connection.as_deref() else {
        print("= noref".to_owned());
        return Ok(());
    };
    loop {
        match reader.next_line().await {
            Ok(Some(line)) => print(format!("line {}", runs::shown(&line))),
            Ok(None) => break,
            Err(error) => {
                print(format!("! {}", shown(&error)));
                return Err(error);
            }
        }
    }
    print("end".to_owned());
    Ok(())
}
