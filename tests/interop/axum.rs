//! axum: a router with state and JSON, served by hyper, since `axum::serve` belongs to tokio.

use crate::{comes_through, holds, on_one_machine};
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use counterpoint::net::{TcpListener, TcpStream};
use counterpoint::{Lock, Result, create_task, gather, sleep};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tower_service::Service;

#[derive(Clone)]
struct Account {
    balance: Arc<AtomicU64>,
    lock: Lock,
}

/// Reads, waits, and writes back, under a lock: our handles are `Send`, so a handler of axum may hold one.
async fn deposit(State(account): State<Account>, Path(amount): Path<u64>) -> Json<u64> {
    let held = account.lock.acquire().await;
    let before = account.balance.load(Ordering::Relaxed);
    let _ = sleep(Duration::from_millis(10)).await;
    account.balance.store(before + amount, Ordering::Relaxed);
    drop(held);
    Json(before + amount)
}

fn router() -> Router {
    let account = Account { balance: Arc::default(), lock: Lock::new() };
    let balance = async |State(account): State<Account>| Json(account.balance.load(Ordering::Relaxed));
    Router::new()
        .route("/deposit/{amount}", post(deposit))
        .route("/balance", get(balance))
        .with_state(account)
}

async fn server(at: &'static str) -> Result<()> {
    let listener = TcpListener::bind(at).await?;
    let router = router();
    loop {
        let (stream, _) = listener.accept().await?;
        let router = router.clone();
        // A router is a service of tower, whose `call` is all that hyper needs.
        let service =
            hyper::service::service_fn(move |request: Request<Incoming>| router.clone().call(request));
        create_task(async move {
            drop(hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await);
            Ok(())
        });
    }
}

async fn ask(at: &'static str, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
    let stream = TcpStream::connect(at).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    create_task(async move {
        drop(connection.await); // what it ended with, the request says as well
        Ok(())
    });
    let response = sender.send_request(request).await?;
    Ok((response.status(), response.into_body().collect().await?.to_bytes()))
}

async fn client(at: &'static str) -> Result<()> {
    let request = |method: &str, path: &str| {
        Request::builder().method(method).uri(path).header("host", "bank").body(Full::default())
    };
    let deposits = [request("POST", "/deposit/2")?, request("POST", "/deposit/3")?];
    gather(deposits.map(|request| create_task(ask(at, request))).to_vec()).await?;
    let (status, balance) = ask(at, request("GET", "/balance")?).await?;
    assert_eq!((status, &balance[..]), (StatusCode::OK, &b"5"[..]));
    assert_eq!(ask(at, request("GET", "/nowhere")?).await?.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(at, request("POST", "/deposit/much")?).await?.0, StatusCode::BAD_REQUEST);
    Ok(())
}

#[test]
fn handlers_hold_our_locks_across_awaits() {
    holds(|| on_one_machine(server, client));
}

#[test]
fn a_deposit_through_loss_resets_and_a_partition_is_answered() {
    comes_through(server, async |at| {
        let request = Request::post("/deposit/2").header("host", "bank").body(Full::default())?;
        let (status, balance) = ask(at, request).await?;
        assert_eq!(status, StatusCode::OK);
        // A deposit whose answer was lost is made again: an even number of times two at least.
        let balance: u64 = std::str::from_utf8(&balance)?.parse()?;
        assert!(balance >= 2 && balance.is_multiple_of(2), "{balance}");
        Ok(())
    });
}
