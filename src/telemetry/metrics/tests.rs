//! What a scrape of a snapshot has, and the table of metrics in `README.md`.

mod readme;

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::stats::{CertificateRole, CertificateStats, Exemplar, HandshakeOutcome, TlsStats};
use crate::telemetry::otlp::messages::{Data, Number};
use crate::trace::{SpanId, TraceId};

fn scrape(snapshot: Snapshot, format: Format) -> String {
    exposition(&Arc::new(snapshot), format).unwrap()
}

/// The values of a metric, each with its labels.
fn samples<'t>(text: &'t str, name: &str) -> Vec<(&'t str, &'t str)> {
    let of_it = text.lines().filter_map(|line| line.strip_prefix(name));
    let of_it = of_it.filter(|rest| rest.starts_with(['{', ' ']));
    of_it.map(|rest| rest.rsplit_once(' ').unwrap()).collect()
}

#[test]
fn a_scrape_has_every_metric_of_the_catalogue_and_no_other() {
    let found = scrape(Snapshot::example(), Format::Prometheus);
    let types = found.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let of_kind = |metric: &Description| match metric.kind {
        Kind::Info => format!("{} gauge", metric.name),
        kind => format!("{} {}", metric.name, kind.name()),
    };
    let expected: Vec<_> = catalogue::ALL.iter().map(of_kind).collect();
    assert_eq!(types.collect::<Vec<_>>(), expected);
    for metric in catalogue::ALL {
        assert!(found.contains(&format!("# HELP {} {}\n", metric.name, metric.help)));
    }
}

#[test]
fn open_metrics_has_the_same_with_units_and_an_end() {
    let found = scrape(Snapshot::example(), Format::OpenMetrics);
    let types = found.lines().filter(|line| line.starts_with("# TYPE "));
    assert_eq!(types.count(), catalogue::ALL.len());
    for line in [
        "# TYPE millpond_build info",
        "# TYPE grpc_server_handling_seconds histogram",
        "# UNIT millpond_table_plucked_bytes bytes",
        "millpond_table_plucked_bytes_total{table=\"services\"} 0",
    ] {
        assert!(found.lines().any(|found| found == line), "{line} is not in\n{found}");
    }
    assert!(found.ends_with("# EOF\n"));
}

#[test]
fn values_are_those_of_the_snapshot() {
    let mut snapshot = Snapshot::example();
    snapshot.tables[0].entry_count = (1 << 53) + 1;
    snapshot.partitions[0].high_watermark = 7;
    snapshot.partitions[0].position = 5;
    snapshot.freshness[0].staleness = Some(Duration::from_millis(1_500));
    snapshot.clock.behind_millis = -2_500;
    let text = scrape(snapshot, Format::Prometheus);
    let labels = "{table=\"services\"}";
    let partition = "{table=\"services\",topic=\"events\",partition=\"0\"}";
    for (name, expected) in [
        ("millpond_table_entries", (labels, "9007199254740993")),
        ("millpond_table_staleness_seconds", (labels, "1.5")),
        ("millpond_table_measured_bytes", (labels, "1000")),
        ("millpond_partition_lag_records", (partition, "2")),
        ("millpond_partition_staleness_seconds", (partition, "+Inf")),
        ("millpond_clock_behind_seconds", ("", "-2.5")),
        ("process_start_time_seconds", ("", "1700000000.0")),
    ] {
        assert_eq!(samples(&text, name), [expected], "{name}");
    }
}

#[test]
fn a_scrape_has_every_value_of_a_closed_label_from_the_start() {
    let text = scrape(Snapshot::example(), Format::Prometheus);
    for (name, count) in [
        ("millpond_memory_bytes", 7),
        ("millpond_memory_pressure", 4),
        ("millpond_memory_budget_bytes", 12),
        ("millpond_table_misses_total", 7),
        ("millpond_table_removals_total", 5),
        ("millpond_records_total", 8),
        ("millpond_rejections_total", 19),
        ("millpond_rpc_shed_calls_total", 5),
        ("millpond_rpc_closed_connections_total", 8),
        ("millpond_rpc_denied_calls_total", 16),
        ("millpond_kafka_brokers", 4),
        ("millpond_otlp_spans_total", 4),
        ("millpond_otlp_metrics_total", 2),
        ("grpc_server_handled_total", 17),
        ("grpc_server_handling_seconds_bucket", 13),
    ] {
        assert_eq!(samples(&text, name).len(), count, "{name}");
    }
}

#[test]
fn a_port_with_tls_shows_the_certificate_that_expires_first() {
    let mut snapshot = Snapshot::example();
    let certificate = |role, expires| CertificateStats {
        role,
        subject: "CN=millpond".into(),
        begins: crate::record::Timestamp::from_millis(0),
        expires: crate::record::Timestamp::from_millis(expires),
    };
    snapshot.admin_tls = Some(TlsStats {
        generation: 2,
        failed_reloads: 1,
        handshakes: HandshakeOutcome::ALL.map(|outcome| (outcome, 0)),
        certificates: vec![
            certificate(CertificateRole::ClientCa, 9_000),
            certificate(CertificateRole::Server, 7_000),
            certificate(CertificateRole::ClientCa, 8_000),
        ],
    });
    let text = scrape(snapshot, Format::Prometheus);
    let expiry = samples(&text, "millpond_tls_certificate_expiry_time_seconds");
    let server = ("{port=\"admin\",role=\"server\"}", "7.0");
    let client_ca = ("{port=\"admin\",role=\"client_ca\"}", "8.0");
    assert_eq!(expiry, [server, client_ca]);
    let failures = samples(&text, "millpond_tls_failed_reloads_total");
    assert_eq!(failures, [("{port=\"admin\"}", "1")]);
}

