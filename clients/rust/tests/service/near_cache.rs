//! Copies in this process.

use std::time::Duration;

use millpond_client::v1::MissReason;
use millpond_client::v1::lookup_result::Outcome;
use millpond_client::{Client, NearAnswer, NearCache, NearCacheOptions};

use crate::answers::position;
use crate::control::{self, Position};
use crate::services::{PATIENCE, alone, shared, until};

/// What an answer says: where an entry's record is, or the reason of a miss.
fn said(answer: &NearAnswer) -> Result<Position, MissReason> {
    match answer.result.outcome.as_ref().unwrap() {
        Outcome::Entry(entry) => Ok(position(entry.origin)),
        Outcome::Miss(miss) => Err(miss.reason()),
    }
}

/// A near cache whose watch has told how far it is.
async fn open(client: &Client, prefix: &str) -> NearCache {
    let options = NearCacheOptions::new("live").prefix(prefix);
    let options = options.progress_interval(Duration::from_millis(100));
    let near = NearCache::open(client, options).await.unwrap();
    until(async || near.stats().staleness.is_some()).await;
    near
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_copy_follows_a_put_and_a_delete_and_the_service_is_not_asked_again() {
    let (client, _shared) = shared().await;
    let key = "rust-near";
    let put = control::put("live", key, "{}").await;
    let near = open(&client, key).await;
    for is_near in [false, true] {
        let answer = near.get(key).await.unwrap();
        assert_eq!((said(&answer), answer.is_near), (Ok(put), is_near));
        assert!(answer.staleness.unwrap() < PATIENCE, "{answer:?}");
    }
    let put = control::put("live", key, "{}").await;
    until(async || said(&near.get(key).await.unwrap()) == Ok(put)).await;
    control::delete("live", key).await;
    until(async || said(&near.get(key).await.unwrap()) == Err(MissReason::Deleted)).await;
    assert_eq!(near.stats().fetch_count, 1);
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_near_cache_answers_over_a_restart_and_follows_the_table_again() {
    let (client, _alone) = alone().await;
    let key = "rust-near-restart";
    let put = control::put("live", key, "{}").await;
    let near = open(&client, key).await;
    let restart = tokio::spawn(control::order("restart"));
    until(async || {
        assert_eq!(said(&near.get(key).await.unwrap()), Ok(put));
        restart.is_finished()
    })
    .await;
    restart.await.unwrap();
    // The watch knows this one only once it has begun anew.
    let put = control::put("live", key, "{}").await;
    until(async || said(&near.get(key).await.unwrap()) == Ok(put)).await;
    until(async || near.get(key).await.unwrap().is_near).await;
    let fetches = near.stats().fetch_count;
    let put = control::put("live", key, "{}").await;
    until(async || said(&near.get(key).await.unwrap()) == Ok(put)).await;
    assert_eq!(near.stats().fetch_count, fetches);
}
