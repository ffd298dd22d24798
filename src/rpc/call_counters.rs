//! Counts every call by its method, its status code and how long it took, and traces those that are
//! sampled.
//!
//! Each thread that serves connections has counters of its own, so that no call waits for a cache
//! line of another core; they are added up when somebody reads them. What a call is about is not
//! known here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tonic::Code;
use tonic::codegen::http::{HeaderMap, HeaderValue};

use super::counted_method::CountedMethod;
use crate::stats::{
    DURATION_BOUNDS, DurationCounts, Exemplar, Exemplars, MethodStats, STATUS_CODES,
};
use crate::trace::{CallEnd, OpenSpan, TraceContext, Tracer, trace_state};

/// The counters of all threads.
#[derive(Debug, Default)]
pub(super) struct CallCounters {
    threads: Mutex<Vec<Arc<ThreadCounters>>>,
    tracer: Option<Tracer>,
}

/// The counters of one thread, those of each method at its index. Aligned, so that no two threads
/// write to one cache line, nor to two that are fetched together.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct ThreadCounters {
    methods: [MethodCounters; CountedMethod::COUNT],
    /// None if no calls are traced.
    tracer: Option<Tracer>,
    /// Those of each method at its index. Empty before the first call that is traced.
    exemplars: Mutex<Vec<Exemplars>>,
}

#[derive(Debug, Default)]
struct MethodCounters {
    started: AtomicU64,
    handled: [AtomicU64; STATUS_CODES.len()],
    durations: [AtomicU64; DURATION_BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// A call that has started and not ended. It has to be [ended](Self::end).
#[derive(Debug)]
pub(super) struct CountedCall {
    counters: Arc<ThreadCounters>,
    method: CountedMethod,
    /// None as long as the caller was told none.
    code: Option<Code>,
    /// None if the call is not traced.
    span: Option<Arc<OpenSpan>>,
}

impl CallCounters {
    /// The calls that `tracer` samples are traced.
    pub(super) fn new(tracer: Option<Tracer>) -> Self {
        Self { threads: Mutex::default(), tracer }
    }

    /// Counters for one more thread.
    pub(super) fn add_thread(&self) -> Arc<ThreadCounters> {
        let counters = Arc::new(ThreadCounters {
            methods: std::array::from_fn(|_| MethodCounters::default()),
            tracer: self.tracer.clone(),
            exemplars: Mutex::default(),
        });
        self.threads.lock().push(Arc::clone(&counters));
        counters
    }

    /// The calls of all threads, with every method.
    pub(super) fn read(&self) -> Vec<MethodStats> {
        let threads = self.threads.lock();
        let of_method = |method: CountedMethod| {
            let (service, name, kind) = method.describe();
            let mut stats = MethodStats {
                service,
                method: name,
                kind,
                started: 0,
                handled: [0; STATUS_CODES.len()],
                durations: DurationCounts::default(),
                exemplars: Exemplars::default(),
            };
            threads.iter().for_each(|thread| thread.add_to(method, &mut stats));
            stats
        };
        CountedMethod::all().map(of_method).collect()
    }
}

impl ThreadCounters {
    fn add_to(&self, method: CountedMethod, stats: &mut MethodStats) {
        self.methods[method.index()].add_to(stats);
        let exemplars = self.exemplars.lock();
        let Some(exemplars) = exemplars.get(method.index()) else { return };
        for (newest, exemplar) in stats.exemplars.iter_mut().zip(exemplars) {
            if exemplar.map(|exemplar| exemplar.time) > newest.map(|newest| newest.time) {
                *newest = *exemplar;
            }
        }
    }

    /// Ends the span of a call that was traced.
    fn finish(&self, span: &OpenSpan, method: CountedMethod, code: Code, duration: Duration) {
        let exemplar = Exemplar {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            duration,
            time: span.start() + duration,
        };
        let mut exemplars = self.exemplars.lock();
        exemplars.resize(CountedMethod::COUNT, Exemplars::default());
        exemplars[method.index()][DurationCounts::bucket(duration)] = Some(exemplar);
        drop(exemplars);
        if let Some(tracer) = &self.tracer {
            let method = method.names();
            tracer.finish(span, CallEnd { method, code: code as usize, duration });
        }
    }
}

impl MethodCounters {
    fn add_to(&self, stats: &mut MethodStats) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // What ended first: a call that ends meanwhile has started.
        for (sum, counter) in stats.handled.iter_mut().zip(&self.handled) {
            *sum += counter.load(Ordering::Acquire);
        }
        for (sum, counter) in stats.durations.counts.iter_mut().zip(&self.durations) {
            *sum += read(counter);
        }
        stats.durations.sum += Duration::from_nanos(read(&self.nanos));
        stats.started += read(&self.started);
    }
}

impl CountedCall {
    /// Counts a call that starts at this path.
    pub(super) fn start(counters: &Arc<ThreadCounters>, path: &str) -> Self {
        let method = CountedMethod::at(path);
        counters.methods[method.index()].started.fetch_add(1, Ordering::Relaxed);
        Self { counters: Arc::clone(counters), method, code: None, span: None }
    }

    /// Begins a span, if the call is sampled: by its caller, who says so in these headers, or else by
    /// chance.
    pub(super) fn trace(&mut self, headers: &HeaderMap) {
        let Some(tracer) = &self.counters.tracer else { return };
        let mut parents = headers.get_all("traceparent").iter();
        // Of two, nobody knows which is right.
        let parent = match (parents.next(), parents.next()) {
            (Some(parent), None) => TraceContext::parse(parent.as_bytes()),
            _ => None,
        };
        let states = headers.get_all("tracestate").iter().map(HeaderValue::as_bytes);
        self.span = tracer.start(parent, || trace_state(states));
    }

