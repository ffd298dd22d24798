//! A stalled partition, which has unread records but is not fetched although its broker answers:
//! the service shows it as stale and recreates the client.

use std::time::{Duration, Instant};

use millpond::proto::v1::{GetStatsResponse, MemoryType, RecordOutcome};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{Producer, ProducerContext};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::command::{serve_with_log, serve_with_settings};
use crate::freshness::{wait_until_renewed, wait_until_stale_as};
use crate::start::cluster;
use crate::stream::event;
use crate::support::broker::{self, Broker, Message};
use crate::support::caller::Caller;
use crate::support::service::{PATIENCE, Service, assert_counters_add_up, outcome, polled, table};
use crate::topic_changes::{open_transaction, sum};

#[test]
fn a_stalled_client_is_recreated_and_continues_at_its_position() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let settings = ["ingest.stall_timeout=1s", "ingest.threads=1"];
        let service = Service::ready(broker, &topic, &settings).await;
        topic.produce(&events("before"));
        service.wait_until_polled(100).await;

        refuse_fetches(cluster(broker));
        topic.produce(&events("after"));
        let recreated =
            |stats: &GetStatsResponse| sum(stats, |each| each.client_recreated_count) > 0;
        let stats = service.wait_for("a new client", recreated).await;
        assert_eq!(polled(&stats), 100);
        cluster(broker).clear_request_errors(RDKafkaApiKey::Fetch);
        let stats = service.wait_until_polled(200).await;

        assert_eq!(polled(&stats), 200);
        assert_eq!(outcome(&stats, RecordOutcome::Stored), 200, "none lost, none twice");
        assert_eq!(service.description("after-99").await.as_deref(), Some("text"));
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn clients_that_are_recreated_again_and_again_leave_no_thread_and_no_memory_behind() {
    const RECREATIONS: i64 = 10;
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&events("before"));
        let settings = ["ingest.stall_timeout=1s", "ingest.threads=1"];
        let (running, endpoint) = serve_with_settings(broker, &topic, &settings);
        let caller = Caller::of(endpoint.trim_start_matches("http://").parse().unwrap());
        caller.wait_until_polled(100).await;
        let threads_before = running.thread_count();

        refuse_fetches(cluster(broker));
        topic.produce(&events("after"));
        let enough = |stats: &GetStatsResponse| {
            sum(stats, |each| each.client_recreated_count) >= RECREATIONS
        };
        let stats = caller.wait_for("new clients", enough).await;
        assert_eq!(caller.description("before-7").await.as_deref(), Some("text"));
        let client = |stats: &GetStatsResponse| {
            let types = &stats.memory.as_ref().unwrap().types;
            let found = types.iter().find(|each| each.r#type() == MemoryType::KafkaClient);
            found.unwrap().bytes
        };
        // What one client takes is far less.
        assert!(client(&stats) < 12 << 20, "{} bytes", client(&stats));

        cluster(broker).clear_request_errors(RDKafkaApiKey::Fetch);
        let stats = caller.wait_until_polled(200).await;
        assert_eq!(outcome(&stats, RecordOutcome::Stored), 200, "none lost, none twice");
        let start = Instant::now();
        while running.thread_count() > threads_before {
            assert!(start.elapsed() < PATIENCE, "{} threads", running.thread_count());
            tokio::task::yield_now().await;
        }
        assert_counters_add_up(&stats);
    });
}

fn events(name: &str) -> Vec<Message> {
    (0..100).map(|n| event(&format!("{name}-{n}"), "text")).collect()
}

/// Refuses fetches only. The broker answers all other requests, so it is known to be up and to
/// have more records.
fn refuse_fetches(cluster: &MockCluster<'_, impl ProducerContext>) {
    let broken = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN;
    cluster.request_errors(RDKafkaApiKey::Fetch, &[broken; 1_000]);
}

#[test]
fn a_partition_with_nothing_to_read_has_not_stalled() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let service = Service::ready(broker, &topic, &["ingest.stall_timeout=1s"]).await;
        topic.produce(&[event("a", "first")]);
        service.wait_until_polled(1).await;
        let later = |stats: &GetStatsResponse| {
            let uptime = stats.uptime.unwrap();
            Duration::try_from(uptime).unwrap() > Duration::from_secs(4)
        };
        let stats = service.wait_for("some time", later).await;
        assert_eq!(sum(&stats, |each| each.client_recreated_count), 0);
        service.stop().await;
    });
}

#[test]
fn an_open_transaction_is_no_stall() {
    broker::real(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &["ingest.stall_timeout=1s"]).await;
        let open = open_transaction(broker, &topic);
        topic.produce(&[event("a", "behind")]);
        let start = service.stats().await.uptime.unwrap().seconds;
        let later = |stats: &GetStatsResponse| stats.uptime.unwrap().seconds > start + 4;
        let stats = service.wait_for("some time", later).await;
        assert_eq!((sum(&stats, |each| each.client_recreated_count), polled(&stats)), (0, 0));

        open.abort_transaction(PATIENCE).unwrap();
        service.wait_until_polled(1).await;
        service.stop().await;
    });
}

