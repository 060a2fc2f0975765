//! hyper, HTTP/2: many requests at once over one connection.

use crate::holds;
use crate::hyper_http1::echo;
use bytes::Bytes;
use counterpoint::net::hyper::{Executor, Timer};
use counterpoint::net::{TcpListener, TcpStream};
use counterpoint::{Result, create_task, gather};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::service::service_fn;
use std::time::Duration;

async fn server(at: &'static str) -> Result<()> {
    let listener = TcpListener::bind(at).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        create_task(async move {
            let ended = hyper::server::conn::http2::Builder::new(Executor::new())
                .timer(Timer::new())
                .keep_alive_interval(Duration::from_secs(10))
                .serve_connection(stream, service_fn(echo))
                .await;
            drop(ended);
            Ok(())
        });
    }
}

async fn client(at: &'static str) -> Result<()> {
    let stream = TcpStream::connect(at).await?;
    let (sender, connection) = hyper::client::conn::http2::Builder::new(Executor::new())
        .timer(Timer::new())
        .handshake(stream)
        .await?;
    create_task(async move {
        // h2 keeps of an error its text alone: a cancellation comes out of it as a failure, so it is looked at here.
        drop(connection.await);
        Ok(())
    });
    let requests: Vec<_> = (0..10)
        .map(|number| {
            let mut sender = sender.clone();
            create_task(async move {
                let body = Full::new(Bytes::from(vec![number; 50_000]));
                let request = Request::post(format!("http://store/{number}")).body(body)?;
                let response = sender.send_request(request).await?;
                let body = response.into_body().collect().await?.to_bytes();
                assert_eq!(body.len(), 50_000 + 2);
                assert!(body[2..].iter().all(|byte| *byte == number));
                Ok(())
            })
        })
        .collect();
    gather(requests).await?;
    Ok(())
}

#[test]
fn ten_requests_share_a_connection() {
    holds(server, client);
}
