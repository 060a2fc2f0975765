//! Streams over connections.

use super::{Log, check};
use counterpoint_net::{
    StreamReader, StreamWriter, open_connection, open_unix_connection, start_server, start_unix_server,
};
use counterpoint_runtime::{Error, ErrorKind, EventLoop, Result, create_task, run, sleep};
use std::io;
use std::time::Duration;

const HOST: &str = "127.0.0.1";

async fn echo(reader: StreamReader, writer: StreamWriter) -> Result<()> {
    while let Some(line) = reader.next_line().await? {
        writer.write(&line)?;
        writer.drain().await?;
    }
    writer.close();
    writer.wait_closed().await
}

/// Takes connections and leaves them alone.
async fn hold(_reader: StreamReader, _writer: StreamWriter) -> Result<()> {
    sleep(Duration::from_secs(3600)).await
}

#[test]
fn lines_go_there_and_back() {
    run(async {
        let server = start_server(echo, HOST, 8000).await?;
        let (reader, writer) = open_connection("localhost", 8000).await?;
        for line in ["one\n", "two\n"] {
            writer.write(line)?;
            assert_eq!(&reader.readline().await?[..], line.as_bytes());
        }
        writer.write_eof()?;
        assert_eq!(reader.next_line().await?, None);
        writer.close();
        writer.wait_closed().await?;
        server.close();
        server.wait_closed().await
    })
    .unwrap();
}

#[test]
fn unix_sockets_have_streams_too() {
    run(async {
        let _server = start_unix_server(echo, "/run/echo").await?;
        let (reader, writer) = open_unix_connection("/run/echo").await?;
        writer.writelines(["a", "b", "\n"])?;
        assert_eq!(&reader.readline().await?[..], b"ab\n");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_dropped_writer_closes_its_connection() {
    run(async {
        let (accepted, other) = (counterpoint_runtime::Queue::new(1), counterpoint_runtime::Queue::new(1));
        let inbox = other.clone();
        let _server = start_server(
            move |reader, writer| {
                let inbox = inbox.clone();
                async move { inbox.put((reader, writer)).await }
            },
            HOST,
            8000,
        )
        .await?;
        let (reader, writer) = open_connection(HOST, 8000).await?;
        accepted.put(other.get().await?).await?;
        drop(writer);
        let (served, _writer): (StreamReader, StreamWriter) = accepted.get().await?;
        assert!(served.read(1).await?.is_empty());
        assert!(reader.read(1).await?.is_empty());
        Ok(())
    })
    .unwrap();
}

#[test]
fn drain_waits_until_the_peer_reads() {
    run(async {
        let _server = start_server(
            async |reader: StreamReader, _writer: StreamWriter| {
                sleep(Duration::from_secs(5)).await?;
                reader.readexactly(10_000_000).await
            },
            HOST,
            8000,
        )
        .await?;
        let (_reader, writer) = open_connection(HOST, 8000).await?;
        let event_loop = counterpoint_runtime::get_running_loop()?;
        writer.write(vec![7; 10_000_000])?;
        let begun = event_loop.time();
        writer.drain().await?;
        assert_eq!(event_loop.time() - begun, Duration::from_secs(5));
        assert!(writer.transport().get_write_buffer_size() <= 16 * 1024);
        Ok(())
    })
    .unwrap();
}

#[test]
fn drain_of_a_lost_connection_is_a_reset_without_a_number() {
    let error = run(async {
        let _server = start_server(hold, HOST, 8000).await?;
        let (_reader, writer) = open_connection(HOST, 8000).await?;
        writer.transport().abort();
        writer.wait_closed().await?;
        writer.drain().await
    })
    .unwrap_err();
    let error = error.downcast_ref::<io::Error>().unwrap();
    assert_eq!((error.kind(), error.raw_os_error()), (io::ErrorKind::ConnectionReset, None));
}

#[test]
fn an_error_of_a_handler_is_reported_and_closes_the_connection() {
    check(
        |log: Log| async move {
            let failing = async |_: StreamReader, _: StreamWriter| Err::<(), _>(Error::msg("no"));
            let _server = start_server(failing, HOST, 8000).await?;
            let (reader, _writer) = open_connection(HOST, 8000).await?;
            assert!(reader.read(1).await?.is_empty());
            log.say("closed");
            Ok(())
        },
        &["Unhandled exception in client_connected_cb: no", "closed"],
    );
}

#[test]
fn nobody_who_listens_is_an_error_with_a_number() {
    let error = run(async { open_connection(HOST, 8000).await }).unwrap_err();
    let refused = error.downcast_ref::<io::Error>().unwrap();
    assert_eq!(refused.raw_os_error(), Some(111));
    assert!(error.to_string().starts_with("Connect call failed 127.0.0.1:8000"), "{error}");
}

#[test]
fn addresses_that_fail_in_different_ways_give_one_error_without_a_number() {
    let error = run(async { open_connection("localhost", 8000).await }).unwrap_err();
    assert_eq!(error.downcast_ref::<io::Error>().unwrap().raw_os_error(), None);
    assert!(
        error.to_string().starts_with("Multiple exceptions: Connect call failed 127.0.0.1:8000"),
        "{error}"
    );
}

#[test]
fn one_cancelled_wait_closed_cancels_all_of_them() {
    run(async {
        let _server = start_server(hold, HOST, 8000).await?;
        let (_reader, writer) = open_connection(HOST, 8000).await?;
        let waits = [writer.wait_closed(), writer.wait_closed()].map(create_task);
        sleep(Duration::ZERO).await?;
        waits[0].cancel();
        let [one, other] = waits;
        assert!(one.await.unwrap_err().is_cancelled());
        assert!(other.await.unwrap_err().is_cancelled());
        assert!(writer.wait_closed().await.unwrap_err().is_cancelled());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_limit_of_zero_is_refused() {
    let error = run(async { start_server(hold, HOST, 8000).limit(0).await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    let error = run(async { open_connection(HOST, 8000).limit(0).await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
}

#[test]
fn a_deadlock_names_the_stream_that_is_waited_for() {
    let error = EventLoop::new()
        .run_until_complete(async {
            let (_reader, _writer): (StreamReader, StreamWriter) = {
                let _server = start_server(
                    async |reader: StreamReader, _writer: StreamWriter| reader.read(1).await,
                    HOST,
                    8000,
                )
                .await?;
                open_connection(HOST, 8000).await?
            };
            _reader.read(1).await
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert!(error.to_string().contains("StreamReader 127.0.0.1:8000"), "{error}");
}

#[test]
fn a_stream_may_be_dropped_while_another_loop_runs() {
    let event_loop = EventLoop::new();
    let stream = event_loop
        .run_until_complete(async {
            let _server = start_server(hold, HOST, 8000).await?;
            open_connection(HOST, 8000).await
        })
        .unwrap();
    run(async {
        let (_reader, _writer) = stream;
        sleep(Duration::from_secs(1)).await
    })
    .unwrap();
    event_loop.run_until_complete(sleep(Duration::from_secs(1))).unwrap();
}
