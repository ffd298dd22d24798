//! The streams of one connection, run by the connection's own task.
//!
//! hyper hands each stream to an executor. These run right after the connection has read, so what
//! was read is taken before more is read, and they end with their connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::rt::Executor;
use parking_lot::Mutex;

type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where hyper puts the streams of a connection.
#[derive(Clone, Default)]
pub(super) struct NewStreams(Arc<Mutex<Vec<Stream>>>);

/// The streams of a connection.
pub(super) struct Streams {
    new: NewStreams,
    running: FuturesUnordered<Stream>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for NewStreams {
    fn execute(&self, stream: F) {
        self.0.lock().push(Box::pin(stream));
    }
}

impl Streams {
    pub(super) fn new(new: NewStreams) -> Self {
        Self { new, running: FuturesUnordered::new() }
    }

    /// Runs the streams that can go on.
    pub(super) fn run(&mut self, cx: &mut Context<'_>) {
        self.running.extend(self.new.0.lock().drain(..));
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {}
    }
}
