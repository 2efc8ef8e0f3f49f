//! HTTP connections: those that talked last are held ready, those that wait take little more than their socket.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{Notify, watch},
};
use tokio_rustls::server::TlsStream;

/// Serves the HTTP connections of one thread.
///
/// A connection that talks has buffers of 8 KiB in either direction. Only the `READY_MAX` that talked last keep them;
/// the others wait for the next octet without.
pub struct HttpServer {
    builder: http1::Builder,
    patience: Duration,
    /// The last requests that were answered, oldest first: their places, and who made them.
    order: RefCell<VecDeque<(u64, Rc<Talk>)>>,
    last_place: Cell<u64>,
}

/// What is known about a connection that is held ready.
#[derive(Default)]
struct Talk {
    requests: Cell<u64>,
    is_busy: Cell<bool>,
    /// The place of its last request.
    place: Cell<u64>,
    /// Rung when others need the room more.
    rest: Notify,
}

impl HttpServer {
    /// A client may take so long over the head of a request, and be silent for so long.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_OCTETS_MAX);
        Self { builder, patience, order: RefCell::default(), last_place: Cell::new(0) }
    }

    /// Answers the requests of a connection until it ends, or until `stop` changes; what was begun is finished then.
    ///
    /// Returns an error when the connection breaks, or what comes over it is no HTTP.
    pub fn converse<S, F, A>(
        self: Rc<Self>,
        stream: S,
        service: F,
        mut stop: watch::Receiver<bool>,
    ) -> impl Future<Output = hyper::Result<()>>
    where
        S: Stream,
        F: Fn(Request<Incoming>) -> A + Clone + 'static,
        A: Future<Output = Response<Full<Bytes>>> + 'static,
    {
        let mut may_wait = !S::IS_BUFFERED;
        // An `Option`, because an asynchronous block would keep room for what was moved away.
        let mut waiting = Some(Resumed { read: Bytes::new(), stream });
        async move {
            while let Some(resumed) = &waiting {
                if may_wait && resumed.read.is_empty() && !self.wait(&resumed.stream, &mut stop).await {
                    break;
                }
                may_wait = true;
                let Some(resumed) = waiting.take() else { break };
                // Boxed: the memory of the talk goes with it.
                waiting = Box::pin(self.talk(resumed, service.clone(), &mut stop)).await?;
            }
            Ok(())
        }
    }

    /// Waits for the next octet; false when it is not to be waited for any longer.
    async fn wait<S: Stream>(&self, stream: &S, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            arrived = stream.arrival() => arrived.is_ok(),
            () = tokio::time::sleep(self.patience) => false,
            _ = stop.changed() => false,
        }
    }

    /// Answers requests until the connection ends, or until others talk and this one does not.
    async fn talk<S, F, A>(
        self: &Rc<Self>,
        stream: Resumed<S>,
        service: F,
        stop: &mut watch::Receiver<bool>,
    ) -> hyper::Result<Option<Resumed<S>>>
    where
        S: Stream,
        F: Fn(Request<Incoming>) -> A + 'static,
        A: Future<Output = Response<Full<Bytes>>> + 'static,
    {
        let talk = Rc::new(Talk::default());
        let noted = (Rc::clone(self), Rc::clone(&talk));
        let service = service_fn(move |request| {
            let (server, talk) = noted.clone();
            talk.requests.set(talk.requests.get().saturating_add(1));
            talk.is_busy.set(true);
            let answer = service(request);
            async move {
                let answer = answer.await;
                server.answered(&talk);
                Ok::<_, Infallible>(answer)
            }
        });
        let mut connection = self.builder.serve_connection(TokioIo::new(stream), service);
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => return ended.map(|()| None),
                _ = stop.changed() => {
                    Pin::new(&mut connection).graceful_shutdown();
                    return connection.await.map(|()| None);
                }
                () = talk.rest.notified() => if !talk.is_busy.get() { break },
            }
        }
        let before = talk.requests.get();
        Pin::new(&mut connection).graceful_shutdown();
        let parts = connection.without_shutdown().await?;
        // A request that came at the last moment was told that the connection ends.
        let goes_on = talk.requests.get() == before;
        // Copied, so that the buffer it lay in goes.
        let read = Bytes::copy_from_slice(&parts.read_buf);
        Ok(goes_on.then(|| Resumed { read, ..parts.io.into_inner() }))
    }

    /// A request was answered: whoever has been silent while so many others talked makes room.
    fn answered(&self, talk: &Rc<Talk>) {
        let place = self.last_place.get().wrapping_add(1);
        self.last_place.set(place);
        talk.place.set(place);
        talk.is_busy.set(false);
        let mut order = self.order.borrow_mut();
        order.push_back((place, Rc::clone(talk)));
        if order.len() > READY_MAX
            && let Some((place, oldest)) = order.pop_front()
            && oldest.place.get() == place
        {
            oldest.rest.notify_one();
        }
    }
}

