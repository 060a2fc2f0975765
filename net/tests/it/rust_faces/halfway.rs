//! A future that is dropped halfway leaves everything to the others.

use super::{connected, passes, settle};
use counterpoint_net::{TcpListener, TcpStream, UnixDatagram};
use counterpoint_runtime::{create_task, sleep};
use futures_util::future::{Either, select};
use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_reader_that_is_dropped_when_it_was_woken_leaves_the_bytes_to_the_next() {
    passes(|| async {
        let (client, served) = connected().await?;
        let (first, second) = (served.clone(), served);
        let loser = create_task(async move {
            let mut buffer = [0; 10];
            let read = pin!(first.read(&mut buffer));
            // Both are ready in the same tick; the sleep is looked at first.
            match select(pin!(sleep(Duration::from_secs(1))), read).await {
                Either::Left(_) => Ok(0),
                Either::Right((count, _)) => count,
            }
        });
        let winner = create_task(async move { second.read(&mut [0; 10]).await });
        sleep(Duration::from_secs(1)).await?;
        client.write_all(b"hello").await?;
        assert_eq!(loser.await? + winner.await?, 5);
        Ok(())
    });
}

#[test]
fn an_acceptor_that_is_aborted_when_it_was_woken_leaves_the_connection_to_the_next() {
    passes(|| async {
        let listener = TcpListener::bind("127.0.0.1:80").await?;
        let served = Rc::new(Cell::new(0));
        let acceptors: Vec<_> = (0..3)
            .map(|_| {
                let (listener, served) = (listener.clone(), served.clone());
                create_task(async move {
                    let accepted = listener.accept().await?;
                    served.set(served.get() + 1);
                    sleep(Duration::from_secs(1)).await?;
                    drop(accepted);
                    Ok(())
                })
            })
            .collect();
        settle().await?;
        let client = create_task(async { TcpStream::connect("127.0.0.1:80").await });
        sleep(Duration::ZERO).await?;
        acceptors[0].abort();
        let _client = client.await?;
        settle().await?;
        assert_eq!(served.get(), 1);
        acceptors.iter().for_each(|task| _ = task.abort());
        Ok(())
    });
}

#[test]
fn every_reader_of_a_connection_hears_of_its_end() {
    passes(|| async {
        let (client, served) = connected().await?;
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let served = served.clone();
                create_task(async move { served.read(&mut [0; 10]).await })
            })
            .collect();
        settle().await?;
        drop(client);
        for reader in readers {
            assert_eq!(reader.await?, 0);
        }
        Ok(())
    });
}

#[test]
fn a_sender_to_a_full_unix_socket_waits_without_turning() {
    passes(|| async {
        let log = UnixDatagram::bind("/dev/log")?;
        let program = UnixDatagram::unbound()?;
        let sent = Rc::new(Cell::new(0));
        let counter = sent.clone();
        let sender = create_task(async move {
            for _ in 0..15 {
                program.send_to(b"x", "/dev/log").await?;
                counter.set(counter.get() + 1);
            }
            Ok(())
        });
        sleep(Duration::from_secs(1)).await?; // time goes on while it waits
        assert_eq!(sent.get(), 11);
        for _ in 0..15 {
            log.recv(&mut [0; 10]).await?;
            sleep(Duration::from_millis(1)).await?;
        }
        sender.await
    });
}
