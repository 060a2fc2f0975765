//! `StreamReader`, fed by hand.

use counterpoint_net::{IncompleteReadError, LimitOverrunError, StreamReader};
use counterpoint_runtime::{Error, ErrorKind, EventLoop, Result, create_task, run, sleep};
use std::time::Duration;

#[test]
fn a_read_goes_on_one_tick_after_data_came() {
    let event_loop = EventLoop::new();
    let ticks = event_loop.clone();
    let (fed, read) = event_loop
        .run_until_complete(async move {
            let reader = StreamReader::new();
            let reading = create_task({
                let (reader, ticks) = (reader.clone(), ticks.clone());
                async move {
                    assert_eq!(&reader.read(10).await?[..], b"abc");
                    Ok(ticks.ticks())
                }
            });
            sleep(Duration::ZERO).await?;
            reader.feed_data(b"abc")?;
            Ok((ticks.ticks(), reading.await?))
        })
        .unwrap();
    assert_eq!(read, fed + 1);
}

#[test]
fn a_second_reader_is_refused() {
    let error = run(async {
        let reader = StreamReader::new();
        let first = reader.clone();
        let _first = create_task(async move { first.read(1).await });
        sleep(Duration::ZERO).await?;
        reader.readline().await
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Runtime);
    assert_eq!(
        error.to_string(),
        "readuntil() called while another coroutine is already waiting for incoming data"
    );
}

#[test]
fn lines_end_with_the_stream() {
    run(async {
        let reader = StreamReader::new();
        reader.feed_data(b"a\nbc\nd")?;
        reader.feed_eof();
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line().await? {
            lines.push(line);
        }
        assert_eq!(lines, [&b"a\n"[..], b"bc\n", b"d"]);
        assert!(reader.at_eof());
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_incomplete_read_carries_what_there_was() {
    let error = run(async {
        let reader = StreamReader::new();
        reader.feed_data(b"ab")?;
        reader.feed_eof();
        reader.readexactly(3).await
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteRead);
    let incomplete = error.downcast_ref::<IncompleteReadError>().unwrap();
    assert_eq!(*incomplete, IncompleteReadError { partial: b"ab".to_vec(), expected: Some(3) });
}

async fn limited(data: &[u8]) -> Result<StreamReader> {
    let reader = StreamReader::with_limit(3)?;
    reader.feed_data(data)?;
    Ok(reader)
}

#[test]
fn readuntil_leaves_a_line_over_the_limit_where_it_is() {
    run(async {
        for (data, consumed) in [(&b"abcd\n"[..], 4), (b"abcdef", 6)] {
            let reader = limited(data).await?;
            let error = reader.readuntil("\n").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LimitOverrun);
            assert_eq!(error.downcast_ref::<LimitOverrunError>().map(|e| e.consumed), Some(consumed));
            assert_eq!(&reader.readexactly(data.len()).await?[..], data);
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn readline_throws_a_line_over_the_limit_away() {
    run(async {
        for (data, rest) in [(&b"abcd\nef"[..], &b"ef"[..]), (b"abcdef", b"")] {
            let reader = limited(data).await?;
            let error = reader.readline().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value);
            reader.feed_eof();
            assert_eq!(&reader.read_to_end().await?[..], rest);
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn the_separator_that_ends_first_wins() {
    run(async {
        let reader = StreamReader::new();
        reader.feed_data(b"ab\r\ncd\nef")?;
        assert_eq!(&reader.readuntil_any(["\r\n", "\n", "c"]).await?[..], b"ab\r\n");
        assert_eq!(&reader.readuntil_any(["d\n", "\n"]).await?[..], b"cd\n");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_separator_may_come_in_two_pieces() {
    run(async {
        let reader = StreamReader::new();
        reader.feed_data(b"ab\r")?;
        let reading = create_task({
            let reader = reader.clone();
            async move { reader.readuntil(b"\r\n").await }
        });
        sleep(Duration::ZERO).await?;
        reader.feed_data(b"\nc")?;
        assert_eq!(&reading.await?[..], b"ab\r\n");
        Ok(())
    })
    .unwrap();
}

#[test]
fn an_error_reaches_the_read_that_waits_and_every_later_one() {
    run(async {
        let reader = StreamReader::new();
        let waiting = reader.clone();
        let waiting = create_task(async move { waiting.read(1).await });
        sleep(Duration::ZERO).await?;
        reader.set_exception(Error::msg("gone"));
        assert_eq!(waiting.await.unwrap_err().to_string(), "gone");
        assert_eq!(reader.read(0).await.unwrap_err().to_string(), "gone");
        assert!(reader.exception().is_some());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_cancelled_read_loses_nothing() {
    run(async {
        let reader = StreamReader::new();
        let waiting = reader.clone();
        let waiting = create_task(async move { waiting.read(1).await });
        sleep(Duration::ZERO).await?;
        reader.feed_data(b"ab")?;
        waiting.cancel();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(&reader.read(10).await?[..], b"ab");
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_limit_of_zero_is_refused() {
    let error = run(async { StreamReader::with_limit(0) }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
}