#[test]
fn loading_progress_is_in_the_statistics_until_the_table_is_ready() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        topic.produce(&events("before"));
        refuse_fetches(cluster(broker));
        let service = Service::start(broker, &topic, &["ingest.start=earliest"]).await;
        let both = |stats: &GetStatsResponse| stats.partitions.len() == 2;
        let stats = service.wait_for("the partitions", both).await;
        let loading = stats.tables[0].loading.unwrap();
        assert_eq!((loading.done_records, loading.remaining_records), (0, 100));
        assert_eq!(loading.time_left, None);

        cluster(broker).clear_request_errors(RDKafkaApiKey::Fetch);
        let stats = service.wait_for("readiness", |stats| stats.ready).await;
        assert_eq!(stats.tables[0].loading, None);
        assert!(stats.partitions.iter().all(|partition| partition.loading.is_none()));
        service.stop().await;
    });
}

#[test]
fn loading_progress_and_its_estimated_time_are_logged() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&events("read"));
        topic.produce(&events("refused"));
        // One fetch returns one batch.
        let one = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR];
        let broken = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN; 1_000];
        cluster(broker).request_errors(RDKafkaApiKey::Fetch, &[&one[..], &broken].concat());
        let (_running, mut log) = serve_with_log(broker, &topic);
        let said = log.find(|line| line["message"] == "loading").expect("progress is logged");

        assert_eq!((&said["level"], &said["table"]), (&"INFO".into(), &"services".into()));
        let number = |name: &str| said[name].as_u64().unwrap_or_else(|| panic!("{name}: {said}"));
        let (done, remaining) = (number("done_records"), number("remaining_records"));
        assert!(done > 0 && remaining > 0 && done + remaining == 200, "{said}");
        assert!(number("records_per_second") > 0, "{said}");
        assert!(number("seconds_left") > 0, "{said}");
    });
}

/// After one refused fetch the client does not fetch the partition again for this long. It goes
/// on sending other requests, and gets answers.
const ONE_REFUSAL_STALLS: &str = "kafka.properties.fetch.error.backoff.ms=300000";

fn refuse_a_fetch(broker: &Broker) {
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN;
    cluster(broker).request_errors(RDKafkaApiKey::Fetch, &[refusal]);
}

#[test]
fn a_partition_that_is_no_longer_fetched_becomes_stale_though_the_broker_answers() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let settings = [
            ONE_REFUSAL_STALLS,
            "ingest.metadata_refresh=100ms",
            "ingest.threads=1",
            "ingest.stall_timeout=2s",
        ];
        let service = Service::ready(broker, &topic, &settings).await;
        // By a fetch. The client ignores an error in the one that first finds the end.
        wait_until_renewed(&service).await;
        refuse_a_fetch(broker);
        wait_until_stale_as(&service, |staleness| staleness > Duration::from_secs(5)).await;

        topic.produce(&[event("a", "after")]);
        let stats = service.wait_until_polled(1).await;
        assert_eq!(sum(&stats, |each| each.client_recreated_count), 1);
        wait_until_stale_as(&service, |staleness| staleness < Duration::from_secs(3)).await;
        service.stop().await;
    });
}

#[test]
fn a_stalled_partition_becomes_stale_though_others_are_fetched() {
    broker::in_process(async |broker| {
        let (stalled, other) = (broker.create_topic(1).await, broker.create_topic(1).await);
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        cluster(broker).topic_error(&other.name, unknown).unwrap();
        let mut settings = table(0, "services", &stalled.name);
        settings.extend(table(1, "others", &other.name));
        let more = ["ingest.start=earliest", "ingest.threads=1", "ingest.stall_timeout=8s"];
        settings.extend(more.into_iter().chain([ONE_REFUSAL_STALLS]).map(String::from));
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        service.wait_for("the partition", |stats| !stats.partitions.is_empty()).await;
        stalled.produce(&[event("a", "before")]);
        service.wait_until_polled(1).await;
        refuse_a_fetch(broker);
        wait_until_stale_as(&service, |staleness| staleness > Duration::from_secs(3)).await;

        // The client fetches the other partition, from the same broker.
        cluster(broker)
            .topic_error(&other.name, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
            .unwrap();
        other.produce(&[event("b", "other")]);
        service.wait_until_polled(2).await;
        wait_until_stale_as(&service, |staleness| staleness < Duration::from_secs(2)).await;
        stalled.produce(&[event("a", "after")]);
        wait_until_stale_as(&service, |staleness| staleness > Duration::from_secs(4)).await;
        let now = service.stats().await;
        assert_eq!(polled(&now), 2);
        assert_eq!(sum(&now, |each| each.lag_records), 1);

        service.wait_until_polled(3).await;
        wait_until_stale_as(&service, |staleness| staleness < Duration::from_secs(3)).await;
        service.stop().await;
    });
}
