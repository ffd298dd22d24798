//! Topic settings of a real broker: every compression and timestamp type is read correctly.

use millpond::proto::v1::RecordOutcome;

use crate::start::TWO_HOURS_MS;
use crate::stream::{event, now_ms};
use crate::support::broker::{self, Message};
use crate::support::service::{Service, assert_counters_add_up, outcome, table};

#[test]
fn records_of_every_compression_are_read() {
    broker::real(async |broker| {
        let (mut settings, mut topics) = (Vec::new(), Vec::new());
        for (index, codec) in ["gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
            // The broker compresses with this codec, however the producer sent the records.
            let topic = broker.create_topic_with(1, &[("compression.type", codec)]).await;
            settings.extend(table(index, codec, &topic.name));
            topics.push((codec, topic));
        }
        let service = Service::start_with(&broker.bootstrap(), &settings).await;
        service.wait_until_ready().await;
        let repetitive = "the same again and again, ".repeat(20);
        for (_, topic) in &topics {
            topic
                .produce(&(0..50).map(|n| event(&format!("{n}"), &repetitive)).collect::<Vec<_>>());
        }
        let stats = service.wait_until_polled(200).await;

        assert_eq!(outcome(&stats, RecordOutcome::Stored), 200);
        for (codec, _) in topics {
            let answer = service.try_get(codec, "49").await.unwrap();
            assert!(format!("{answer:?}").contains(&repetitive), "{codec}: {answer:?}");
        }
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}

#[test]
fn the_time_to_live_counts_from_the_append_time_if_the_topic_uses_it() {
    broker::real(async |broker| {
        let log_append_time = ("message.timestamp.type", "LogAppendTime");
        let topic = broker.create_topic_with(1, &[log_append_time]).await;
        let before_ms = now_ms();
        let old = Message { timestamp_ms: Some(before_ms - TWO_HOURS_MS), ..event("a", "old") };
        topic.produce(&[old]);
        let service = Service::start(broker, &topic, &[]).await;
        let stats = service.wait_for("readiness", |stats| stats.ready).await;

        assert_eq!(outcome(&stats, RecordOutcome::Stored), 1, "by its own time it is over");
        let record_time = service.entry("a").await.unwrap().origin.unwrap().record_time.unwrap();
        assert!(record_time.seconds >= before_ms / 1_000 - 1, "{record_time:?}");
        assert_counters_add_up(&stats);
        service.stop().await;
    });
}
