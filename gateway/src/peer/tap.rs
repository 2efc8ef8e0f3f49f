//! Where the octets that an actor sends and receives are noted, for a capture.

use crate::lab::capture::Passage;
use bytes::Bytes;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::mpsc,
};

/// Notes what passes, if anybody wants to know. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(in crate::peer) struct Tap(Option<mpsc::Sender<Passage>>);

/// What was noted and not told yet.
#[derive(Debug)]
pub(in crate::peer) struct Noted(mpsc::Receiver<Passage>);

/// The addresses between which something passes.
#[derive(Clone, Copy, Debug)]
pub(in crate::peer) struct Ends {
    pub(in crate::peer) actor: SocketAddr,
    pub(in crate::peer) system: SocketAddr,
}

/// Which way something passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::peer) enum Course {
    Sent,
    Received,
}

impl Tap {
    /// A tap that notes, when somebody wants to know.
    pub(in crate::peer) fn new(is_wanted: bool) -> (Self, Noted) {
        let (sender, noted) = mpsc::channel(NOTED_MAX);
        (Self(is_wanted.then_some(sender)), Noted(noted))
    }

    /// A datagram passed.
    pub(in crate::peer) fn datagram(&self, ends: Ends, course: Course, octets: &[u8]) {
        self.note(ends, course, octets, false);
    }

    /// The stream of a connection, on which everything is noted.
    pub(in crate::peer) fn listen(&self, stream: TcpStream) -> Tapped {
        let ends = stream.local_addr().and_then(|actor| Ok(Ends { actor, system: stream.peer_addr()? }));
        // Without addresses the connection is gone already.
        Tapped { tap: if ends.is_ok() { self.clone() } else { Self::default() }, ends: ends.ok(), stream }
    }

    #[allow(clippy::disallowed_methods, reason = "a capture tells when things passed")]
    fn note(&self, ends: Ends, course: Course, octets: &[u8], is_stream: bool) {
        let Some(sender) = &self.0 else { return };
        if octets.is_empty() {
            return;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // A full queue loses notes rather than time.
        let _ = sender.try_send(Passage {
            micros: u64::try_from(since.as_micros()).unwrap_or(u64::MAX),
            is_stream,
            actor: ends.actor,
            system: ends.system,
            is_sent: course == Course::Sent,
            octets: Bytes::copy_from_slice(octets),
        });
    }
}

impl Noted {
    /// What was noted since, without waiting.
    pub(in crate::peer) fn next_now(&mut self) -> Option<Passage> {
        self.0.try_recv().ok()
    }

    /// The next note; never comes where nobody notes. Cancel-safe.
    pub(in crate::peer) async fn next(&mut self) -> Passage {
        match self.0.recv().await {
            Some(passage) => passage,
            None => std::future::pending().await,
        }
    }
}

/// A connection on which everything is noted.
#[derive(Debug)]
pub(in crate::peer) struct Tapped {
    tap: Tap,
    ends: Option<Ends>,
    stream: TcpStream,
}

impl AsyncRead for Tapped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let done = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let (Poll::Ready(Ok(())), Some(ends)) = (&done, self.ends) {
            self.tap.note(ends, Course::Received, buffer.filled().get(before..).unwrap_or_default(), true);
        }
        done
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, octets);
        if let (Poll::Ready(Ok(count)), Some(ends)) = (&done, self.ends) {
            self.tap.note(ends, Course::Sent, octets.get(..*count).unwrap_or_default(), true);
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Notes that wait for the actor to tell them.
const NOTED_MAX: usize = 1024;