    /// Its span, if it is traced.
    pub(super) fn span(&self) -> Option<&Arc<OpenSpan>> {
        self.span.as_ref()
    }

    /// Takes the status from the headers or trailers that the caller gets.
    /// Returns it.
    pub(super) fn observe(&mut self, headers: &HeaderMap) -> Code {
        let status = headers.get("grpc-status");
        let code = status.map_or(Code::Unknown, |code| Code::from_bytes(code.as_bytes()));
        self.set_code(code);
        code
    }

    /// Sets the status that the caller gets.
    pub(super) fn set_code(&mut self, code: Code) {
        self.code = Some(code);
    }

    /// Counts the end of the call. A caller that was told no status has left before.
    pub(super) fn end(&self, duration: Duration) {
        let counters = &self.counters.methods[self.method.index()];
        let code = self.code.unwrap_or(Code::Cancelled);
        if let Some(span) = &self.span {
            self.counters.finish(span, self.method, code, duration);
        }
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        counters.nanos.fetch_add(nanos, Ordering::Relaxed);
        counters.durations[DurationCounts::bucket(duration)].fetch_add(1, Ordering::Relaxed);
        counters.handled[code as usize].fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    const GET: &str = "/millpond.v1.LookupService/Get";

    fn of_get(counters: &CallCounters) -> MethodStats {
        counters.read().into_iter().find(|stats| stats.method == "Get").unwrap()
    }

    #[test]
    fn the_calls_of_all_threads_are_added_up() {
        let counters = CallCounters::default();
        for thread in 1..=3 {
            let counters = counters.add_thread();
            for _ in 0..thread {
                let mut call = CountedCall::start(&counters, GET);
                call.set_code(Code::Ok);
                call.end(Duration::from_millis(2));
            }
        }
        let stats = of_get(&counters);
        assert_eq!((stats.started, stats.handled[0]), (6, 6));
        assert_eq!(stats.durations.sum, Duration::from_millis(12));
        let bucket = DurationCounts::bucket(Duration::from_millis(2));
        assert_eq!(stats.durations.counts[bucket], 6);
        assert_eq!(stats.durations.total(), 6);
    }

    #[test]
    fn a_call_has_the_status_that_its_caller_was_told_and_else_its_caller_has_left() {
        let counters = CallCounters::default();
        let thread = counters.add_thread();
        for code in (0..17).map(Code::from_i32) {
            let mut told = CountedCall::start(&thread, GET);
            let mut headers = HeaderMap::new();
            Status::new(code, "").add_header(&mut headers).unwrap();
            told.observe(&headers);
            told.end(Duration::ZERO);
        }
        CountedCall::start(&thread, GET).end(Duration::ZERO);
        let _open = CountedCall::start(&thread, GET);
        let stats = of_get(&counters);
        assert_eq!(stats.started, 19);
        let cancelled = Code::Cancelled as usize;
        for (number, count) in stats.handled.into_iter().enumerate() {
            assert_eq!(count, 1 + u64::from(number == cancelled), "{:?}", STATUS_CODES[number]);
        }
    }

    #[test]
    fn a_traced_call_is_the_exemplar_of_its_range_until_a_newer_one_is() {
        let tracer = Tracer::new(u64::MAX, 1 << 20);
        let counters = CallCounters::new(Some(tracer.clone()));
        let threads = [counters.add_thread(), counters.add_thread()];
        for thread in &threads {
            let mut call = CountedCall::start(thread, GET);
            call.trace(&HeaderMap::new());
            call.set_code(Code::Ok);
            call.end(Duration::from_millis(2));
        }
        let spans = tracer.queue().take(9);
        assert_eq!(spans[1].end.method, Some(("millpond.v1.LookupService", "Get")));
        let exemplars = of_get(&counters).exemplars;
        let bucket = DurationCounts::bucket(Duration::from_millis(2));
        assert_eq!(exemplars[bucket].unwrap().span_id, spans[1].span_id);
        assert_eq!(exemplars.iter().flatten().count(), 1);
    }

    #[test]
    fn rubbish_and_two_callers_at_once_begin_a_new_trace() {
        const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let tracer = Tracer::new(0, 1 << 20);
        let counters = CallCounters::new(Some(tracer)).add_thread();
        for (parents, is_traced) in
            [(&[PARENT][..], true), (&["rubbish"], false), (&[PARENT, PARENT], false), (&[], false)]
        {
            let mut headers = HeaderMap::new();
            for parent in parents {
                headers.append("traceparent", parent.parse().unwrap());
            }
            let mut call = CountedCall::start(&counters, GET);
            call.trace(&headers);
            assert_eq!(call.span().is_some(), is_traced, "{parents:?}");
        }
    }

    #[test]
    fn an_answer_without_a_status_is_no_grpc() {
        let counters = CallCounters::default();
        let mut call = CountedCall::start(&counters.add_thread(), "/favicon.ico");
        call.observe(&HeaderMap::new());
        call.end(Duration::ZERO);
        let stats = counters.read().pop().unwrap();
        assert_eq!((stats.method, stats.handled[Code::Unknown as usize]), ("unknown", 1));
    }
}
