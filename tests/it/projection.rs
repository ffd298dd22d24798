//! The projection of `millpond try`, compared with a service that really holds the entries.

use std::net::SocketAddr;

use millpond::proto::v1::{GetStatsResponse, RemovalCause};
use serde_json::{Value, json};

use crate::command::{serve_with_settings, text};
use crate::support::broker::{self, Message};
use crate::support::caller::Caller;
use crate::support::patient::wait_long_for;
use crate::support::service::polled;
use crate::try_records::try_input;

const KEYS: u64 = 20_000;
const PARTITIONS: i32 = 8;
/// Without a container the pages of the program's file count, and those of a debug build are many.
const UNOPTIMISED_CODE_BYTES: u64 = 24 << 20;

/// A document whose description has some length around 60.
fn document(number: u64) -> Value {
    let description = "x".repeat(20 + usize::try_from(number * 7_919 % 81).unwrap());
    json!({ "id": format!("service-{number:012}"), "description": description, "noise": [1, 2] })
}

fn message(number: u64) -> Message {
    let partition = i32::try_from(number).ok().map(|number| number % PARTITIONS);
    let payload = Some(document(number).to_string().into_bytes());
    Message { partition, payload, ..Message::default() }
}

fn project(store: &str) -> Value {
    let sample: String =
        (0..500).map(|number| document(number * 61 % KEYS).to_string() + "\n").collect();
    let store = format!("tables.0.store={store}");
    let keys = KEYS.to_string();
    let arguments =
        ["--summary", "--output", "json", "--rate", "2000", "--lookups", "500", "--keys", &keys];
    let table = ["--key", "/id", "--field", "description=/description", "--set", &store];
    let tried = try_input(&sample, &[arguments.as_slice(), &table].concat());
    assert_eq!(tried.status.code(), Some(0), "{tried:?}");
    let shown = text(&tried.stdout);
    let mut all: Value = serde_json::from_str(shown.trim()).expect("one line of JSON");
    all["projection"].take()
}

fn assert_within_a_tenth(what: &str, projected: &Value, measured: i64) {
    let projected = projected.as_i64().unwrap();
    let off = projected.abs_diff(measured) * 100 / measured.unsigned_abs();
    assert!(off <= 10, "{what}: {projected} B were projected and {measured} B measured");
}

fn evicted(stats: &GetStatsResponse) -> i64 {
    let causes = [RemovalCause::Evicted, RemovalCause::EvictedForPressure];
    let removals = stats.tables[0].removals.iter();
    removals.filter(|each| causes.contains(&each.cause())).map(|each| each.count).sum()
}

#[test]
fn a_moka_table_takes_what_was_projected() {
    takes_what_was_projected("moka");
}

#[test]
fn a_compact_table_takes_what_was_projected() {
    takes_what_was_projected("compact");
}

fn takes_what_was_projected(store: &str) {
    let projection = project(store);
    broker::in_process(async |broker| {
        let topic = broker.create_topic(PARTITIONS).await;
        let capacity = format!("tables.0.capacity={}", projection["capacity"].as_str().unwrap());
        let limit_bytes = projection["limitBytes"].as_u64().unwrap() + UNOPTIMISED_CODE_BYTES;
        let limit = format!("memory.limit={limit_bytes}B");
        let store = format!("tables.0.store={store}");
        // The planner of the budget saw no other settings than the defaults.
        let more = ["ingest.threads=auto", &capacity, &limit, &store, "tables.0.ttl=24h"];
        let (_running, endpoint) = serve_with_settings(broker, &topic, &more);
        let rpc: SocketAddr = endpoint.trim_start_matches("http://").parse().unwrap();
        let caller = Caller::of(rpc);
        let produce = || {
            let numbers = (0..KEYS).map(|number| message(number * 7_919 % KEYS));
            topic.produce(&numbers.collect::<Vec<_>>());
        };
        produce();
        let stats = wait_long_for(&caller, "the load", |stats| polled(stats) >= KEYS).await;
        assert_eq!(stats.tables[0].entry_count.cast_unsigned(), KEYS, "{stats:#?}");
        let measured = stats.tables[0].measured_bytes;
        assert_within_a_tenth("loaded", &projection["tableBytes"], measured);

        for _ in 0..2 {
            produce();
        }
        let stats = wait_long_for(&caller, "replacements", |stats| polled(stats) >= 3 * KEYS).await;
        let measured = stats.tables[0].measured_bytes;
        assert_within_a_tenth("replaced", &projection["replacedTableBytes"], measured);
        assert_eq!(evicted(&stats), 0, "the capacity and the limit were enough: {stats:#?}");
    });
}

#[test]
fn the_limit_is_the_smallest_that_the_budget_accepts() {
    let projection = project("compact");
    let limit_bytes = projection["limitBytes"].as_u64().unwrap();
    let capacity = projection["capacity"].as_str().unwrap();
    let check = |bytes: u64| {
        let settings = [
            "kafka.brokers=localhost:1".to_owned(),
            "tables.0.name=records".into(),
            "tables.0.topic=records".into(),
            "tables.0.key=/id".into(),
            "tables.0.fields.description=/description".into(),
            "tables.0.ttl=24h".into(),
            "tables.0.store=compact".into(),
            format!("tables.0.capacity={capacity}"),
            format!("memory.limit={bytes}B"),
        ];
        let mut arguments = vec!["check".to_owned()];
        arguments.extend(crate::command::settings(&settings));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        crate::command::run(&arguments).status.code()
    };
    assert_eq!(check(limit_bytes), Some(0), "{projection:#}");
    assert_eq!(check(limit_bytes - (1 << 20)), Some(78), "{projection:#}");
    for figure in ["ingestCpu", "kafkaCpuEstimate", "bandwidthBytes", "lookupCallCpuEstimate"] {
        assert!(projection[figure].as_u64().unwrap() > 0, "{projection:#}");
    }
}
