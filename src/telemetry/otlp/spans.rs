//! Spans as OTLP has them, with the attributes of OpenTelemetry's conventions for gRPC.
//!
//! No attribute is of a caller's choice: methods and tables come from closed lists.

use std::time::{SystemTime, UNIX_EPOCH};

use super::messages::{
    ExportTraceServiceRequest, KeyValue, ResourceSpans, ScopeSpans, Span, SpanKind, Status,
    StatusCode,
};
use super::resource::{Origin, scope};
use crate::stats::STATUS_CODES;
use crate::trace;

/// The codes that say that the service failed, and not its caller.
const FAILURES: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];
/// The flag of a sampled trace.
const SAMPLED: u32 = 1;
/// It is known whether the parent is of another process, and it is.
const REMOTE_PARENT: u32 = 0x300;

/// The request that sends these spans.
pub(super) fn request(origin: &Origin, spans: &[trace::Span]) -> ExportTraceServiceRequest {
    let spans = spans.iter().map(|span| to_span(span, &origin.tables)).collect();
    let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans }];
    let resource = Some(origin.resource.clone());
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { resource, scope_spans }] }
}

fn to_span(span: &trace::Span, tables: &[String]) -> Span {
    let method = span.end.method.map(|(service, method)| format!("{service}/{method}"));
    let code = STATUS_CODES.get(span.end.code).map_or("UNKNOWN", |code| code.name);
    let has_failed = FAILURES.contains(&code);
    let mut attributes = vec![
        KeyValue::text("rpc.system.name", "grpc"),
        KeyValue::text("rpc.method", method.as_deref().unwrap_or("_OTHER")),
        KeyValue::text("rpc.response.status_code", code),
    ];
    if has_failed {
        attributes.push(KeyValue::text("error.type", code));
    }
    if let Some(table) = span.table.and_then(|table| tables.get(table)) {
        attributes.push(KeyValue::text("millpond.table", table));
    }
    Span {
        trace_id: span.trace_id.as_bytes().into(),
        span_id: span.span_id.as_bytes().into(),
        trace_state: span.state.as_deref().unwrap_or_default().into(),
        parent_span_id: span.parent.map(|parent| parent.as_bytes().into()).unwrap_or_default(),
        name: method.unwrap_or_else(|| "grpc".into()),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(span.start),
        end_time_unix_nano: nanos(span.start + span.end.duration),
        attributes,
        status: has_failed.then(|| Status { code: StatusCode::Error.into() }),
        flags: SAMPLED | span.parent.map_or(0, |_| REMOTE_PARENT),
    }
}

/// In nanoseconds since 1970.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::trace::{CallEnd, TraceContext, Tracer};

    const METHOD: (&str, &str) = ("millpond.v1.LookupService", "Get");

    fn sent(parent: Option<TraceContext>, end: CallEnd, table: Option<usize>) -> Span {
        let tracer = Tracer::new(u64::MAX, 1 << 20);
        let span = tracer.start(parent, || Some("a=1".into())).unwrap();
        if let Some(table) = table {
            span.note_table(table);
        }
        tracer.finish(&span, end);
        to_span(&tracer.queue().take(1)[0], &["services".to_owned()])
    }

    fn attribute(span: &Span, key: &str) -> Option<String> {
        let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
        found.value.as_ref()?.string_value.clone()
    }

    #[test]
    fn a_call_is_a_span_of_its_method_and_table() {
        let traceparent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = TraceContext::parse(traceparent);
        let end = CallEnd { method: Some(METHOD), code: 5, duration: Duration::from_millis(3) };
        let span = sent(parent, end, Some(0));
        assert_eq!(span.name, "millpond.v1.LookupService/Get");
        assert_eq!(attribute(&span, "rpc.method").unwrap(), span.name);
        assert_eq!(attribute(&span, "rpc.response.status_code").unwrap(), "NOT_FOUND");
        assert_eq!(attribute(&span, "millpond.table").unwrap(), "services");
        assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, 3_000_000);
        assert_eq!((span.trace_id.len(), span.parent_span_id[0]), (16, 0xb7));
        assert_eq!((span.trace_state.as_str(), span.flags), ("a=1", 0x301));
        assert_eq!(span.status, None, "the caller asked for what is not there");
    }

    #[test]
    fn a_failure_of_the_service_is_an_error_and_a_path_of_a_callers_choice_is_not_shown() {
        let end = CallEnd { method: None, code: 12, duration: Duration::ZERO };
        let span = sent(None, end, Some(7));
        assert_eq!(span.status.as_ref().unwrap().code(), StatusCode::Error);
        assert_eq!(attribute(&span, "error.type").unwrap(), "UNIMPLEMENTED");
        assert_eq!((span.name.as_str(), span.parent_span_id.len()), ("grpc", 0));
        assert_eq!(attribute(&span, "rpc.method").unwrap(), "_OTHER");
        assert_eq!(attribute(&span, "millpond.table"), None, "there is no such table");
    }
}
