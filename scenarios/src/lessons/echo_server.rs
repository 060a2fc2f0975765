//! A server on one host and a client on another: streams, as in Python, over a network that takes its time.
//!
//! `start_server` calls its handler for each connection, in a task of its own. The way from host to host takes half a
//! millisecond here, so each line of the client is answered a millisecond after it was sent, and the server hears of a
//! client half a millisecond after the client hears that it is connected. Where nobody writes, nothing happens: a
//! `read` waits, and gives no bytes once the peer has closed.

use super::Lines;
use counterpoint as asyncio;

use asyncio::cli::Scenario;
use asyncio::sim::{Latency, Link, World};
use asyncio::{StreamReader, StreamWriter, open_connection, start_server};
use std::time::Duration;

/// Two hosts and a connection.
pub fn scenario() -> Scenario {
    Scenario::new(
        "echo-server",
        "a server answers each line of a client on another host with the line itself",
    )
    .teaches("What is written arrives later and in order; the end of a stream is a read of no bytes.")
    .program_in_world(program)
    .passes()
}

async fn echo(lines: Lines, reader: StreamReader, writer: StreamWriter) -> asyncio::Result<()> {
    lines.say("server: a client is here");
    while let Some(line) = reader.next_line().await? {
        lines.say(format!("server: echoes {}", text(&line)));
        writer.write(&line)?;
        writer.drain().await?;
    }
    lines.say("server: the client has closed");
    Ok(())
}

async fn server(lines: Lines) -> asyncio::Result<()> {
    let handler = move |reader, writer| echo(lines.clone(), reader, writer);
    let server = start_server(handler, None, 7).await?;
    server.serve_forever().await
}

async fn client(lines: Lines) -> asyncio::Result<()> {
    let (reader, writer) = open_connection("server", 7).await?;
    lines.say("client: is connected");
    for word in ["hello", "world"] {
        writer.write(format!("{word}\n"))?;
        writer.drain().await?;
        let line = reader.readline().await?;
        lines.say(format!("client: hears {}", text(&line)));
    }
    writer.close();
    writer.wait_closed().await
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().to_owned()
}

async fn program(world: World) -> asyncio::Result<()> {
    let lines = Lines::default();
    world.links(Link::new().latency(Latency::constant(Duration::from_micros(500))))?;
    let of_server = lines.clone();
    world.host("server").start(move || server(of_server.clone()))?;
    let of_client = lines.clone();
    world.host("client").start(move || client(of_client.clone()))?.join().await?;
    asyncio::sleep(Duration::from_millis(1)).await?; // the close is on its way
    lines.check(&[
        "client: is connected",
        "server: a client is here",
        "server: echoes hello",
        "client: hears hello",
        "server: echoes world",
        "client: hears world",
        "server: the client has closed",
    ]);
    Ok(())
}
