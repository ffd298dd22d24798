//! `/metrics` of a running service: what promtool says of it, and that its figures are those of
//! `GetStats`.

use std::collections::BTreeSet;
use std::env;
use std::time::Duration;

use millpond::proto::v1::{GetStatsResponse, PartitionStats, TableStats};
use millpond::stats::{STATUS_CODES, StatusCode};
use millpond::telemetry::metrics::{Description, Kind, catalogue};
use tonic::Code;

use crate::stream::event;
use crate::support::broker::{self, Broker, Message};
use crate::support::promtool::Promtool;
use crate::support::scrape::Scrape;
use crate::support::service::Service;

const PROMETHEUS: &str = "text/plain";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

/// A service that has stored, replaced, deleted and rejected records, and has answered calls.
async fn busy_service(broker: &Broker) -> Service {
    let topic = broker.create_topic(2).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let mut messages: Vec<_> = (0..100).map(|n| event(&format!("key-{}", n % 60), "x")).collect();
    messages.extend((0..5).map(|n| Message { payload: None, ..event(&format!("key-{n}"), "") }));
    messages.extend((0..3).map(|_| Message { payload: Some("{".into()), ..event("a", "") }));
    topic.produce(&messages);
    service.wait_until_polled(messages.len() as u64).await;
    for key in ["key-10", "key-11", "key-0", "nobody"] {
        service.try_get("services", key).await.unwrap();
    }
    let unknown = service.try_get("no-such-table", "key").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    service
}

/// A scrape whose snapshot was taken after that of `stats`.
async fn scrape_after(service: &Service, stats: &GetStatsResponse) -> Scrape {
    let uptime = duration(stats.uptime);
    loop {
        let scrape = Scrape::of(service.admin, PROMETHEUS).await;
        if scrape.seconds("millpond_uptime_seconds") > uptime {
            return scrape;
        }
    }
}

fn duration(wire: Option<prost_types::Duration>) -> Duration {
    wire.unwrap().try_into().unwrap()
}

/// The label of a protocol's enum value: its name without that of its type.
fn label(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap().to_lowercase()
}

#[test]
fn a_scrape_shows_what_the_statistics_show() {
    broker::in_process(async |broker| {
        let service = busy_service(broker).await;
        let stats = service.stats().await;
        let scrape = scrape_after(&service, &stats).await;
        assert_table(&scrape, &stats.tables[0]);
        assert_records(&scrape, &stats.partitions);
        stats.partitions.iter().for_each(|partition| assert_partition(&scrape, partition));
        assert_calls(&scrape, &stats);
        assert_rpc(&scrape, &stats);
        let memory = stats.memory.as_ref().unwrap();
        assert_eq!(scrape.count("millpond_memory_limit_bytes"), memory.limit_bytes);
        assert_eq!(scrape.count("millpond_ready"), 1);
        let files = stats.process.unwrap().max_open_file_count;
        assert_eq!(scrape.count("process_max_fds"), files);
        service.stop().await;
    });
}

fn assert_table(scrape: &Scrape, table: &TableStats) {
    let of = |metric: &str| scrape.count(&format!("millpond_table_{metric}{{table=\"services\"}}"));
    assert_eq!((table.entry_count, table.hit_count, table.miss_count), (55, 2, 2), "{table:?}");
    for (metric, expected) in [
        ("entries", table.entry_count),
        ("weight_bytes", table.weight_bytes),
        ("capacity_bytes", table.capacity_bytes),
        ("limit_bytes", table.limit_bytes),
        ("ghost_bytes", table.ghost_bytes),
        ("hits_total", table.hit_count),
        ("stored_total", table.stored_count),
        ("plucked_bytes_total", table.plucked_bytes),
    ] {
        assert_eq!(of(metric), expected, "{metric}");
    }
    let labelled = |metric: &str, label: &str, value: &str| {
        let labels = format!("{{table=\"services\",{label}=\"{value}\"}}");
        scrape.count(&format!("millpond_table_{metric}_total{labels}"))
    };
    let mut misses = Vec::new();
    for miss in &table.misses {
        let reason = label(miss.reason().as_str_name(), "MISS_REASON_");
        assert_eq!(labelled("misses", "reason", &reason), miss.count, "{reason}");
        misses.extend((miss.count > 0).then_some(reason));
    }
    assert_eq!(misses, ["never_seen", "deleted"]);
    for removal in &table.removals {
        let cause = label(removal.cause().as_str_name(), "REMOVAL_CAUSE_");
        assert_eq!(labelled("removals", "cause", &cause), removal.count, "{cause}");
    }
}

fn assert_records(scrape: &Scrape, partitions: &[PartitionStats]) {
    let of = |metric: &str, label: &str, value: &str| {
        scrape.count(&format!("{metric}{{table=\"services\",{label}=\"{value}\"}}"))
    };
    let records: Vec<_> = partitions.iter().flat_map(|partition| &partition.records).collect();
    for outcome in &partitions[0].records {
        let same = records.iter().filter(|record| record.outcome == outcome.outcome);
        let count: i64 = same.map(|record| record.count).sum();
        let name = label(outcome.outcome().as_str_name(), "RECORD_OUTCOME_");
        assert_eq!(of("millpond_records_total", "outcome", &name), count, "{name}");
    }
    assert_eq!(of("millpond_rejections_total", "reason", "invalid_json"), 3);
    assert_eq!(scrape.series_of("millpond_rejections_total").count(), 19);
}

