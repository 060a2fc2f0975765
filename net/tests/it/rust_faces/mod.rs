//! Rust's faces: what waits, what is cancelled, and what is dropped halfway.

mod cancellation;
mod halfway;
mod names;
mod reports;
mod splitting;
mod threads;
mod traits;

use counterpoint_net::{TcpListener, TcpStream};
use counterpoint_runtime::{Result, run, sleep};
use std::time::Duration;

/// Runs a program on a loop of its own, with the loopback below.
#[track_caller]
fn passes<F: Future<Output = Result<()>> + 'static>(program: impl FnOnce() -> F + 'static) {
    run(async move { program().await }).expect("the program passes");
}

/// Lets everything that is ready run.
async fn settle() -> Result<()> {
    sleep(Duration::from_millis(1)).await
}

/// Two ends of a TCP connection.
async fn connected() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (served, _) = listener.accept().await?;
    Ok((client, served))
}

/// The kind of the `io::Error` inside.
fn kind_of(error: &counterpoint_runtime::Error) -> Option<std::io::ErrorKind> {
    Some(error.downcast_ref::<std::io::Error>()?.kind())
}
