//! Which address a connection takes.

use counterpoint_net::{
    Address, EventLoopExt, Family, StreamReader, StreamWriter, open_connection, start_server,
};
use counterpoint_runtime::{ErrorKind, Result, all_tasks, get_running_loop, run, sleep};
use std::io;
use std::time::Duration;

async fn hold(_reader: StreamReader, _writer: StreamWriter) -> Result<()> {
    sleep(Duration::from_secs(3600)).await
}

fn text(address: Option<Address>) -> String {
    address.map(|address| address.to_string()).unwrap_or_default()
}

#[test]
fn the_next_address_is_tried_when_one_refuses() {
    run(async {
        let _server = start_server(hold, "::1", 8000).await?;
        let (_reader, writer) = open_connection("localhost", 8000).await?;
        assert_eq!(text(writer.peername()), "[::1]:8000");
        Ok(())
    })
    .unwrap();
}

#[test]
fn happy_eyeballs_take_the_first_that_connects() {
    run(async {
        let _server = start_server(hold, "::1", 8000).await?;
        let event_loop = get_running_loop()?;
        let begun = event_loop.time();
        let (_reader, writer) =
            open_connection("localhost", 8000).happy_eyeballs_delay(Duration::from_secs(5)).await?;
        assert_eq!(text(writer.peername()), "[::1]:8000");
        assert!(event_loop.time() - begun < Duration::from_secs(1)); // a refusal waits for no delay
        assert_eq!(all_tasks().len(), 2); // this one and the handler: the race left none
        Ok(())
    })
    .unwrap();
}

#[test]
fn happy_eyeballs_fail_with_the_errors_of_all() {
    let error =
        run(async { open_connection("localhost", 8000).happy_eyeballs_delay(Duration::from_secs(5)).await })
            .unwrap_err();
    assert!(error.downcast_ref::<io::Error>().unwrap().raw_os_error().is_none());
    assert!(error.to_string().starts_with("Multiple exceptions: "), "{error}");
}

#[test]
fn all_errors_are_a_group() {
    struct Silent;
    impl counterpoint_net::Protocol for Silent {}
    let error = run(async {
        let event_loop = get_running_loop()?;
        event_loop.create_connection(|| Silent, "localhost", 8000).all_errors(true).await.map(drop)
    })
    .unwrap_err();
    assert_eq!((error.kind(), error.errors().len()), (ErrorKind::Group, 2));
}

#[test]
fn a_family_and_a_local_address_are_kept() {
    run(async {
        let _server = start_server(hold, ["127.0.0.1", "::1"], 8000).await?;
        let (_reader, writer) = open_connection("localhost", 8000).family(Family::Inet6).await?;
        assert_eq!(text(writer.peername()), "[::1]:8000");
        let (_reader, writer) = open_connection("localhost", 8000).local_addr("127.0.0.1", 1234).await?;
        assert_eq!(text(writer.sockname()), "127.0.0.1:1234");
        let error = open_connection("127.0.0.1", 8000).local_addr("::1", 0).await.unwrap_err();
        assert!(error.to_string().starts_with("no matching local address"), "{error}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_unknown_name_is_an_error_of_the_look_up() {
    run(async {
        let error = open_connection("nowhere", 8000).await.unwrap_err();
        assert!(error.downcast_ref::<counterpoint_net::ResolveError>().is_some());
        let event_loop = get_running_loop()?;
        let found = event_loop.getaddrinfo("localhost", 5).family(Family::Inet).await?;
        assert_eq!(found, ["127.0.0.1:5".parse()?]);
        let (name, service) = event_loop.getnameinfo("127.0.0.1:80".parse()?).await?;
        assert_eq!((name.as_str(), service.as_str()), ("localhost", "80"));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_dropped_attempt_leaves_nothing_behind() {
    run(async {
        let _server = start_server(hold, "127.0.0.1", 8000).await?;
        for ticks in 0..5 {
            let attempt = counterpoint_runtime::create_task(async {
                open_connection("127.0.0.1", 8000).await.map(drop)
            });
            for _ in 0..ticks {
                sleep(Duration::ZERO).await?;
            }
            attempt.abort();
        }
        sleep(Duration::from_secs(1)).await
    })
    .unwrap();
}
