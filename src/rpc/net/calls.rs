//! The open calls of one connection: since when, how far, and how to end them.
//!
//! A call is open from the arrival of its headers until the transport has taken its whole
//! response. This file does not know connections or sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use slab::Slab;
use tokio::time::Instant;
use tonic::codegen::http::uri::PathAndQuery;

use super::caps::StreamPlace;
use super::transport::Meter;
use crate::request_id::RequestId;
use crate::rpc::call_counters::CountedCall;
use crate::trace::OpenSpan;

/// The open calls of one connection.
#[derive(Debug)]
pub(super) struct Calls {
    state: Mutex<State>,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct State {
    open: Slab<Arc<Call>>,
    has_called: bool,
    /// When the last call ended, or the connection began.
    idle_since: Instant,
}

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Option<PathAndQuery>,
    pub(super) request_id: RequestId,
    /// None if the call is not traced.
    pub(super) span: Option<Arc<OpenSpan>>,
    pub(super) since: Instant,
    /// The whole request is here.
    is_complete: AtomicBool,
    /// The response has begun.
    is_answered: AtomicBool,
    /// The call has to end although its request is not complete.
    is_ended: AtomicBool,
    waker: AtomicWaker,
}

/// An open call. It is over when this is dropped.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) call: Arc<Call>,
    pub(super) counted: CountedCall,
    calls: Arc<Calls>,
    key: usize,
    _place: StreamPlace,
}

/// How busy a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    /// It has no open call.
    Idle {
        /// Since the last call ended, or since the connection began.
        since: Instant,
        /// Whether it ever made one.
        has_called: bool,
    },
    /// It has open calls, and the request of each is incomplete.
    Incomplete,
    /// The service works on its calls, and none has an answer.
    InWork,
    /// At least one call has an answer, which the peer has to read.
    Answered,
}

impl Calls {
    pub(super) fn new(now: Instant, meter: Arc<Meter>) -> Self {
        let state = State { open: Slab::new(), has_called: false, idle_since: now };
        Self { state: Mutex::new(state), meter }
    }

    pub(super) fn open(
        self: &Arc<Self>,
        method: Option<PathAndQuery>,
        request_id: RequestId,
        place: StreamPlace,
        counted: CountedCall,
    ) -> OpenCall {
        let call = Arc::new(Call {
            method,
            request_id,
            span: counted.span().cloned(),
            since: Instant::now(),
            is_complete: AtomicBool::new(false),
            is_answered: AtomicBool::new(false),
            is_ended: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let mut state = self.state.lock();
        state.has_called = true;
        let key = state.open.insert(Arc::clone(&call));
        drop(state);
        OpenCall { call, counted, calls: Arc::clone(self), key, _place: place }
    }

    pub(super) fn activity(&self) -> Activity {
        let state = self.state.lock();
        if state.open.is_empty() {
            let State { idle_since: since, has_called, .. } = *state;
            return Activity::Idle { since, has_called };
        }
        let mut activity = Activity::Incomplete;
        for (_, call) in state.open.iter().filter(|(_, call)| call.is_complete()) {
            if call.is_answered() {
                return Activity::Answered;
            }
            activity = Activity::InWork;
        }
        activity
    }

    /// The number of open calls.
    pub(super) fn count(&self) -> usize {
        self.state.lock().open.len()
    }

    /// Ends the calls whose requests are incomplete. Their callers get a status.
    pub(super) fn end_incomplete(&self) {
        let state = self.state.lock();
        let incomplete = state.open.iter().map(|(_, call)| call).filter(|c| !c.is_complete());
        incomplete.for_each(|call| call.end());
    }

    /// The open calls.
    pub(super) fn list(&self) -> Vec<Arc<Call>> {
        self.state.lock().open.iter().map(|(_, call)| Arc::clone(call)).collect()
    }
}

impl Call {
    pub(super) fn mark_complete(&self) {
        self.is_complete.store(true, Ordering::Relaxed);
    }

    fn mark_answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }

    fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Relaxed)
    }

    fn is_answered(&self) -> bool {
        self.is_answered.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether the call has to end. If not yet, the waker is woken once it has to.
    pub(super) fn poll_ended(&self, waker: &Waker) -> bool {
        if self.is_ended() {
            return true;
        }
        self.waker.register(waker);
        // It may have ended before the waker was there.
        self.is_ended()
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }
}

impl OpenCall {
    /// Notes that the response has begun.
    pub(super) fn mark_answered(self) -> Self {
        self.call.mark_answered();
        self
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.call.is_answered() {
            self.calls.meter.count_cancelled();
        }
        let now = Instant::now();
        self.counted.end(now - self.call.since);
        let mut state = self.calls.state.lock();
        state.open.try_remove(self.key);
        if state.open.is_empty() {
            state.idle_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::caps::StreamCap;
    use super::*;
    use crate::rpc::call_counters::CallCounters;

    fn open(calls: &Arc<Calls>) -> OpenCall {
        let counted = CountedCall::start(&CallCounters::default().add_thread(), "/");
        let place = StreamCap::new(1, 1).of_connection().enter().unwrap();
        calls.open(None, RequestId::random(), place, counted)
    }

    #[test]
    fn a_connection_is_as_busy_as_its_calls_are() {
        let begin = Instant::now();
        let calls = Arc::new(Calls::new(begin, Arc::default()));
        assert_eq!(calls.activity(), Activity::Idle { since: begin, has_called: false });
        let first = open(&calls);
        assert_eq!(calls.activity(), Activity::Incomplete);
        first.call.mark_complete();
        assert_eq!(calls.activity(), Activity::InWork);
        let first = first.mark_answered();
        assert_eq!(calls.activity(), Activity::Answered);
        let second = open(&calls);
        second.call.mark_complete();
        assert_eq!(calls.activity(), Activity::Answered, "whatever else it has");
        drop((first, second));
        let idle = calls.activity();
        assert!(matches!(idle, Activity::Idle { since, has_called: true } if since > begin));
    }

    #[test]
    fn only_calls_with_incomplete_requests_are_ended() {
        let calls = Arc::new(Calls::new(Instant::now(), Arc::default()));
        let [complete, incomplete] = [open(&calls), open(&calls)];
        complete.call.mark_complete();
        assert!(!incomplete.call.poll_ended(Waker::noop()));
        calls.end_incomplete();
        assert!(incomplete.call.is_ended() && !complete.call.is_ended());
    }
}