fn assert_partition(scrape: &Scrape, partition: &PartitionStats) {
    let PartitionStats { table, topic, partition: number, .. } = partition;
    let of = |metric: &str| {
        let labels = format!("{{table=\"{table}\",topic=\"{topic}\",partition=\"{number}\"}}");
        scrape.value(&format!("millpond_partition_{metric}{labels}")).to_owned()
    };
    assert_eq!(of("position"), partition.position.to_string());
    assert_eq!(of("high_watermark"), partition.high_watermark.to_string());
    assert_eq!(of("lag_records"), "0");
    assert!(of("staleness_seconds") != "+Inf" && partition.staleness.is_some());
}

fn assert_calls(scrape: &Scrape, stats: &GetStatsResponse) {
    let methods = &stats.rpc.as_ref().unwrap().methods;
    let get = methods.iter().find(|method| method.method == "Get").unwrap();
    let labels =
        "grpc_type=\"unary\",grpc_service=\"millpond.v1.LookupService\",grpc_method=\"Get\"";
    let handled: Vec<_> = get.handled_calls.iter().map(|it| (it.code, it.count)).collect();
    assert_eq!(handled, [(Code::Ok as i32, 4), (Code::NotFound as i32, 1)]);
    for (code, StatusCode { metric_name, .. }) in (0..).zip(STATUS_CODES) {
        let series = format!("grpc_server_handled_total{{{labels},grpc_code=\"{metric_name}\"}}");
        let expected =
            handled.iter().find(|(each, _)| *each == code).map_or(0, |(_, count)| *count);
        assert_eq!(scrape.count(&series), expected, "{metric_name}");
    }
    assert_eq!(scrape.count(&format!("grpc_server_started_total{{{labels}}}")), 5);
    assert_eq!(scrape.count(&format!("grpc_server_handling_seconds_count{{{labels}}}")), 5);
    let sum = scrape.seconds(&format!("grpc_server_handling_seconds_sum{{{labels}}}"));
    let expected = duration(get.total_duration);
    assert_eq!(sum.as_micros(), expected.as_micros());
    assert!(sum > Duration::ZERO);
    let mut below = 0;
    for range in &get.durations {
        below += range.count;
        let bound = range.up_to.map(|_| duration(range.up_to).as_secs_f64().to_string());
        let bound = bound.unwrap_or_else(|| "+Inf".into());
        let series = format!("grpc_server_handling_seconds_bucket{{{labels},le=\"{bound}\"}}");
        assert_eq!(scrape.count(&series), below, "{bound}");
    }
    assert_eq!(below, 5);
}

fn assert_rpc(scrape: &Scrape, stats: &GetStatsResponse) {
    let rpc = stats.rpc.as_ref().unwrap();
    for shed in &rpc.shed_calls {
        let cause = label(shed.cause().as_str_name(), "SHED_CAUSE_");
        let series = format!("millpond_rpc_shed_calls_total{{cause=\"{cause}\"}}");
        assert_eq!(scrape.count(&series), shed.count, "{cause}");
    }
    for closed in &rpc.closed_connections {
        let reason = label(closed.reason().as_str_name(), "CONNECTION_CLOSE_REASON_");
        let series = format!("millpond_rpc_closed_connections_total{{reason=\"{reason}\"}}");
        assert_eq!(scrape.count(&series), closed.count, "{reason}");
    }
    assert_eq!(scrape.count("millpond_rpc_open_connections"), rpc.open_connection_count);
    assert_eq!(scrape.count("millpond_rpc_pool_bytes"), rpc.pool_bytes);
}

#[test]
fn a_scrape_has_every_metric_and_no_other_in_both_formats() {
    broker::in_process(async |broker| {
        let service = busy_service(broker).await;
        let all: BTreeSet<_> = catalogue::ALL.iter().map(|metric| metric.name).collect();
        let text = Scrape::of(service.admin, PROMETHEUS).await;
        assert!(text.head.starts_with("http/1.1 200"), "{}", text.head);
        assert!(text.head.contains("content-type: text/plain; version=0.0.4"), "{}", text.head);
        assert_eq!(families(&text.text), all);

        let open = Scrape::of(service.admin, OPEN_METRICS).await;
        let media_type = "content-type: application/openmetrics-text; version=1.0.0";
        assert!(open.head.contains(media_type), "{}", open.head);
        assert!(open.text.ends_with("# EOF\n"));
        let family = |metric: &Description| match metric.kind {
            Kind::Counter => metric.name.trim_end_matches("_total"),
            Kind::Info => metric.name.trim_end_matches("_info"),
            Kind::Gauge | Kind::Histogram => metric.name,
        };
        assert_eq!(families(&open.text), catalogue::ALL.iter().map(family).collect());
        service.stop().await;
    });
}

fn families(text: &str) -> BTreeSet<&str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap()).collect()
}

#[test]
fn promtool_finds_nothing_wrong_with_a_scrape() {
    let name = "promtool_finds_nothing_wrong_with_a_scrape";
    let Some(promtool) = Promtool::required_by(name) else { return };
    broker::in_process(async |broker| {
        let service = busy_service(broker).await;
        let text = Scrape::of(service.admin, PROMETHEUS).await.text;
        let said = promtool.run(&env::temp_dir(), &["check", "metrics"], &text).unwrap();
        assert_eq!(said, "");
        let spoilt = text.replace("millpond_ready", "millpond_ready_total");
        promtool.run(&env::temp_dir(), &["check", "metrics"], &spoilt).unwrap_err();
        service.stop().await;
    });
}
