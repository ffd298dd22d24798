//! Traces and metrics at a collector: whose trace a call belongs to, what is said of it, and what
//! becomes of both when the collector is away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use millpond::proto::v1::lookup_service_client::LookupServiceClient;
use millpond::proto::v1::{ExportStats, GetRequest};
use millpond::telemetry::otlp::messages::{
    Data, HistogramDataPoint, Metric, Number, NumberDataPoint, Span, SpanKind,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tonic::{Code, Request, Status};

use crate::stream::event;
use crate::support::broker::{self, Broker};
use crate::support::collector::{Collector, Received, attribute};
use crate::support::scrape::Scrape;
use crate::support::service::{PATIENCE, Service};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

async fn start(broker: &Broker, settings: &[String]) -> Service {
    let settings: Vec<_> = settings.iter().map(String::as_str).collect();
    Service::start(broker, &broker.create_topic(1).await, &settings).await
}

/// Looks up a key of a table, with these headers.
async fn get(
    service: &Service,
    table: &str,
    headers: &[(&'static str, &str)],
) -> Result<(), Status> {
    let message =
        GetRequest { table: table.into(), key: "secret-key".into(), ..Default::default() };
    let mut request = Request::new(message);
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    LookupServiceClient::new(service.channel()).get(request).await.map(drop)
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[test]
fn a_call_is_a_span_of_its_callers_trace_under_its_callers_span() {
    broker::in_process(async |broker| {
        let collector = Collector::start().await;
        let service = start(broker, &collector.settings(&["otlp.service_name=lookups"])).await;
        for flags in ["00", "01"] {
            let headers = [("traceparent", &*traceparent(flags)), ("tracestate", "a=1")];
            get(&service, "services", &headers).await.unwrap();
        }
        get(&service, "services", &[]).await.unwrap();
        // What waits is sent before the service ends.
        service.stop().await;
        let spans = collector.spans(1).await;
        let [span] = &spans[..] else { panic!("one was sampled: {spans:?}") };
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.into(), SPAN.into()));
        assert_ne!(hex(&span.span_id), SPAN);
        assert_eq!((span.kind(), span.trace_state.as_str()), (SpanKind::Server, "a=1"));
        assert_eq!(span.name, "millpond.v1.LookupService/Get");
        assert!(span.end_time_unix_nano > span.start_time_unix_nano && span.status.is_none());
        let of = |key| attribute(&span.attributes, key);
        assert_eq!(of("rpc.system.name"), Some("grpc"));
        assert_eq!(of("rpc.response.status_code"), Some("OK"));
        assert_eq!(of("millpond.table"), Some("services"));
        let resource = collector.wait_for("a resource", |it| it.resources.first().cloned()).await;
        assert_eq!(attribute(&resource.attributes, "service.name"), Some("lookups"));
        assert!(attribute(&resource.attributes, "service.instance.id").is_some());
    });
}

#[test]
fn rubbish_begins_a_trace_of_its_own_and_no_name_of_a_callers_choice_is_sent() {
    broker::in_process(async |broker| {
        let collector = Collector::start().await;
        let service = start(broker, &collector.settings(&["otlp.sample_ratio=100%"])).await;
        for rubbish in ["rubbish", &*format!("00-{TRACE}-{}-01", "0".repeat(16)), ""] {
            let status = get(&service, "secret-table", &[("traceparent", rubbish)]).await;
            assert_eq!(status.unwrap_err().code(), Code::NotFound);
        }
        let spans = collector.spans(3).await;
        let traces: BTreeSet<_> = spans.iter().map(|it| &it.trace_id).collect();
        assert_eq!(traces.len(), 3);
        for span in &spans {
            assert!(span.parent_span_id.is_empty() && hex(&span.trace_id) != TRACE, "{span:?}");
            let code = attribute(&span.attributes, "rpc.response.status_code");
            assert_eq!(code, Some("NOT_FOUND"));
            assert!(!format!("{span:?}").contains("secret"), "{span:?}");
        }
        service.stop().await;
    });
}

#[test]
fn a_traced_call_is_an_exemplar_of_its_range_in_open_metrics() {
    broker::in_process(async |broker| {
        let collector = Collector::start().await;
        let service = start(broker, &collector.settings(&[])).await;
        get(&service, "services", &[("traceparent", &traceparent("01"))]).await.unwrap();
        let spans: Vec<Span> = collector.spans(1).await;
        let span_id = hex(&spans[0].span_id);
        let exemplar = format!(" # {{trace_id=\"{TRACE}\",span_id=\"{span_id}\"}} ");
        let has_exemplar = |scrape: &Scrape| scrape.text.contains(&exemplar);
        let text = scrape_until(&service, "application/openmetrics-text", has_exemplar).await.text;
        let lines: Vec<_> = text.lines().filter(|line| line.contains(&exemplar)).collect();
        let [line] = lines[..] else { panic!("{lines:?}") };
        assert!(line.starts_with("grpc_server_handling_seconds_bucket{"), "{line}");
        assert!(line.contains("grpc_method=\"Get\""), "{line}");
        let prometheus = Scrape::of(service.admin, "text/plain").await.text;
        assert!(!prometheus.contains(TRACE), "Prometheus' own text has no exemplars");
        service.stop().await;
    });
}

/// A scrape of which `holds` is true. One may be a quarter of a second older than it is asked for.
async fn scrape_until(service: &Service, accept: &str, holds: impl Fn(&Scrape) -> bool) -> Scrape {
    let start = Instant::now();
    loop {
        let scrape = Scrape::of(service.admin, accept).await;
        if holds(&scrape) {
            return scrape;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for a scrape: {}", scrape.text);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Makes sampled calls, which all have to succeed, until `holds` is true of what became of their spans.
async fn call_until(service: &Service, holds: impl Fn(&ExportStats) -> bool) {
    let start = Instant::now();
    loop {
        let calls = (0..64).map(|_| get(service, "services", &[]));
        join_all(calls).await.into_iter().for_each(Result::unwrap);
        let export = service.stats().await.export.unwrap();
        if holds(&export) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for lost spans: {export:?}");
    }
}

#[test]
fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    broker::in_process(async |broker| {
        // Nobody listens there any more.
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let settings = [
            format!("otlp.endpoint=http://{address}"),
            "otlp.sample_ratio=100%".into(),
            "otlp.batch_interval=100ms".into(),
            "otlp.queue=64KiB".into(),
            "otlp.metrics_interval=1s".into(),
        ];
        let service = start(broker, &settings).await;
        call_until(&service, |export| {
            export.queue_full_span_count > 0
                && export.failed_span_count > 0
                && export.failed_metrics_count > 0
        })
        .await;
        let scrape = scrape_until(&service, "text/plain", |scrape| {
            ["failed", "queue_full"].iter().all(|result| {
                scrape.count(&format!("millpond_otlp_spans_total{{result=\"{result}\"}}")) > 0
            })
        })
        .await;
        assert_eq!(scrape.count("millpond_otlp_spans_total{result=\"sent\"}"), 0);
        service.stop().await;
    });
}

#[test]
fn a_collector_that_answers_rubbish_costs_spans_and_nothing_else() {
    broker::in_process(async |broker| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("otlp.endpoint=http://{}", listener.local_addr().unwrap());
        let rubbish = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n\x1b[2Jrubbish").await;
            }
        });
        let ratio = "otlp.sample_ratio=100%".to_owned();
        let service = start(broker, &[endpoint, ratio, "otlp.batch_interval=100ms".into()]).await;
        get(&service, "services", &[]).await.unwrap();
        call_until(&service, |export| export.failed_span_count > 0).await;
        service.stop().await;
        rubbish.abort();
    });
}

#[test]
fn a_collector_that_never_answers_costs_spans_and_holds_up_no_stop() {
    broker::in_process(async |broker| {
        // Connections are accepted by the system, and nobody ever reads from them.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = [
            format!("otlp.endpoint=http://{}", listener.local_addr().unwrap()),
            "otlp.sample_ratio=100%".into(),
            "otlp.batch_interval=100ms".into(),
            "otlp.queue=64KiB".into(),
        ];
        let service = start(broker, &settings).await;
        call_until(&service, |export| export.queue_full_span_count > 0).await;
        service.stop().await;
        drop(listener);
    });
}

