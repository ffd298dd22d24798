//! Calls to all instances behind a name.

use std::time::Duration;

use tonic::Code;

use crate::answers::{entry, get, name_of, text};
use crate::control;
use crate::security::{secure, token};
use crate::services::{PATIENCE, alone, options, shared, until, variable};

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn no_lookup_fails_or_misses_while_an_instance_restarts() {
    let (client, _alone) = alone().await;
    control::put("live", "rust-balanced", r#"{"name": "here"}"#).await;
    let restart = tokio::spawn(control::order("restart"));
    until(async || {
        let response = client.get(get("live", "rust-balanced")).await.unwrap();
        assert_eq!(name_of(&entry(response)), Some(&text("here")));
        restart.is_finished()
    })
    .await;
    restart.await.unwrap();
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn calls_in_turn_go_by_tls_with_the_token() {
    let (_client, _shared) = shared().await;
    control::put("live", "rust-in-turn", r#"{"name": "here"}"#).await;
    let client = secure(&variable("MILLPOND_TEST_TLS_ENDPOINT"), PATIENCE).token_file(token());
    let client = client.connect_balanced().unwrap();
    for _ in 0..20 {
        let response = client.get(get("live", "rust-in-turn")).await.unwrap();
        assert_eq!(name_of(&entry(response)), Some(&text("here")));
    }
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn an_instance_that_is_not_ready_gets_no_calls_and_an_error_says_so() {
    let options = options("MILLPOND_TEST_LOADING", Duration::from_secs(2));
    let client = options.connect_balanced().unwrap();
    let status = client.get(get("live", "rust-any")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let why = format!("{}: it is not ready", variable("MILLPOND_TEST_LOADING"));
    assert!(status.message().contains(&why), "{status:?}");
}
