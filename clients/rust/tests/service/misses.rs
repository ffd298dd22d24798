//! Why there is no entry.

use millpond_client::Client;
use millpond_client::v1::lookup_result::Outcome;
use millpond_client::v1::{BatchGetRequest, ErrorReason, Freshness, GetRequest, Miss, MissReason};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::answers::{get, miss, offset, outcome, reason};
use crate::control;
use crate::services::{PATIENCE, options, shared, until};

/// Waits until a key misses, and returns the miss.
async fn missed(client: &Client, table: &str, key: &str) -> Miss {
    let look = async || client.get(get(table, key)).await.unwrap();
    until(async || matches!(outcome(look().await), Outcome::Miss(_))).await;
    miss(look().await)
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_miss_says_whether_there_ever_was_an_entry() {
    let (client, _shared) = shared().await;
    let never = missed(&client, "live", "rust-never").await;
    assert_eq!((never.reason(), never.deleted_by), (MissReason::NeverSeen, None));
    control::put("live", "rust-deleted", "{}").await;
    let tombstone = control::delete("live", "rust-deleted").await;
    let deleted = missed(&client, "live", "rust-deleted").await;
    assert_eq!(deleted.reason(), MissReason::Deleted);
    assert_eq!(deleted.deleted_by, Some(offset(tombstone)));
    control::put("brief", "rust-expired", "{}").await;
    let expired = missed(&client, "brief", "rust-expired").await;
    assert_eq!((expired.reason(), expired.time.is_some()), (MissReason::Expired, true));
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_miss_says_that_the_table_was_full() {
    let (client, _shared) = shared().await;
    // 2 MB, and the table takes half of it.
    let document = format!(r#"{{"data": "{}"}}"#, "x".repeat(10_000));
    let keys = control::fill("small", "rust-small", 200, &document).await;
    let (table, fields) = ("small".into(), vec!["name".into()]);
    let request = BatchGetRequest { table, keys, fields, ..BatchGetRequest::default() };
    let results = client.batch_get_all(request).await.unwrap().results;
    let is_evicted = |outcome: Outcome| match outcome {
        Outcome::Miss(miss) => miss.reason() == MissReason::Evicted,
        Outcome::Entry(_) => false,
    };
    assert!(results.into_iter().filter_map(|result| result.outcome).any(is_evicted));
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_table_that_is_loading_says_so() {
    let client = options("MILLPOND_TEST_LOADING", PATIENCE).connect().await.unwrap();
    let response = client.get(get("live", "rust-any")).await.unwrap();
    let as_of = response.as_of.unwrap();
    assert_eq!((as_of.ready, as_of.staleness), (false, None));
    assert_eq!(miss(response).reason(), MissReason::Loading);
    let freshness = Some(Freshness { require_ready: true, ..Freshness::default() });
    let request = GetRequest { freshness, ..get("live", "rust-any") };
    let status = client.get(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, ErrorReason::TableLoading));
    let retry = status.get_details_retry_info().expect("when to try again");
    assert!(retry.retry_delay.is_some_and(|delay| !delay.is_zero()), "{retry:?}");
}