const ONE_GET: &str = "grpc_server_handled_total{grpc_type=\"unary\",\
                       grpc_service=\"millpond.v1.LookupService\",grpc_method=\"Get\",grpc_code=\"OK\"}";

/// What differs between two snapshots of a service that does nothing.
const CHANGING: [&str; 10] = [
    "millpond_uptime_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_threads",
    "millpond_memory_",
    "millpond_heap_bytes",
    "millpond_clock_behind_seconds",
    "millpond_otlp_metrics_total",
    "millpond_rpc_",
];

fn is_changing(series: &str) -> bool {
    CHANGING.iter().any(|prefix| series.starts_with(prefix))
        || series.contains("staleness_seconds")
        || series.contains("measured_bytes")
}

/// The series of a scrape that do not change, without histograms.
fn stable(scrape: &Scrape) -> BTreeMap<String, f64> {
    let is_stable = |name: &str| !is_changing(name) && !name.starts_with("grpc_server_handling");
    let series = scrape.series().filter(|(name, _)| is_stable(name));
    series.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// The series of the newest metrics at a collector that do not change.
fn newest(received: &Received) -> Option<BTreeMap<String, f64>> {
    let first = received.metrics.iter().rposition(|it| it.name == "millpond_build_info")?;
    let mut found = series(&received.metrics[first..]);
    found.retain(|name, _| !is_changing(name));
    Some(found)
}

/// The durations of `Get` at a collector, once a call of it has ended.
fn durations_of_get(received: &Received) -> Option<HistogramDataPoint> {
    let is_it = |metric: &&Metric| metric.name == "grpc_server_handling_seconds";
    let newest = received.metrics.iter().rev().find(is_it)?.data.clone()?;
    let Data::Histogram(histogram) = newest else { panic!("these are no durations") };
    let is_get = |point: &HistogramDataPoint| {
        point.count > 0 && attribute(&point.attributes, "grpc_method") == Some("Get")
    };
    histogram.data_points.into_iter().find(is_get)
}

fn differences(
    found: &BTreeMap<String, f64>,
    expected: &BTreeMap<String, f64>,
) -> Vec<(String, Option<f64>, Option<f64>)> {
    let names: BTreeSet<_> = found.keys().chain(expected.keys()).collect();
    let both =
        names.into_iter().map(|name| (found.get(name).copied(), expected.get(name).copied(), name));
    both.filter(|(one, other, _)| one != other)
        .map(|(one, other, name)| (name.clone(), one, other))
        .collect()
}

/// The series of these metrics that have one number, as a scrape writes their names and labels.
fn series(metrics: &[Metric]) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for metric in metrics {
        let points = match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => &gauge.data_points,
            Data::Sum(sum) => &sum.data_points,
            Data::Histogram(_) => continue,
        };
        found.extend(points.iter().map(|point| (name_of(&metric.name, point), value_of(point))));
    }
    found
}

