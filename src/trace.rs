//! Traces: which calls are sampled, and their spans until somebody sends them.
//!
//! ```text
//! traceparent -> TraceContext -> sampled? -> OpenSpan -> Span -> SpanQueue -> telemetry sends it
//! ```
//!
//! A caller decides for the calls of its trace. Of the other calls a share is sampled. A call that is
//! not sampled allocates nothing here. This module knows neither gRPC nor the protocol of the collector.

mod context;
mod ids;
mod queue;
mod span;

use std::sync::Arc;

pub use context::{TraceContext, trace_state};
pub use ids::{SpanId, TraceId};
pub use queue::SpanQueue;
pub use span::{CallEnd, OpenSpan, Span};

/// Samples calls, and takes their spans. Clones share the queue.
#[derive(Debug, Clone)]
pub struct Tracer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// A call without a caller's decision is sampled if a random number is below this.
    threshold: u64,
    queue: SpanQueue,
}

impl Tracer {
    /// Samples `threshold` of 2^64 calls, beside those whose callers decide. The spans that wait take
    /// `queue_bytes` at most.
    pub fn new(threshold: u64, queue_bytes: u64) -> Self {
        Self(Arc::new(Shared { threshold, queue: SpanQueue::new(queue_bytes) }))
    }

    /// The span of a call that begins now. None if the call is not sampled. `state` is asked for if
    /// the call is sampled and belongs to a caller's trace.
    pub fn start(
        &self,
        parent: Option<TraceContext>,
        state: impl FnOnce() -> Option<Arc<str>>,
    ) -> Option<Arc<OpenSpan>> {
        let is_sampled = match parent {
            Some(parent) => parent.is_sampled,
            None => fastrand::u64(..) < self.0.threshold,
        };
        is_sampled.then(|| {
            let state = parent.and_then(|_| state());
            Arc::new(OpenSpan::begin(parent, state))
        })
    }

    /// Takes the span of a call that has ended.
    pub fn finish(&self, span: &OpenSpan, end: CallEnd) {
        self.0.queue.push(span.end(end));
    }

    /// The spans that wait.
    pub fn queue(&self) -> &SpanQueue {
        &self.0.queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(is_sampled: bool) -> TraceContext {
        TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), is_sampled }
    }

    #[test]
    fn a_caller_decides_for_its_trace_and_the_ratio_for_all_other_calls() {
        for (threshold, without) in [(0, 0), (u64::MAX, 100)] {
            let tracer = Tracer::new(threshold, 1 << 20);
            let sampled = |parent: fn() -> Option<TraceContext>| {
                (0..100).filter(|_| tracer.start(parent(), || None).is_some()).count()
            };
            assert_eq!(sampled(|| Some(parent(true))), 100);
            assert_eq!(sampled(|| Some(parent(false))), 0);
            assert_eq!(sampled(|| None), without);
        }
    }

    #[test]
    fn about_the_configured_share_of_calls_is_sampled() {
        let tracer = Tracer::new(u64::MAX / 4, 1 << 20);
        let sampled = (0..10_000).filter(|_| tracer.start(None, || None).is_some()).count();
        assert!((2_000..3_000).contains(&sampled), "{sampled}");
    }

    #[test]
    fn a_span_continues_the_trace_of_its_caller() {
        let tracer = Tracer::new(0, 1 << 20);
        let caller = parent(true);
        let span = tracer.start(Some(caller), || Some("a=1".into())).unwrap();
        span.note_table(3);
        let end = CallEnd { method: None, code: 5, duration: std::time::Duration::from_secs(1) };
        tracer.finish(&span, end);
        let [found] = &tracer.queue().take(9)[..] else { panic!("one span") };
        assert_eq!((found.trace_id, found.parent), (caller.trace_id, Some(caller.span_id)));
        assert_ne!(found.span_id, caller.span_id);
        assert_eq!((found.state.as_deref(), found.table), (Some("a=1"), Some(3)));
    }
}
