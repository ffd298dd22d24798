//! The span of one call: while the call is open, and when it has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::context::TraceContext;
use super::ids::{SpanId, TraceId};

/// The span of a call that is open.
#[derive(Debug)]
pub struct OpenSpan {
    trace_id: TraceId,
    span_id: SpanId,
    parent: Option<SpanId>,
    state: Option<Arc<str>>,
    start: SystemTime,
    /// The number of its table, or [`NO_TABLE`].
    table: AtomicUsize,
}

const NO_TABLE: usize = usize::MAX;

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct CallEnd {
    /// Its service and its method. None for what is no method.
    pub method: Option<(&'static str, &'static str)>,
    /// Its status code of gRPC, by number.
    pub code: usize,
    /// How long it took.
    pub duration: Duration,
}

/// The span of a call that has ended.
#[derive(Debug, Clone)]
pub struct Span {
    /// Its trace.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// The caller's span.
    pub parent: Option<SpanId>,
    /// What the caller's `tracestate` says.
    pub state: Option<Arc<str>>,
    /// When the headers of the call came, by the system's clock.
    pub start: SystemTime,
    /// The number of the table that it was about, in the order of the configuration.
    pub table: Option<usize>,
    /// How it ended.
    pub end: CallEnd,
}

impl OpenSpan {
    pub(super) fn begin(parent: Option<TraceContext>, state: Option<Arc<str>>) -> Self {
        Self {
            trace_id: parent.map_or_else(TraceId::random, |parent| parent.trace_id),
            span_id: SpanId::random(),
            parent: parent.map(|parent| parent.span_id),
            state,
            start: SystemTime::now(),
            table: AtomicUsize::new(NO_TABLE),
        }
    }

    /// Its trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Its id.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// When the call began, by the system's clock.
    pub fn start(&self) -> SystemTime {
        self.start
    }

    /// Notes the table that the call is about, by its number in the configuration.
    pub fn note_table(&self, table: usize) {
        self.table.store(table, Ordering::Relaxed);
    }

    pub(super) fn end(&self, end: CallEnd) -> Span {
        let table = self.table.load(Ordering::Relaxed);
        Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent: self.parent,
            state: self.state.clone(),
            start: self.start,
            table: (table != NO_TABLE).then_some(table),
            end,
        }
    }
}
