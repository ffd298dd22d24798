//! The client that only asks, and the few threads that wait for its answers.
//!
//! A broker answers one connection in order, and lets a fetch wait while there is nothing new. A
//! question on such a connection would wait with it. So questions of all poll threads go to one
//! client that never fetches. The number of its threads is fixed, so no thread is started while
//! the service runs. At most one of them waits for the leader of a partition, so that a leader
//! that does not answer holds up no question to another. What is asked is not known here.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::query_consumer::QueryConsumer;

/// As many leaders may be silent, less [`MAX_ANY_BROKER`], until others have to wait for them.
const THREADS: usize = 6;
/// How many threads may wait for an answer that any broker can give.
const MAX_ANY_BROKER: usize = 2;
/// How often a thread without work empties the client's queue of events.
const EMPTY_EVENTS_AFTER: Duration = Duration::from_secs(1);
/// How long a thread takes events out of the queue. Thousands are taken in this time.
const EVENTS_TIME: Duration = Duration::from_millis(1);

/// Who can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Responder {
    /// Every broker of the cluster.
    AnyBroker,
    /// The broker of this number, which leads the partitions that are asked about.
    Leader(i32),
}

/// The client and its threads. They end when this is stopped or dropped.
pub(super) struct QueryClient {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// Takes queries. Every poll thread has one.
#[derive(Clone)]
pub(super) struct QueryHandle(Arc<Shared>);

struct Shared {
    consumer: ArcSwap<QueryConsumer>,
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Default)]
struct Work {
    queued: VecDeque<Job>,
    /// Who is being asked.
    busy: Vec<Responder>,
    is_stopping: bool,
}

struct Job {
    responder: Responder,
    ask: Box<dyn FnOnce(&QueryConsumer) + Send>,
}

impl QueryClient {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(consumer: QueryConsumer) -> io::Result<Self> {
        let work = Mutex::new(Work::default());
        let shared = Arc::new(Shared {
            consumer: ArcSwap::from_pointee(consumer),
            work,
            changed: Condvar::new(),
        });
        let mut client = Self { shared, threads: Vec::new() };
        for number in 0..THREADS {
            let shared = Arc::clone(&client.shared);
            let thread = Builder::new().name(format!("kafka-query-{number}"));
            client.threads.push(thread.spawn(move || shared.run())?);
        }
        Ok(client)
    }

    pub(super) fn handle(&self) -> QueryHandle {
        QueryHandle(Arc::clone(&self.shared))
    }

    /// Ends the threads. A thread that waits for a broker is left alone: it ends, and the client
    /// with it, when the broker has answered or the time for that is over.
    pub(super) fn stop(&mut self) {
        if self.shared.stop() {
            for thread in self.threads.drain(..) {
                // A panic in there was reported by the thread itself.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for QueryClient {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl QueryHandle {
    /// Runs `ask` on a thread of the client, once the responder is not being asked already. Drops
    /// it unasked if the client is stopped before.
    pub(super) fn send(
        &self,
        responder: Responder,
        ask: impl FnOnce(&QueryConsumer) + Send + 'static,
    ) {
        let mut work = self.0.work.lock();
        if !work.is_stopping {
            work.queued.push_back(Job { responder, ask: Box::new(ask) });
            self.0.changed.notify_one();
        }
    }

    /// Asks with this client from now on. The one before is closed when its last question is
    /// answered.
    pub(super) fn replace_consumer(&self, consumer: QueryConsumer) {
        self.0.consumer.store(Arc::new(consumer));
    }
}

impl Shared {
    /// Whether nobody is being asked.
    fn stop(&self) -> bool {
        let mut work = self.work.lock();
        work.is_stopping = true;
        work.queued.clear();
        self.changed.notify_all();
        work.busy.is_empty()
    }

    fn run(&self) {
        while let Some(Job { responder, ask }) = self.next_job() {
            ask(&self.consumer.load_full());
            self.work.lock().finish(responder);
            self.empty_events();
        }
    }

    /// The next job whose responder is not busy; none when the client is stopped.
    fn next_job(&self) -> Option<Job> {
        let mut work = self.work.lock();
        while !work.is_stopping {
            if let Some(job) = work.take_job() {
                return Some(job);
            }
            if self.changed.wait_for(&mut work, EMPTY_EVENTS_AFTER).timed_out() {
                MutexGuard::unlocked(&mut work, || self.empty_events());
            }
        }
        None
    }

    /// The client queues its log and its errors until somebody takes them. The poll threads'
    /// clients report the same errors.
    fn empty_events(&self) {
        let consumer = self.consumer.load_full();
        while consumer.poll(EVENTS_TIME).is_some() {}
    }
}

impl Work {
    fn take_job(&mut self) -> Option<Job> {
        let next = self.queued.iter().position(|job| self.is_free(job.responder))?;
        let job = self.queued.remove(next)?;
        self.busy.push(job.responder);
        Some(job)
    }

    fn is_free(&self, responder: Responder) -> bool {
        let asked = self.busy.iter().filter(|&&busy| busy == responder).count();
        match responder {
            Responder::AnyBroker => asked < MAX_ANY_BROKER,
            Responder::Leader(_) => asked == 0,
        }
    }

    fn finish(&mut self, responder: Responder) {
        if let Some(index) = self.busy.iter().position(|&busy| busy == responder) {
            self.busy.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(responder: Responder) -> Job {
        Job { responder, ask: Box::new(|_| {}) }
    }

    fn take(work: &mut Work) -> Option<Responder> {
        work.take_job().map(|job| job.responder)
    }

    #[test]
    fn a_leader_that_does_not_answer_holds_up_no_question_to_another() {
        let mut work = Work::default();
        let (silent, other) = (Responder::Leader(1), Responder::Leader(2));
        work.queued.extend([silent, silent, silent, other].map(job));
        assert_eq!(take(&mut work), Some(silent));
        assert_eq!(take(&mut work), Some(other));
        assert_eq!(take(&mut work), None, "it is asked one question at a time");
        work.finish(silent);
        assert_eq!(take(&mut work), Some(silent));
    }

    #[test]
    fn questions_that_any_broker_answers_leave_threads_for_the_leaders() {
        let mut work = Work::default();
        work.queued.extend([Responder::AnyBroker; THREADS].map(job));
        work.queued.push_back(job(Responder::Leader(1)));
        let taken: Vec<_> = std::iter::from_fn(|| take(&mut work)).collect();
        assert_eq!(taken.len(), MAX_ANY_BROKER + 1);
        assert_eq!(taken.last(), Some(&Responder::Leader(1)));
    }
}
