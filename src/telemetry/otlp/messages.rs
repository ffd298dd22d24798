//! The messages of OTLP that are sent and received here, with the fields that are used.
//!
//! The crates of OpenTelemetry would bring its whole SDK, whose queue is counted in no budget. The
//! numbers of the fields are those of the protocol's version 1, which only grows.

use prost::{Message, Oneof};

/// The path of the method that takes spans.
pub const EXPORT_TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// The path of the method that takes metrics.
pub const EXPORT_METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Spans, as they are sent.
#[derive(Clone, PartialEq, Message)]
pub struct ExportTraceServiceRequest {
    /// By the process that they are of.
    #[prost(message, repeated, tag = "1")]
    pub resource_spans: Vec<ResourceSpans>,
}

/// Metrics, as they are sent.
#[derive(Clone, PartialEq, Message)]
pub struct ExportMetricsServiceRequest {
    /// By the process that they are of.
    #[prost(message, repeated, tag = "1")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// The answer to either.
#[derive(Clone, PartialEq, Message)]
pub struct ExportResponse {
    /// What was not taken, if anything was not.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// What a collector did not take.
#[derive(Clone, PartialEq, Message)]
pub struct PartialSuccess {
    /// How many spans, or how many data points.
    #[prost(int64, tag = "1")]
    pub rejected: i64,
    /// Why.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// The spans of a process.
#[derive(Clone, PartialEq, Message)]
pub struct ResourceSpans {
    /// The process.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// By the library that made them.
    #[prost(message, repeated, tag = "2")]
    pub scope_spans: Vec<ScopeSpans>,
}

/// The spans of a library.
#[derive(Clone, PartialEq, Message)]
pub struct ScopeSpans {
    /// The library.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// The spans.
    #[prost(message, repeated, tag = "2")]
    pub spans: Vec<Span>,
}

/// The metrics of a process.
#[derive(Clone, PartialEq, Message)]
pub struct ResourceMetrics {
    /// The process.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// By the library that made them.
    #[prost(message, repeated, tag = "2")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

/// The metrics of a library.
#[derive(Clone, PartialEq, Message)]
pub struct ScopeMetrics {
    /// The library.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// The metrics.
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
}

/// A process.
#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    /// What is said of it.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<KeyValue>,
}

/// A library.
#[derive(Clone, PartialEq, Message)]
pub struct Scope {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// An attribute.
#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<AnyValue>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Message)]
pub struct AnyValue {
    /// A text: nothing else is sent.
    #[prost(string, optional, tag = "1")]
    pub string_value: Option<String>,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// The id of its trace: 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// Its id: 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// The `tracestate` of its trace.
    #[prost(string, tag = "3")]
    pub trace_state: String,
    /// The id of the caller's span: 8 bytes, or none.
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    /// Its name: the method.
    #[prost(string, tag = "5")]
    pub name: String,
    /// Which side of a call it is.
    #[prost(enumeration = "SpanKind", tag = "6")]
    pub kind: i32,
    /// When it began, in nanoseconds since 1970.
    #[prost(fixed64, tag = "7")]
    pub start_time_unix_nano: u64,
    /// When it ended, in nanoseconds since 1970.
    #[prost(fixed64, tag = "8")]
    pub end_time_unix_nano: u64,
    /// What is said of it.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
    /// Whether the service failed.
    #[prost(message, optional, tag = "15")]
    pub status: Option<Status>,
    /// The flags of `traceparent`, and above them whether the parent is of another process.
    #[prost(fixed32, tag = "16")]
    pub flags: u32,
}

/// Whether a span failed.
#[derive(Clone, PartialEq, Message)]
pub struct Status {
    /// The answer.
    #[prost(enumeration = "StatusCode", tag = "3")]
    pub code: i32,
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum SpanKind {
    /// Not said.
    Unspecified = 0,
    /// The service.
    Server = 2,
}

/// Whether a span failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum StatusCode {
    /// It did not.
    Unset = 0,
    /// It did.
    Error = 2,
}

/// A metric, with the values of all its series.
#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it counts or measures.
    #[prost(string, tag = "2")]
    pub description: String,
    /// Its unit, by the Unified Code for Units of Measure.
    #[prost(string, tag = "3")]
    pub unit: String,
    /// Its kind, and its values.
    #[prost(oneof = "Data", tags = "5, 7, 9")]
    pub data: Option<Data>,
}

/// The values of a metric.
#[derive(Clone, PartialEq, Oneof)]
pub enum Data {
    /// Values of this moment.
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    /// Counts.
    #[prost(message, tag = "7")]
    Sum(Sum),
    /// Durations by range.
    #[prost(message, tag = "9")]
    Histogram(Histogram),
}

/// Values of this moment.
#[derive(Clone, PartialEq, Message)]
pub struct Gauge {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberDataPoint>,
}

/// Counts.
#[derive(Clone, PartialEq, Message)]
pub struct Sum {
    /// The counts.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<NumberDataPoint>,
    /// Since when they count.
    #[prost(enumeration = "Temporality", tag = "2")]
    pub aggregation_temporality: i32,
    /// Whether they only grow.
    #[prost(bool, tag = "3")]
    pub is_monotonic: bool,
}

/// Durations by range.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<HistogramDataPoint>,
    /// Since when they count.
    #[prost(enumeration = "Temporality", tag = "2")]
    pub aggregation_temporality: i32,
}

/// Since when something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Temporality {
    /// Not said.
    Unspecified = 0,
    /// Since the start of the process.
    Cumulative = 2,
}

/// The value of a series.
#[derive(Clone, PartialEq, Message)]
pub struct NumberDataPoint {
    /// Since when it counts, in nanoseconds since 1970.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// When it was read, in nanoseconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// The value.
    #[prost(oneof = "Number", tags = "4, 6")]
    pub value: Option<Number>,
    /// The labels of the series.
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<KeyValue>,
}

/// A number.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum Number {
    /// A real one.
    #[prost(double, tag = "4")]
    AsDouble(f64),
    /// A whole one.
    #[prost(sfixed64, tag = "6")]
    AsInt(i64),
}

/// The durations of a series.
#[derive(Clone, PartialEq, Message)]
pub struct HistogramDataPoint {
    /// Since when they are counted, in nanoseconds since 1970.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// When they were read, in nanoseconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// How many there are.
    #[prost(fixed64, tag = "4")]
    pub count: u64,
    /// Their sum, in seconds.
    #[prost(double, optional, tag = "5")]
    pub sum: Option<f64>,
    /// How many are in each range: one more than there are bounds.
    #[prost(fixed64, repeated, tag = "6")]
    pub bucket_counts: Vec<u64>,
    /// The upper bounds of the ranges, in seconds.
    #[prost(double, repeated, tag = "7")]
    pub explicit_bounds: Vec<f64>,
    /// Traced calls, one for a range at most.
    #[prost(message, repeated, tag = "8")]
    pub exemplars: Vec<Exemplar>,
    /// The labels of the series.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<KeyValue>,
}

/// A traced call.
#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    /// When it was, in nanoseconds since 1970.
    #[prost(fixed64, tag = "2")]
    pub time_unix_nano: u64,
    /// How long it took, in seconds.
    #[prost(double, tag = "3")]
    pub as_double: f64,
    /// The id of its span: 8 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub span_id: Vec<u8>,
    /// The id of its trace: 16 bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub trace_id: Vec<u8>,
}

impl KeyValue {
    /// An attribute that is a text.
    pub fn text(key: impl Into<String>, value: impl Into<String>) -> Self {
        let value = AnyValue { string_value: Some(value.into()) };
        Self { key: key.into(), value: Some(value) }
    }
}
