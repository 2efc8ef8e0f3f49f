//! The least that can be done: servers that answer without thinking, processes of their own.

use bytes::Bytes;
use gateway::wv::connection::HttpServer;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
};
use std::{net::Ipv4Addr, rc::Rc, time::Duration};
use tokio::{
    net::{TcpListener, UdpSocket},
    runtime::Builder,
    sync::watch,
    task::LocalSet,
};

/// An HTTP server with the set-up of the CSP listener, on one thread like a lane. The path says how many octets the
/// answer has.
pub(crate) fn serve_http(port: u16) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port is free");
        let server = Rc::new(HttpServer::new(Duration::from_secs(120)));
        let (_going_on, stop) = watch::channel(false);
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            tokio::task::spawn_local(Rc::clone(&server).converse(stream, answer, stop.clone()));
        }
    });
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let octets = request.uri().path().trim_start_matches('/').parse().unwrap_or(0).min(ANSWER.len());
    let collected = Limited::new(request.into_body(), 1 << 20).collect().await;
    std::hint::black_box(collected.is_ok());
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.get(..octets).unwrap_or_default())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/vnd.wv.csp.wbxml"));
    response
}

static ANSWER: &[u8] = &[b'e'; 4096];

/// A UDP server whose answers have as many octets as the first four digits of the question say.
pub(crate) fn serve_udp(port: u16) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port is free");
        let mut buffer = vec![0; 65_536];
        loop {
            if let Ok((length, source)) = socket.recv_from(&mut buffer).await {
                let digits = buffer.get(..length.min(4)).and_then(|digits| std::str::from_utf8(digits).ok());
                let octets = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0_usize);
                let _ = socket.send_to(ANSWER.get(..octets).unwrap_or(ANSWER), source).await;
            }
        }
    });
}
