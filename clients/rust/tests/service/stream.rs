//! Many lookups on one stream.

use std::sync::Arc;

use millpond_client::v1::{ErrorReason, Freshness, GetRequest};
use tokio::task::JoinSet;

use crate::answers::{entry, get, name_of, reason, text};
use crate::control;
use crate::services::{alone, shared};

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_thousand_lookups_share_a_stream_and_fail_alone() {
    let (client, _shared) = shared().await;
    control::put("live", "rust-stream", r#"{"name": "here"}"#).await;
    let stream = Arc::new(client.lookup_stream());
    let mut lookups = JoinSet::new();
    for number in 0..1_000 {
        let table = if number == 500 { "nowhere" } else { "live" };
        let stream = Arc::clone(&stream);
        lookups.spawn(async move { (number, stream.get(get(table, "rust-stream")).await) });
    }
    for (number, answer) in lookups.join_all().await {
        match answer {
            Ok(response) => assert_eq!(name_of(&entry(response)), Some(&text("here"))),
            Err(status) => {
                assert_eq!((number, reason(&status)), (500, ErrorReason::TableNotFound));
            }
        }
    }
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn lookups_that_a_restart_leaves_unanswered_are_made_again() {
    let (client, _alone) = alone().await;
    let (partition, offset) = control::put("live", "rust-again", r#"{"name": "before"}"#).await;
    let stream = client.lookup_stream();
    // This one waits for a record that comes after the restart.
    let freshness = Some(Freshness::after([(partition, offset + 1)]));
    let request = GetRequest { freshness, ..get("live", "rust-again") };
    let restart = async {
        stream.get(get("live", "rust-again")).await.unwrap();
        control::order("restart").await;
        stream.get(get("live", "rust-again")).await.unwrap();
        control::put("live", "rust-again", r#"{"name": "after"}"#).await
    };
    let (answer, put) = tokio::join!(stream.get(request), restart);
    assert_eq!(put, (partition, offset + 1));
    assert_eq!(name_of(&entry(answer.unwrap())), Some(&text("after")));
}
