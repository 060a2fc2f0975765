//! Endpoints of datagrams.

use super::{Log, check};
use counterpoint_net::{Address, DatagramProtocol, DatagramTransport, EventLoopExt, Family};
use counterpoint_runtime::{Error, ErrorKind, Result, get_running_loop, sleep};
use std::io;
use std::time::Duration;

const HOST: &str = "127.0.0.1";

/// Answers what it is told to, and writes everything down.
struct Answering {
    name: &'static str,
    log: Log,
    answer: Option<&'static str>,
    transport: Option<DatagramTransport>,
}

impl Answering {
    fn new(name: &'static str, log: &Log, answer: Option<&'static str>) -> Answering {
        Answering { name, log: log.clone(), answer, transport: None }
    }

    fn say(&self, word: &str) {
        self.log.say(format!("{} {word}", self.name));
    }
}

impl DatagramProtocol for Answering {
    fn connection_made(&mut self, transport: &DatagramTransport) -> Result<()> {
        self.transport = Some(transport.clone());
        self.say("made");
        Ok(())
    }

    fn datagram_received(&mut self, data: &[u8], source: &Address) -> Result<()> {
        self.say(&format!("got {:?}", String::from_utf8_lossy(data)));
        if let (Some(answer), Some(transport)) = (self.answer, &self.transport) {
            transport.sendto(answer, source.clone())?;
        }
        Ok(())
    }

    fn error_received(&mut self, error: &io::Error) -> Result<()> {
        self.say(&format!("error {:?}", error.kind()));
        Ok(())
    }

    fn connection_lost(&mut self, _: Option<&Error>) -> Result<()> {
        self.say("lost");
        Ok(())
    }
}

#[test]
fn a_datagram_is_answered() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let server = Answering::new("server", &log, Some("pong"));
            let (server, _) = event_loop.create_datagram_endpoint(|| server).local_addr(HOST, 1).await?;
            let client = Answering::new("client", &log, None);
            let (client, _) = event_loop.create_datagram_endpoint(|| client).remote_addr(HOST, 1).await?;
            client.sendto("ping", None)?;
            client.sendto("", None)?;
            sleep(Duration::from_secs(1)).await?;
            client.close();
            server.abort();
            server.abort();
            sleep(Duration::from_secs(1)).await
        },
        &[
            "server made",
            "client made",
            "server got \"ping\"",
            "server got \"\"",
            "client got \"pong\"",
            "client got \"pong\"",
            "client lost",
            "server lost",
        ],
    );
}

#[test]
fn a_datagram_to_nobody_is_an_error_of_the_endpoint() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let client = Answering::new("client", &log, None);
            let (client, _) = event_loop.create_datagram_endpoint(|| client).remote_addr(HOST, 1).await?;
            client.sendto("ping", None)?;
            sleep(Duration::from_secs(1)).await?;
            assert!(!client.is_closing());
            Ok(())
        },
        &["client made", "client error ConnectionRefused"],
    );
}

#[test]
fn an_endpoint_needs_an_address_or_a_family() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let make = || Answering::new("client", &log, None);
            let (first, second) = (make(), make());
            let error = event_loop.create_datagram_endpoint(|| first).await.err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Value);
            let (endpoint, _) = event_loop.create_datagram_endpoint(|| second).family(Family::Inet).await?;
            assert_eq!(endpoint.sendto("x", None).unwrap_err().kind(), ErrorKind::Value);
            Ok(())
        },
        &["client made"],
    );
}