fn name_of(metric: &str, point: &NumberDataPoint) -> String {
    let text = |key: &str| attribute(&point.attributes, key).unwrap();
    let labels = point.attributes.iter().map(|it| format!("{}=\"{}\"", it.key, text(&it.key)));
    let labels: Vec<_> = labels.collect();
    if labels.is_empty() { metric.into() } else { format!("{metric}{{{}}}", labels.join(",")) }
}

#[expect(clippy::cast_precision_loss, reason = "the numbers of a test are small")]
fn value_of(point: &NumberDataPoint) -> f64 {
    match point.value.unwrap() {
        Number::AsDouble(value) => value,
        Number::AsInt(value) => value as f64,
    }
}

#[test]
fn metrics_at_the_collector_are_those_of_a_scrape() {
    broker::in_process(async |broker| {
        let collector = Collector::start().await;
        let settings = collector.settings(&["otlp.metrics_interval=1s"]);
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        let topic = broker.create_topic(2).await;
        let service = Service::ready(broker, &topic, &settings).await;
        topic.produce(&(0..20).map(|n| event(&format!("key-{}", n % 15), "x")).collect::<Vec<_>>());
        service.wait_until_polled(20).await;
        get(&service, "services", &[]).await.unwrap();
        // The service does nothing meanwhile, so the next metrics are the same.
        let start = Instant::now();
        loop {
            let expected = stable(&Scrape::of(service.admin, "text/plain").await);
            assert!(expected.len() > 300, "{}", expected.len());
            assert!(expected.contains_key("millpond_table_entries{table=\"services\"}"));
            let found = collector.show(newest);
            // One may be older than the call.
            if found.as_ref() == Some(&expected) && expected.get(ONE_GET) == Some(&1.0) {
                break;
            }
            let differences = found.map(|it| differences(&it, &expected));
            assert!(start.elapsed() < PATIENCE, "{differences:?}");
            sleep(Duration::from_millis(50)).await;
        }
        let get = collector.wait_for("durations", durations_of_get).await;
        assert_eq!((get.count, get.bucket_counts.iter().sum::<u64>()), (1, 1));
        assert_eq!(get.bucket_counts.len(), get.explicit_bounds.len() + 1);
        service.stop().await;
    });
}
