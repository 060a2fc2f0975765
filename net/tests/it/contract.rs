//! What every stream of bytes promises: one list, run over TCP and Unix connections (and TLS, with its feature).
//!
//! The list speaks only the traits of `futures_io`, which all of them have.

use counterpoint_net::{TcpListener, TcpStream, UnixListener, UnixStream};
use counterpoint_runtime::{Result, create_task, gather, run, sleep, timeout};
use futures_util::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

/// A kind of connection.
pub trait Pair {
    /// One end.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;
    /// Does the end of reading lose what the peer has not read of a stream that is dropped? A reset is told as such.
    const RESETS: bool;

    /// Two ends.
    fn connect() -> impl Future<Output = Result<(Self::Stream, Self::Stream)>>;
}

struct Tcp;

impl Pair for Tcp {
    type Stream = TcpStream;
    const RESETS: bool = true;

    async fn connect() -> Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        Ok((client, listener.accept().await?.0))
    }
}

struct Unix;

impl Pair for Unix {
    type Stream = UnixStream;
    const RESETS: bool = true;

    async fn connect() -> Result<(UnixStream, UnixStream)> {
        let listener = UnixListener::bind("/run/contract.sock")?;
        let client = UnixStream::connect("/run/contract.sock").await?;
        Ok((client, listener.accept().await?.0))
    }
}

/// Where a task leaves its stream: one that is dropped with unread bytes, as TLS has them of its own, resets.
type Kept<S> = Rc<RefCell<Option<S>>>;

/// Bytes that show where one is missing.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

async fn settle() -> Result<()> {
    sleep(Duration::from_millis(1)).await
}

pub async fn bytes_come_in_order_and_once<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    for part in pattern(3000).chunks(7) {
        one.write_all(part).await?;
    }
    one.close().await?;
    let mut got = Vec::new();
    other.read_to_end(&mut got).await?;
    assert_eq!(got, pattern(3000));
    Ok(())
}

pub async fn a_large_transfer_arrives_whole<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    let data = pattern(3_000_000);
    let sent = data.clone();
    let kept = Kept::default();
    let place = kept.clone();
    let writer = create_task(async move {
        one.write_all(&sent).await?;
        one.close().await?;
        *place.borrow_mut() = Some(one);
        Ok(())
    });
    let mut got = Vec::new();
    other.read_to_end(&mut got).await?;
    assert!(got == data, "{} of {} bytes, or others", got.len(), data.len());
    writer.await?;
    Ok(())
}

pub async fn both_directions_flow_at_once<P: Pair>() -> Result<()> {
    let (one, other) = P::connect().await?;
    let echo = |stream: P::Stream| async move {
        let (mut reads, mut writes) = stream.split();
        let kept = Kept::default();
        let place = kept.clone();
        let writer = create_task(async move {
            writes.write_all(&pattern(400_000)).await?;
            writes.close().await?;
            *place.borrow_mut() = Some(writes);
            Ok(())
        });
        let mut got = Vec::new();
        reads.read_to_end(&mut got).await?;
        assert!(got == pattern(400_000));
        writer.await?;
        Ok(())
    };
    gather((create_task(echo(one)), create_task(echo(other)))).await?;
    Ok(())
}

pub async fn the_end_comes_behind_the_data_and_stays<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    one.write_all(b"last").await?;
    one.close().await?;
    let mut buffer = [0; 10];
    assert_eq!(other.read(&mut buffer).await?, 4);
    assert_eq!(other.read(&mut buffer).await?, 0);
    assert_eq!(other.read(&mut buffer).await?, 0);
    Ok(())
}

pub async fn half_a_connection_goes_on<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    one.write_all(b"question").await?;
    one.close().await?;
    let mut got = Vec::new();
    other.read_to_end(&mut got).await?;
    assert_eq!(got, b"question");
    other.write_all(b"answer").await?;
    other.close().await?;
    got.clear();
    one.read_to_end(&mut got).await?;
    assert_eq!(got, b"answer");
    Ok(())
}