/// What HTTP is served over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + 'static {
    /// Whether what was read from the socket may lie in the stream before anybody asked for it.
    const IS_BUFFERED: bool;

    /// Waits until there is something to read, without room for it. Cancel-safe.
    fn arrival(&self) -> impl Future<Output = io::Result<()>>;
}

impl Stream for TcpStream {
    const IS_BUFFERED: bool = false;

    // A look, because a socket that was just accepted says that it is readable before anybody knows.
    async fn arrival(&self) -> io::Result<()> {
        self.peek(&mut [0]).await.map(drop)
    }
}

impl Stream for TlsStream<TcpStream> {
    // The first request may come in one flight with the end of the handshake.
    const IS_BUFFERED: bool = true;

    async fn arrival(&self) -> io::Result<()> {
        self.get_ref().0.arrival().await
    }
}

/// A stream of which some octets were read already.
struct Resumed<S> {
    read: Bytes,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Resumed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Resumed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// How many of the last requests keep their connections ready: at 17 KiB each, 2 MiB.
const READY_MAX: usize = 128;

/// Header fields of one request; phones send a dozen.
const HEADERS_MAX: usize = 64;

/// Octets of the head of one request, and of what is read at once.
const HEAD_OCTETS_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::CONTENT_LENGTH;
    use std::net::{Ipv4Addr, SocketAddr};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        task::LocalSet,
    };

    /// Answers each request with its path, from now on.
    async fn serve() -> (Rc<HttpServer>, SocketAddr, watch::Sender<bool>) {
        let server = Rc::new(HttpServer::new(Duration::from_secs(120)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = Rc::clone(&server);
        tokio::task::spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let echo = |request: Request<Incoming>| async move {
                    assert!(!request.headers().contains_key(CONTENT_LENGTH));
                    Response::new(Full::new(Bytes::from(request.uri().path().to_owned())))
                };
                tokio::task::spawn_local(Rc::clone(&serving).converse(stream, echo, stopped.clone()));
            }
        });
        (server, address, stop)
    }

    async fn answer(client: &mut TcpStream, path: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(path.as_bytes()) {
            assert!(client.read_buf(&mut read).await.unwrap() > 0, "the connection ended");
        }
        String::from_utf8(read).unwrap()
    }

    async fn ask(client: &mut TcpStream, path: &str) -> String {
        client.write_all(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
        answer(client, path).await
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, test);
    }

    #[test]
    fn who_makes_room_is_heard_again() {
        run(async {
            let (server, address, _stop) = serve().await;
            let mut quiet = TcpStream::connect(address).await.unwrap();
            let mut busy = TcpStream::connect(address).await.unwrap();
            for turn in 0..3 {
                let path = format!("/quiet/{turn}");
                let heard = ask(&mut quiet, &path).await;
                assert!(!heard.to_lowercase().contains("connection: close"), "{heard}");
                // Half a request must not get lost while others talk.
                quiet.write_all(b"GET /half").await.unwrap();
                for number in 0..READY_MAX + 2 {
                    ask(&mut busy, &format!("/busy/{number}")).await;
                }
                assert!(server.order.borrow().len() <= READY_MAX);
                quiet.write_all(b"/rest HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
                answer(&mut quiet, "/half/rest").await;
                for number in 0..READY_MAX + 2 {
                    ask(&mut busy, &format!("/busy/{number}")).await;
                }
                let waiting = server.order.borrow().iter().map(|(_, talk)| Rc::as_ptr(talk)).collect::<Vec<_>>();
                assert!(waiting.iter().all(|talk| *talk == waiting[0]), "only the busy one is held ready");
            }
        });
    }

    #[test]
    fn a_silent_connection_ends_when_the_server_stops() {
        run(async {
            let (_, address, stop) = serve().await;
            let mut client = TcpStream::connect(address).await.unwrap();
            let mut other = TcpStream::connect(address).await.unwrap();
            ask(&mut other, "/a").await;
            stop.send_replace(true);
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
            assert_eq!(other.read(&mut [0]).await.unwrap(), 0);
        });
    }
}
