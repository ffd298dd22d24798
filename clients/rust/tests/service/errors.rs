//! Calls that fail, and how a program tells why.

use std::time::Duration;

use millpond_client::v1::ErrorReason;
use tokio::time::timeout;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::answers::{get, reason};
use crate::control;
use crate::services::{PATIENCE, alone, connect, shared, until};

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn an_error_has_a_reason_for_programs_and_words_for_people() {
    let (client, _shared) = shared().await;
    let status = client.get(get("nowhere", "rust-any")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::NotFound, ErrorReason::TableNotFound));
    assert!(status.message().contains("nowhere"), "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["table"], "nowhere");
    assert!(!details.request_info().unwrap().request_id.is_empty());
    assert!(details.retry_info().is_none());
    let status = client.get(get("live", "")).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::InvalidRequest);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations.into_iter().map(|each| each.field).collect::<Vec<_>>(), ["key"]);
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_service_that_stands_still_is_given_up_at_the_deadline() {
    let (_client, _alone) = alone().await;
    let hasty = connect(Duration::from_millis(300));
    let stream = hasty.lookup_stream();
    let request = || get("live", "rust-any");
    // Connecting may take longer than that.
    until(async || hasty.get(request()).await.is_ok()).await;
    until(async || stream.get(request()).await.is_ok()).await;
    control::order("pause").await;
    // The service stands still a moment after it was told so.
    let by_call = fails(async || hasty.get(request()).await.map(drop)).await;
    let by_stream = fails(async || stream.get(request()).await.map(drop)).await;
    control::order("continue").await;
    for status in [by_call, by_stream] {
        assert_eq!(status.expect("no deadline").code(), Code::DeadlineExceeded);
    }
}

/// Calls until a call fails. None if all succeed.
async fn fails(call: impl AsyncFn() -> Result<(), Status>) -> Option<Status> {
    let failure = async {
        loop {
            if let Err(status) = call().await {
                return status;
            }
        }
    };
    timeout(PATIENCE, failure).await.ok()
}
