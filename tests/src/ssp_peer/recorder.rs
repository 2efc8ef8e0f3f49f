//! A server that takes every post and answers nothing.

use super::wire::{answer, read_post};
use crate::wait;
use std::{
    io::Write as _,
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use wv_proto::{
    limit::Limits,
    primitive::TransactionMode,
    ssp::{Body, Document},
};

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    port: u16,
    taken: Arc<Mutex<Vec<Document>>>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// A server on this port.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port of the recorder is free");
        let (taken, is_stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (taking, stopping) = (Arc::clone(&taken), Arc::clone(&is_stopped));
        let serve = move || {
            for stream in listener.incoming().map_while(|stream| (!stopping.load(Ordering::SeqCst)).then_some(stream)) {
                let (Ok(mut stream), taking) = (stream, Arc::clone(&taking)) else { continue };
                // Ends with the connection.
                std::thread::spawn(move || {
                    while let Ok(Some(body)) = read_post(&mut stream) {
                        if let Ok(document) = Document::read(&body, &Limits::default()) {
                            taking.lock().unwrap_or_else(PoisonError::into_inner).push(document);
                        }
                        if stream.write_all(&answer(200)).is_err() {
                            return;
                        }
                    }
                });
            }
        };
        Self { port, taken, is_stopped, thread: Some(std::thread::spawn(serve)) }
    }

    /// Waits for a document of this title.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&self, title: &str) -> Document {
        self.find(title, |document| document.title() == title)
    }

    /// Waits for the answer to a transaction.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for_answer(&self, id: &str) -> Document {
        self.find(id, |document| match &document.body {
            Body::Session(message) => message.transactions.iter().any(|transaction| {
                transaction.mode == TransactionMode::Response && transaction.transaction_id.as_str() == id
            }),
            Body::Setup(_) => false,
        })
    }

    fn find(&self, what: &str, is_meant: impl Fn(&Document) -> bool) -> Document {
        let found = wait::try_until(what, Duration::from_secs(20), || {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.iter().find(|document| is_meant(document)).cloned()
        });
        found.unwrap_or_else(|error| {
            let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("{error}: {:#?}", taken.iter().map(Document::title).collect::<Vec<_>>())
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        // Whoever waits for a connection gets one.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
