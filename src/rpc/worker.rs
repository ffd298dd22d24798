//! Work for operators that takes long: one piece after the other, on a thread of its own.
//!
//! So lookups never wait for it. A call waits in line for its turn, but not for ever, and only so
//! many calls wait. What the work is, the services know.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;
use tonic::Status;

use super::deadline::Deadline;
use super::errors;
use crate::heap;
use crate::threads::IdleThread;

/// The longest wait of a call, even if it has no deadline. Stated in the protocol.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(30);
/// Calls that may wait. More than any number of operators.
const MAX_WAITING: usize = 64;

/// A thread that does work of one kind. It ends when this is dropped and its work is done.
#[derive(Debug)]
pub(super) struct Worker {
    name: &'static str,
    work: SyncSender<Box<dyn FnOnce() + Send>>,
    turn: Arc<Semaphore>,
    places: Semaphore,
}

/// The turn of one call. The next begins when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Worker {
    /// Works on this thread. `name` is that of the work, for errors.
    pub(super) fn new(name: &'static str, thread: IdleThread) -> Self {
        let (work, pieces) = sync_channel::<Box<dyn FnOnce() + Send>>(1);
        thread.run(move || {
            for piece in pieces {
                // Its call learns of a panic, and the next call finds the thread alive.
                let _ = panic::catch_unwind(AssertUnwindSafe(piece));
                heap::flush_if_asked();
            }
        });
        let (turn, places) = (Arc::new(Semaphore::new(1)), Semaphore::new(MAX_WAITING));
        Self { name, work, turn, places }
    }

    /// Waits for a turn, then for the end of this work. The call keeps its turn for as long as it
    /// holds what the work gave.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Turn), Status> {
        let busy = || errors::busy(self.name);
        let place = self.places.try_acquire().map_err(|_| busy())?;
        let turn = Arc::clone(&self.turn).acquire_owned();
        let turn = timeout_at(deadline.wait_end(MAX_WAIT), turn).await.map_err(|_| busy())?;
        // The semaphore is never closed.
        let turn = turn.map(Turn).map_err(|_| busy())?;
        drop(place);
        let (done, result) = oneshot::channel();
        // If the call ends before the work, the turn ends with the work.
        let piece = move || drop(done.send((work(), turn)));
        self.work.try_send(Box::new(piece)).map_err(|_| busy())?;
        result.await.map_err(|_| Status::internal(format!("the work failed: {}", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tonic::Code;
    use tonic::codegen::http::HeaderMap;
    use tonic_types::StatusExt;

    use super::*;
    use crate::heap::Account;

    fn worker() -> Arc<Worker> {
        let thread = IdleThread::start("walk", &Account::open().unwrap()).unwrap();
        Arc::new(Worker::new("walk", thread))
    }

    fn short_deadline() -> Deadline {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", "10m".parse().unwrap());
        Deadline::of(&headers)
    }

    /// Occupies the worker until the returned sender is dropped or sends.
    async fn occupied(worker: &Arc<Worker>) -> SyncSender<()> {
        let (release, released) = sync_channel::<()>(1);
        let (begin, occupied) = oneshot::channel();
        let worker = Arc::clone(worker);
        tokio::spawn(async move {
            let work = move || {
                let _ = begin.send(());
                let _ = released.recv();
            };
            worker.run(Deadline::default(), work).await
        });
        occupied.await.unwrap();
        release
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_call_holds_it() {
        let worker = worker();
        let ((), turn) = worker.run(Deadline::default(), || ()).await.unwrap();
        assert!(worker.run(short_deadline(), || ()).await.is_err());
        drop(turn);
        worker.run(Deadline::default(), || ()).await.unwrap();
    }

    #[tokio::test]
    async fn work_that_panics_ends_its_own_call_only() {
        let worker = worker();
        let failed = worker.run(Deadline::default(), || panic!("on purpose")).await;
        assert_eq!(failed.map(|((), _)| ()).unwrap_err().code(), Code::Internal);
        worker.run(Deadline::default(), || ()).await.unwrap();
    }

    #[tokio::test]
    async fn work_waits_for_its_turn() {
        let worker = worker();
        let release = occupied(&worker).await;
        let next = tokio::spawn({
            let worker = Arc::clone(&worker);
            async move { worker.run(Deadline::default(), || 7).await }
        });
        tokio::task::yield_now().await;
        assert!(!next.is_finished());
        drop(release);
        assert_eq!(next.await.unwrap().unwrap().0, 7);
    }

    #[tokio::test]
    async fn work_whose_turn_does_not_come_in_time_is_refused_and_never_begun() {
        let worker = worker();
        let release = occupied(&worker).await;
        let begun = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&begun);
        let work = move || count.fetch_add(1, Ordering::Relaxed);
        let refused = worker.run(short_deadline(), work).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(refused.get_details_error_info().unwrap().metadata["work"], "walk");
        assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
        drop(release);
        worker.run(Deadline::default(), || ()).await.unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn only_so_many_calls_wait() {
        let worker = worker();
        let release = occupied(&worker).await;
        let waiting: Vec<_> = (0..MAX_WAITING)
            .map(|_| {
                let worker = Arc::clone(&worker);
                tokio::spawn(async move { worker.run(Deadline::default(), || ()).await })
            })
            .collect();
        while worker.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = worker.run(Deadline::default(), || ()).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        drop(release);
        for call in waiting {
            call.await.unwrap().unwrap();
        }
    }
}