#[test]
fn names_from_the_configuration_are_escaped() {
    let mut snapshot = Snapshot::example();
    snapshot.tables[0].name = "a\"b\\c\nd".into();
    let text = scrape(snapshot, Format::Prometheus);
    let entries = samples(&text, "millpond_table_entries");
    assert_eq!(entries, [("{table=\"a\\\"b\\\\c\\nd\"}", "0")]);
}

#[test]
fn the_format_is_what_the_client_prefers() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
                      application/openmetrics-text;version=0.0.1;q=0.4,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for accept in [
        prometheus,
        "application/openmetrics-text",
        "text/html, application/openmetrics-text;q=0.1",
    ] {
        assert_eq!(Format::accepted(accept), Format::OpenMetrics, "{accept}");
    }
    for accept in [
        "",
        "*/*",
        "text/plain",
        "text/html",
        "application/openmetrics-text;q=0.1,text/plain;q=0.9",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=x",
        ";;,,q=",
    ] {
        assert_eq!(Format::accepted(accept), Format::Prometheus, "{accept}");
    }
}

/// An exemplar of the third range.
fn traced() -> Snapshot {
    let mut snapshot = Snapshot::example();
    let method = &mut snapshot.rpc.calls[0];
    method.durations.counts[2] = 1;
    method.exemplars[2] = Some(Exemplar {
        trace_id: TraceId::from_hex(b"0af7651916cd43dd8448eb211c80319c").unwrap(),
        span_id: SpanId::from_hex(b"b7ad6b7169203331").unwrap(),
        duration: Duration::from_micros(300),
        time: UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
    });
    snapshot
}

#[test]
fn an_exemplar_stands_at_the_bucket_of_its_range_in_open_metrics_alone() {
    let text = scrape(traced(), Format::OpenMetrics);
    let lines: Vec<_> = text.lines().filter(|line| line.contains(" # ")).collect();
    let [line] = lines[..] else { panic!("{lines:?}") };
    assert!(line.contains("{le=\"0.0005\","), "{line}");
    let expected = " 1 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\",\
                    span_id=\"b7ad6b7169203331\"} 0.0003 1700000000.250";
    assert!(line.ends_with(expected), "{line}");
    assert!(text.ends_with("# EOF\n"));
    assert!(!scrape(traced(), Format::Prometheus).contains("trace_id"));
}

#[test]
fn data_points_have_the_names_labels_and_values_of_a_scrape() {
    let mut snapshot = traced();
    snapshot.tables[0].hit_count = 7;
    let text = scrape(snapshot.clone(), Format::Prometheus);
    let metrics = data_points(&snapshot);
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    let mut points = 0;
    for metric in &metrics {
        let numbers = match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => &gauge.data_points,
            Data::Sum(sum) => &sum.data_points,
            Data::Histogram(histogram) => {
                // A line for each bucket, one for the sum, and one for the count.
                points += histogram.data_points.len() * 15;
                continue;
            }
        };
        points += numbers.len();
        for point in numbers {
            let labels = point.attributes.iter().map(|attribute| {
                let value = attribute.value.as_ref().unwrap().string_value.as_ref().unwrap();
                format!("{}=\"{value}\"", attribute.key)
            });
            let labels = labels.collect::<Vec<_>>().join(",");
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            let value = match point.value.unwrap() {
                Number::AsInt(value) => value.to_string(),
                Number::AsDouble(value) if value.is_infinite() => "+Inf".into(),
                Number::AsDouble(value) => format!("{value:?}"),
            };
            let line = format!("{}{labels} {value}", metric.name);
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
    assert_eq!(points, series);
}

#[test]
fn data_points_say_since_when_they_count_and_name_traced_calls() {
    let mut snapshot = traced();
    snapshot.tables[0].hit_count = 7;
    let metrics = data_points(&snapshot);
    let data = |name: &str| {
        let metric = metrics.iter().find(|metric| metric.name == name).unwrap();
        metric.data.clone().unwrap()
    };
    let Data::Sum(sum) = data("millpond_table_hits_total") else { panic!("no counter") };
    let point = &sum.data_points[0];
    assert!(sum.is_monotonic && point.value == Some(Number::AsInt(7)));
    assert_eq!(point.start_time_unix_nano, 1_700_000_000_000_000_000);
    assert_eq!(point.time_unix_nano, 1_700_000_001_000_000_000);
    let Data::Histogram(histogram) = data("grpc_server_handling_seconds") else { panic!("none") };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.bucket_counts[2]), (1, 1));
    assert_eq!(point.exemplars[0].time_unix_nano, 1_700_000_000_250_000_000);
    assert_eq!(point.exemplars[0].trace_id[0], 0x0a);
}
