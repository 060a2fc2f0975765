//! Transports and protocols.

use super::{Log, Writing, check};
use counterpoint_net::{BufferedProtocol, EventLoopExt, FlowControl, Protocol, Transport};
use counterpoint_runtime::{Error, ErrorKind, Result, get_running_loop, sleep};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const HOST: &str = "127.0.0.1";

/// Lets everything happen that takes no time.
async fn settle() -> Result<()> {
    for _ in 0..10 {
        sleep(Duration::ZERO).await?;
    }
    Ok(())
}

#[test]
fn a_protocol_is_told_in_order() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let served = log.clone();
            let server = event_loop
                .create_server(move || Writing { name: "server", log: served.clone() }, HOST, 1)
                .await?;
            let client = Writing { name: "client", log: log.clone() };
            let (transport, _) = event_loop.create_connection(|| client, HOST, 1).await?;
            transport.write("a")?;
            settle().await?;
            transport.write("b")?;
            transport.close();
            transport.close();
            transport.write("c")?; // dropped
            settle().await?;
            server.close();
            server.wait_closed().await
        },
        &[
            "server made",
            "client made",
            "server data a",
            "client lost -",
            "server data b",
            "server eof",
            "server lost -",
        ],
    );
}

/// Writes more than its transport takes, when it is told of the connection.
struct Eager {
    told: Writing,
    flow: Option<Rc<dyn FlowControl>>,
}

impl Protocol for Eager {
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        transport.write(vec![0; 10_000_000])?;
        self.told.connection_made(transport)
    }

    fn pause_writing(&mut self) -> Result<()> {
        self.told.pause_writing()
    }

    fn flow_control(&self) -> Option<Rc<dyn FlowControl>> {
        self.flow.clone()
    }
}

struct Told(Log);

impl FlowControl for Told {
    fn pause_writing(&self) -> Result<()> {
        self.0.say("flow pause");
        Ok(())
    }

    fn resume_writing(&self) -> Result<()> {
        Ok(())
    }
}

async fn connect_eagerly(log: Log, flow: Option<Rc<dyn FlowControl>>) -> Result<()> {
    let event_loop = get_running_loop()?;
    let _server = event_loop.create_server(|| Silent, HOST, 1).await?;
    let told = Writing { name: "eager", log };
    let (transport, _) = event_loop.create_connection(|| Eager { told, flow }, HOST, 1).await?;
    transport.abort();
    Ok(())
}

struct Silent;

impl Protocol for Silent {
    fn connection_made(&mut self, transport: &Transport) -> Result<()> {
        transport.pause_reading();
        Ok(())
    }
}

#[test]
fn a_pause_waits_for_the_end_of_the_protocols_own_call() {
    check(|log: Log| connect_eagerly(log, None), &["eager made", "eager pause"]);
}

#[test]
fn flow_control_is_told_within_the_protocols_own_call() {
    check(
        |log: Log| {
            let flow: Rc<dyn FlowControl> = Rc::new(Told(log.clone()));
            connect_eagerly(log, Some(flow))
        },
        &["flow pause", "eager made"],
    );
}

/// Fails at the first data.
struct Failing(Writing);

impl Protocol for Failing {
    fn data_received(&mut self, _: &[u8]) -> Result<()> {
        Err(Error::msg("bad data"))
    }

    fn connection_lost(&mut self, error: Option<&Error>) -> Result<()> {
        self.0.connection_lost(error)?;
        Err(Error::msg("bad end"))
    }
}

#[test]
fn a_failure_over_data_ends_the_connection_and_is_reported() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let served = log.clone();
            let make = move || Failing(Writing { name: "server", log: served.clone() });
            let _server = event_loop.create_server(make, HOST, 1).await?;
            let client = Writing { name: "client", log: log.clone() };
            let (transport, _) = event_loop.create_connection(|| client, HOST, 1).await?;
            transport.write("x")?;
            settle().await
        },
        &[
            "client made",
            "Fatal error: protocol.data_received() call failed.: bad data",
            "server lost bad data",
            "Exception in callback: bad end",
            "client eof",
            "client lost -",
        ],
    );
}

/// Lends four bytes.
struct Lending {
    buffer: [u8; 4],
    log: Log,
}

impl BufferedProtocol for Lending {
    fn get_buffer(&mut self, _: Option<usize>) -> Result<&mut [u8]> {
        Ok(&mut self.buffer)
    }

    fn buffer_updated(&mut self, count: usize) -> Result<()> {
        self.log.say(String::from_utf8_lossy(&self.buffer[..count]));
        Ok(())
    }
}

#[test]
fn a_buffered_protocol_is_read_into() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let make = move || Lending { buffer: [0; 4], log: log.clone() };
            let _server = event_loop.create_server(make, HOST, 1).await?;
            let (transport, _) = event_loop.create_connection(|| Silent, HOST, 1).await?;
            transport.write("abcdef")?;
            settle().await
        },
        &["abcd", "ef"],
    );
}

#[test]
fn what_a_transport_refuses() {
    check(
        |_| async move {
            let event_loop = get_running_loop()?;
            let _server = event_loop.create_server(|| Silent, HOST, 1).await?;
            let (transport, _) = event_loop.create_connection(|| Silent, HOST, 1).await?;
            let socket = transport.socket().unwrap();
            let error = event_loop.add_reader(&socket, || ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Runtime);
            assert!(error.to_string().contains("is used by transport"), "{error}");
            let error = transport.set_write_buffer_limits(Some(1), Some(2)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value);
            assert_eq!(transport.get_write_buffer_limits(), (16 * 1024, 64 * 1024));
            transport.write_eof()?;
            assert_eq!(transport.write("x").unwrap_err().kind(), ErrorKind::Runtime);
            transport.abort();
            event_loop.add_reader(&socket, || ())?; // it is nobody's any more
            settle().await?;
            assert_eq!(event_loop.add_reader(&socket, || ()).unwrap_err().kind(), ErrorKind::Value);
            transport.write("x") // nothing happens
        },
        &[],
    );
}

#[test]
fn a_protocol_can_be_found_and_replaced() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let _server = event_loop.create_server(|| Silent, HOST, 1).await?;
            let (transport, silent) = event_loop.create_connection(|| Silent, HOST, 1).await?;
            assert!(Rc::ptr_eq(&transport.get_protocol::<Silent>().unwrap(), &silent));
            let writing: Rc<RefCell<Writing>> =
                transport.set_protocol(Writing { name: "second", log: log.clone() });
            assert!(transport.get_protocol::<Silent>().is_none());
            transport.abort();
            settle().await?;
            assert_eq!(Rc::strong_count(&writing), 1); // the transport let it go
            Ok(())
        },
        &["second lost -"],
    );
}
