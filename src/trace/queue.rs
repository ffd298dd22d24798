//! The spans that wait to be sent, in bounded memory. Where there is no room, a span is dropped and
//! counted: a call never waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::span::Span;

/// The spans that wait.
#[derive(Debug)]
pub struct SpanQueue {
    waiting: Mutex<Waiting>,
    max_spans: usize,
    max_state_bytes: usize,
    is_half_full: Notify,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    spans: VecDeque<Span>,
    /// What the callers' `tracestate` takes.
    state_bytes: usize,
}

impl SpanQueue {
    /// One half of the bytes is for the spans, and the other for what callers add to them.
    pub(super) fn new(bytes: u64) -> Self {
        let half_bytes = usize::try_from(bytes / 2).unwrap_or(usize::MAX);
        Self {
            waiting: Mutex::default(),
            max_spans: half_bytes / size_of::<Span>(),
            max_state_bytes: half_bytes,
            is_half_full: Notify::new(),
            dropped: AtomicU64::new(0),
        }
    }

    pub(super) fn push(&self, span: Span) {
        let state_bytes = state_bytes(&span);
        let mut waiting = self.waiting.lock();
        let has_room = waiting.spans.len() < self.max_spans
            && waiting.state_bytes + state_bytes <= self.max_state_bytes;
        if !has_room {
            drop(waiting);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if waiting.spans.capacity() == 0 {
            // At once, so that it never takes more than its share while it grows.
            waiting.spans.reserve_exact(self.max_spans);
        }
        waiting.state_bytes += state_bytes;
        waiting.spans.push_back(span);
        let is_half_full = waiting.spans.len() == self.max_spans.div_ceil(2);
        drop(waiting);
        if is_half_full {
            self.is_half_full.notify_one();
        }
    }

    /// Takes the oldest spans, so many at most.
    pub fn take(&self, most: usize) -> Vec<Span> {
        let mut waiting = self.waiting.lock();
        let count = most.min(waiting.spans.len());
        let taken: Vec<_> = waiting.spans.drain(..count).collect();
        waiting.state_bytes -= taken.iter().map(state_bytes).sum::<usize>();
        taken
    }

    /// Waits until the queue has become half full since this was last asked.
    pub async fn wait_until_half_full(&self) {
        self.is_half_full.notified().await;
    }

    /// The spans that found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn state_bytes(span: &Span) -> usize {
    span.state.as_ref().map_or(0, |state| state.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::trace::{CallEnd, OpenSpan};

    fn span(state: Option<&str>) -> Span {
        let end = CallEnd { method: None, code: 0, duration: Duration::ZERO };
        OpenSpan::begin(None, state.map(Arc::from)).end(end)
    }

    #[test]
    fn a_full_queue_drops_and_counts_the_newest_and_has_room_again_when_some_are_taken() {
        let queue = SpanQueue::new(20 * size_of::<Span>() as u64);
        let spans: Vec<_> = (0..13).map(|_| span(None)).collect();
        for span in &spans {
            queue.push(span.clone());
        }
        assert_eq!(queue.dropped(), 3);
        let taken = queue.take(4);
        let ids = |spans: &[Span]| spans.iter().map(|span| span.span_id).collect::<Vec<_>>();
        assert_eq!(ids(&taken), ids(&spans[..4]), "the oldest");
        (0..5).for_each(|_| queue.push(span(None)));
        assert_eq!((queue.dropped(), queue.take(99).len()), (4, 10));
    }

    #[test]
    fn what_callers_add_has_a_bound_too() {
        let queue = SpanQueue::new(20 * size_of::<Span>() as u64);
        let large = "x".repeat(4 * size_of::<Span>());
        (0..3).for_each(|_| queue.push(span(Some(&large))));
        assert_eq!((queue.dropped(), queue.take(99).len()), (1, 2));
        queue.push(span(Some(&large)));
        assert_eq!(queue.take(99).len(), 1, "what was taken counts no more");
    }

    #[tokio::test]
    async fn a_queue_that_is_half_full_wakes_its_sender() {
        let queue = SpanQueue::new(8 * size_of::<Span>() as u64);
        (0..2).for_each(|_| queue.push(span(None)));
        queue.wait_until_half_full().await;
        assert_eq!(queue.take(9).len(), 2);
    }
}
