//! Servers.

use super::{Log, Writing, check};
use counterpoint_net::{EventLoopExt, Server};
use counterpoint_runtime::{ErrorKind, Result, create_task, get_running_loop, sleep};
use std::io;
use std::time::Duration;

const HOST: &str = "127.0.0.1";

async fn serve(log: &Log) -> Result<Server> {
    let log = log.clone();
    get_running_loop()?.create_server(move || Writing { name: "server", log: log.clone() }, HOST, 1).await
}

fn waiting(log: &Log, server: &Server) -> counterpoint_runtime::Task<()> {
    let (log, server) = (log.clone(), server.clone());
    create_task(async move {
        server.wait_closed().await?;
        log.say("closed");
        Ok(())
    })
}

#[test]
fn wait_closed_waits_for_the_close_and_for_the_last_connection() {
    check(
        |log: Log| async move {
            let server = serve(&log).await?;
            let waits = waiting(&log, &server);
            let client = Writing { name: "client", log: log.clone() };
            let (transport, _) = get_running_loop()?.create_connection(|| client, HOST, 1).await?;
            sleep(Duration::from_secs(1)).await?;
            server.close();
            server.close();
            assert!(!server.is_serving() && server.sockets().is_empty());
            sleep(Duration::from_secs(1)).await?;
            transport.abort();
            waits.await?;
            server.wait_closed().await
        },
        &["server made", "client made", "client lost -", "server eof", "server lost -", "closed"],
    );
}

#[test]
fn clients_are_closed_with_the_word_for_it() {
    check(
        |log: Log| async move {
            let server = serve(&log).await?;
            let client = Writing { name: "client", log: log.clone() };
            get_running_loop()?.create_connection(|| client, HOST, 1).await?;
            sleep(Duration::from_secs(1)).await?;
            server.close();
            server.close_clients();
            server.wait_closed().await?;
            sleep(Duration::from_secs(1)).await
        },
        &["server made", "client made", "server lost -", "client eof", "client lost -"],
    );
}

#[test]
fn serve_forever_closes_the_server_when_it_is_cancelled() {
    check(
        |log: Log| async move {
            let server = serve(&log).await?;
            let forever = create_task(server.serve_forever());
            sleep(Duration::ZERO).await?;
            assert_eq!(server.serve_forever().await.unwrap_err().kind(), ErrorKind::Runtime);
            forever.cancel();
            assert!(forever.await.unwrap_err().is_cancelled());
            assert!(server.sockets().is_empty());
            let error = server.serve_forever().await.unwrap_err();
            assert!(error.to_string().ends_with("is closed"), "{error}");
            Ok(())
        },
        &[],
    );
}

#[test]
fn closing_a_server_ends_serve_forever() {
    check(
        |log: Log| async move {
            let server = serve(&log).await?;
            let forever = create_task(server.serve_forever());
            sleep(Duration::ZERO).await?;
            server.close();
            assert!(forever.await.unwrap_err().is_cancelled());
            Ok(())
        },
        &[],
    );
}

#[test]
fn a_server_that_does_not_serve_yet_refuses() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let make = {
                let log = log.clone();
                move || Writing { name: "server", log: log.clone() }
            };
            let server = event_loop.create_server(make, HOST, 1).start_serving(false).await?;
            let client = || Writing { name: "client", log: log.clone() };
            let (first, second) = (client(), client());
            assert!(event_loop.create_connection(|| first, HOST, 1).await.is_err());
            server.start_serving().await?;
            event_loop.create_connection(|| second, HOST, 1).await?;
            Ok(())
        },
        &["server made", "client made"],
    );
}

#[test]
fn a_port_that_is_taken_says_so() {
    check(
        |log: Log| async move {
            let _server = serve(&log).await?;
            let error = serve(&log).await.unwrap_err();
            assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::AddrInUse);
            assert!(error.to_string().contains("bind on address 127.0.0.1:1"), "{error}");
            Ok(())
        },
        &[],
    );
}

#[test]
fn several_hosts_are_served_each_once() {
    check(
        |log: Log| async move {
            let event_loop = get_running_loop()?;
            let make = move || Writing { name: "server", log: log.clone() };
            let hosts = ["127.0.0.1", "::1", "localhost"];
            let server = event_loop.create_server(make.clone(), hosts, 1).await?;
            assert_eq!(server.sockets().len(), 2);
            let server = event_loop.create_server(make, None, 2).await?;
            assert_eq!(server.sockets().len(), 2);
            Ok(())
        },
        &[],
    );
}
