//! The near cache of the Rust client: copies that follow a table.

use std::time::Duration;

use millpond::proto::v1::MissReason;
use millpond::proto::v1::lookup_result::Outcome;
use millpond_client::{Client, NearAnswer, NearCache, NearCacheOptions};
use tokio::time::timeout;
use tonic::Code;

use crate::rust_client::HOME;
use crate::stream::event;
use crate::support::broker::{self, Message};
use crate::support::service::{PATIENCE, Service};

/// What an answer says: the offset of an entry's record, or the reason of a miss.
fn said(answer: &NearAnswer) -> Result<i64, MissReason> {
    match answer.result.outcome.as_ref().unwrap() {
        Outcome::Entry(entry) => Ok(entry.origin.as_ref().unwrap().offset),
        Outcome::Miss(miss) => Err(miss.reason()),
    }
}

async fn open(service: &Service, options: NearCacheOptions) -> NearCache {
    let client = Client::connect_lazy(&format!("http://{}", service.rpc), PATIENCE).unwrap();
    let options = options.progress_interval(Duration::from_millis(100));
    let near = NearCache::open(&client, options).await.unwrap();
    until(async || near.stats().staleness.is_some()).await;
    near
}

/// Waits until this holds.
async fn until(holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it should hold in time");
}

/// Looks up a key until its copy says this. The service is not asked meanwhile.
async fn follows(near: &NearCache, key: &str, expected: Result<i64, MissReason>) {
    let fetches = near.stats().fetch_count;
    until(async || said(&near.get(key).await.unwrap()) == expected).await;
    assert_eq!(near.stats().fetch_count, fetches, "{key} was fetched again");
}

#[test]
fn what_was_looked_up_once_follows_the_stream() {
    broker::in_process(async |broker| {
        for store in ["moka", "compact"] {
            let topic = broker.create_topic(1).await;
            topic.produce(&[event("a", "text"), event("b", "text")]);
            let store = format!("tables.0.store={store}");
            let settings = ["ingest.start=earliest", "tables.0.ttl=3s", &store];
            let service = Service::ready(broker, &topic, &settings).await;
            service.wait_until_polled(2).await;
            let near = open(&service, NearCacheOptions::new("services")).await;
            for (key, expected) in [("a", Ok(0)), ("none", Err(MissReason::NeverSeen))] {
                for is_near in [false, true] {
                    let answer = near.get(key).await.unwrap();
                    assert_eq!((said(&answer), answer.is_near), (expected, is_near), "{key}");
                    assert!(answer.staleness.unwrap() < PATIENCE);
                }
            }
            let tombstone = Message { payload: None, ..event("a", "") };
            topic.produce(&[event("a", "new"), event("none", "new"), tombstone]);
            follows(&near, "none", Ok(3)).await;
            follows(&near, "a", Err(MissReason::Deleted)).await;
            let expired = async || said(&near.get("none").await.unwrap()).is_err();
            until(expired).await;
            let held = near.stats();
            assert!(held.hit_count > 0 && held.held_keys > 0 && held.held_bytes > 0, "{held:?}");
            service.stop().await;
        }
    });
}

#[test]
fn copies_outlive_a_restart_as_long_as_nobody_knows_better() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "text")]);
        let settings = ["ingest.start=earliest", &format!("rpc.listen={HOME}:0")];
        let service = Service::ready(broker, &topic, &settings).await;
        service.wait_until_polled(1).await;
        let near = open(&service, NearCacheOptions::new("services")).await;
        let fetched = near.get("a").await.unwrap();
        let listen = format!("rpc.listen={}", service.rpc);
        service.stop().await;
        let older = near.get("a").await.unwrap();
        assert!(older.is_near && said(&older) == Ok(0) && older.staleness > fetched.staleness);
        topic.produce(&[event("a", "changed while nobody watched")]);
        let settings = ["ingest.start=earliest", &listen];
        let service = Service::ready(broker, &topic, &settings).await;
        service.wait_until_polled(2).await;
        until(async || said(&near.get("a").await.unwrap()) == Ok(1)).await;
        drop(near);
        service.stop().await;
    });
}

#[test]
fn only_keys_and_fields_that_are_watched_are_looked_up() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "text"), event("b", "text")]);
        let settings = ["ingest.start=earliest", "tables.0.fields.noise=/noise"];
        let service = Service::ready(broker, &topic, &settings).await;
        service.wait_until_polled(2).await;
        let options = NearCacheOptions::new("services").prefix("a").fields(["noise"]);
        let near = open(&service, options).await;
        let refused = near.get("b").await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let fields_of_a = async || match &near.get("a").await.unwrap().result.outcome {
            Some(Outcome::Entry(entry)) => entry.fields.keys().cloned().collect::<Vec<_>>(),
            outcome => panic!("{outcome:?}"),
        };
        assert_eq!(fields_of_a().await, ["noise"]);
        topic.produce(&[event("b", "new"), event("a", "new")]);
        follows(&near, "a", Ok(3)).await;
        assert_eq!(fields_of_a().await, ["noise"]);
        let strict = NearCacheOptions::new("services").max_staleness(Duration::from_secs(3_600));
        let strict = open(&service, strict).await;
        assert!(!strict.get("b").await.unwrap().is_near);
        assert!(strict.get("b").await.unwrap().is_near);
        service.stop().await;
    });
}