pub async fn a_write_after_the_own_end_is_an_error<P: Pair>() -> Result<()> {
    let (mut one, _other) = P::connect().await?;
    one.close().await?;
    assert_eq!(one.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    Ok(())
}

pub async fn a_read_that_is_dropped_halfway_has_read_nothing<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    let mut buffer = [0; 10];
    assert!(futures_util::poll!(other.read(&mut buffer)).is_pending());
    one.write_all(b"hello").await?;
    one.flush().await?;
    settle().await?;
    assert_eq!(other.read(&mut buffer).await?, 5);
    assert_eq!(&buffer[..5], b"hello");
    Ok(())
}

pub async fn a_cancelled_reader_has_read_nothing<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    let task = create_task(async move {
        let mut buffer = [0; 10];
        let ended = other.read(&mut buffer).await.map_err(counterpoint_runtime::Error::from);
        assert!(ended.unwrap_err().is_cancelled());
        other.read_exact(&mut buffer[..5]).await?;
        Ok(buffer)
    });
    settle().await?;
    task.cancel();
    settle().await?;
    one.write_all(b"hello").await?;
    one.flush().await?;
    assert_eq!(&task.await?[..5], b"hello");
    Ok(())
}

pub async fn a_writer_waits_until_the_reader_reads<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    let taken = Rc::new(Cell::new(0));
    let count = taken.clone();
    let kept = Kept::default();
    let place = kept.clone();
    let writer = create_task(async move {
        loop {
            count.set(count.get() + one.write(&[7; 10_000]).await?);
            if count.get() >= 5_000_000 {
                one.close().await?;
                *place.borrow_mut() = Some(one);
                return Ok(());
            }
        }
    });
    sleep(Duration::from_secs(5)).await?;
    let before = taken.get();
    assert!(before < 2_000_000, "nobody read, and {before} bytes were taken");
    sleep(Duration::from_secs(5)).await?;
    assert_eq!(taken.get(), before);
    let mut got = Vec::new();
    other.read_to_end(&mut got).await?;
    assert_eq!(got.len(), taken.get());
    writer.await?;
    Ok(())
}

pub async fn nothing_can_be_written_and_read<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    assert_eq!(one.write(b"").await?, 0);
    one.write_all(b"x").await?;
    one.flush().await?;
    settle().await?;
    assert_eq!(other.read(&mut []).await?, 0);
    assert_eq!(other.read(&mut [0; 10]).await?, 1);
    Ok(())
}

pub async fn a_peer_that_goes_with_unread_data_is_noticed<P: Pair>() -> Result<()> {
    let (mut one, other) = P::connect().await?;
    one.write_all(b"unread").await?;
    one.flush().await?;
    settle().await?;
    drop(other);
    settle().await?;
    let error = one.read(&mut [0; 10]).await.expect_err("the bytes were lost");
    assert_eq!(error.kind() == ErrorKind::ConnectionReset, P::RESETS, "{error}");
    Ok(())
}

pub async fn a_reader_that_waits_hears_of_the_end<P: Pair>() -> Result<()> {
    let (mut one, mut other) = P::connect().await?;
    let reader = create_task(async move { Ok(other.read(&mut [0; 10]).await?) });
    settle().await?;
    one.close().await?;
    assert_eq!(timeout(Duration::from_secs(1)).run(async move { reader.await }).await?, 0);
    Ok(())
}

/// Runs one promise over one kind.
#[track_caller]
pub fn keeps<F: Future<Output = Result<()>> + 'static>(promise: F) {
    run(promise).expect("the promise is kept");
}

/// All promises of a kind of connection, as tests.
macro_rules! contract {
    ($module:ident, $pair:ty) => {
        mod $module {
            $crate::contract::contract!($pair: bytes_come_in_order_and_once a_large_transfer_arrives_whole
                both_directions_flow_at_once the_end_comes_behind_the_data_and_stays half_a_connection_goes_on
                a_write_after_the_own_end_is_an_error a_read_that_is_dropped_halfway_has_read_nothing
                a_cancelled_reader_has_read_nothing a_writer_waits_until_the_reader_reads
                nothing_can_be_written_and_read a_peer_that_goes_with_unread_data_is_noticed
                a_reader_that_waits_hears_of_the_end);
        }
    };
    ($pair:ty: $($promise:ident)*) => {$(
        #[test]
        fn $promise() {
            $crate::contract::keeps($crate::contract::$promise::<$pair>());
        }
    )*};
}

pub(crate) use contract;

contract!(tcp, crate::contract::Tcp);
contract!(unix, crate::contract::Unix);
