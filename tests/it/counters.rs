//! The counters add up at every moment, whatever the stream contains.

use millpond::proto::v1::{GetStatsResponse, RecordOutcome, RemovalCause};
use serde_json::json;

use crate::start::TWO_HOURS_MS;
use crate::stream::{event, now_ms};
use crate::support::broker::{Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up, outcome, polled};

on_each_broker!(the_counters_of_a_mixed_stream_add_up_at_every_moment);

/// The number of kinds of record in the stream.
const KINDS: usize = 8;

/// A record of the next kind in turn. There are few keys, so that records replace each other.
fn mixed(number: usize) -> Message {
    let id = format!("key-{}", number / KINDS % 500);
    let of = |id: &str, kind: &str, deleted: bool| {
        let text = "x".repeat(400);
        let document = json!({ "id": id, "kind": kind, "deleted": deleted, "description": text });
        Message { payload: Some(document.to_string().into()), ..event(id, "") }
    };
    match number % KINDS {
        0 => of(&id, "host", false),
        1 => Message { payload: Some("{".into()), ..event(&id, "") },
        3 if number.is_multiple_of(5) => {
            Message { timestamp_ms: Some(now_ms() - TWO_HOURS_MS), ..of(&id, "service", false) }
        }
        4 | 5 => of(&format!("other-{number}"), "service", false),
        // Right after a record of the same key, so that there is an entry to delete.
        7 if number.is_multiple_of(5) => of(&id, "service", true),
        7 if number.is_multiple_of(3) => Message { payload: None, ..event(&id, "") },
        _ => of(&id, "service", false),
    }
}

fn removed(stats: &GetStatsResponse, cause: RemovalCause) -> i64 {
    let found = stats.tables[0].removals.iter().find(|removal| removal.cause() == cause);
    found.expect("every cause is listed").count
}

async fn the_counters_of_a_mixed_stream_add_up_at_every_moment(broker: &Broker) {
    use RecordOutcome::{Deleted, ExpiredOnArrival, Filtered, Rejected, Replaced, Stored};
    const RECORDS: usize = 14_000;
    let topic = broker.create_topic(4).await;
    let settings = [
        "tables.0.capacity=1MiB",
        "tables.0.ttl=15s",
        "tables.0.only_when./kind=service",
        "tables.0.delete_when./deleted=true",
    ];
    let service = Service::ready(broker, &topic, &settings).await;
    let messages: Vec<_> = (0..RECORDS).map(mixed).collect();
    let producing = topic.clone();
    let feeding = tokio::task::spawn_blocking(move || {
        for some in messages.chunks(2_000) {
            producing.produce(some);
        }
    });
    let done = |stats: &GetStatsResponse| {
        assert_counters_add_up(stats);
        stats.tables[0].entry_count == 0 && polled(stats) == RECORDS as u64
    };
    let stats = service.wait_for("all to be read and to expire", done).await;
    feeding.await.unwrap();

    for each in [Stored, Replaced, Deleted, ExpiredOnArrival, Filtered, Rejected] {
        assert!(outcome(&stats, each) > 0, "{each:?}");
    }
    let causes = ["REPLACED", "DELETED", "EXPIRED", "EVICTED"];
    for cause in causes.map(|cause| format!("REMOVAL_CAUSE_{cause}")) {
        let cause = RemovalCause::from_str_name(&cause).unwrap();
        assert!(removed(&stats, cause) > 0, "{cause:?}");
    }
    service.stop().await;
}
