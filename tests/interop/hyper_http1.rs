//! hyper, HTTP/1.1: a server that echoes, a client that keeps its connection, a time limit for the headers.

use crate::holds;
use bytes::Bytes;
use counterpoint::net::hyper::Timer;
use counterpoint::net::{TcpListener, TcpStream};
use counterpoint::{Result, create_task};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::time::Duration;

/// Answers with the path and the body.
pub async fn echo(request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut answer = path.into_bytes();
    answer.extend_from_slice(&body);
    Ok(Response::new(Full::from(answer)))
}

async fn server(at: &'static str) -> Result<()> {
    let listener = TcpListener::bind(at).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        create_task(async move {
            let ended = hyper::server::conn::http1::Builder::new()
                .timer(Timer::new())
                .header_read_timeout(Duration::from_secs(5))
                .serve_connection(stream, service_fn(echo))
                .await;
            drop(ended); // a client that goes is no affair of the server's
            Ok(())
        });
    }
}

async fn client(at: &'static str) -> Result<()> {
    let stream = TcpStream::connect(at).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    create_task(async move { Ok(connection.await?) });
    for number in 0..3 {
        let body = Full::new(Bytes::from(format!("body {number}")));
        let request = Request::post("/echo/").header("host", "store").body(body)?;
        let response = sender.send_request(request).await?;
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await?.to_bytes();
        assert_eq!(body, format!("/echo/body {number}"));
    }
    Ok(())
}

#[test]
fn a_client_keeps_its_connection_over_several_requests() {
    holds(server, client);
}

#[test]
fn a_body_larger_than_all_buffers_is_streamed() {
    holds(server, |at| async move {
        let stream = TcpStream::connect(at).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        create_task(async move { Ok(connection.await?) });
        let body = Full::new(Bytes::from(vec![7; 1_000_000]));
        let response = sender.send_request(Request::post("/").header("host", "store").body(body)?).await?;
        assert_eq!(response.into_body().collect().await?.to_bytes().len(), 1_000_001);
        Ok(())
    });
}

#[test]
fn a_client_that_sends_no_headers_is_dropped_after_its_five_seconds() {
    holds(server, |at| async move {
        let stream = TcpStream::connect(at).await?;
        stream.write_all(b"GET / HTTP/1.1\r\n").await?;
        let begun = counterpoint::get_running_loop()?.time();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await?;
        let waited = counterpoint::get_running_loop()?.time() - begun;
        assert!((Duration::from_secs(5)..Duration::from_secs(8)).contains(&waited), "{waited:?}");
        Ok(())
    });
}
