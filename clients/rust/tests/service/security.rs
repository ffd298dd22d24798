//! TLS, and who may call.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use millpond_client::v1::ErrorReason;
use millpond_client::{ConnectError, ConnectOptions};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::answers::{get, reason};
use crate::control;
use crate::relay::Relay;
use crate::services::{PATIENCE, until, variable};

/// How to connect by TLS to a port of this machine: `localhost:PORT`.
pub(crate) fn secure(endpoint: &str, timeout: Duration) -> ConnectOptions {
    ConnectOptions::new(format!("https://{endpoint}"), timeout).ca(variable("MILLPOND_TEST_CA"))
}

/// The file with the token of a caller that may do all.
pub(crate) fn token() -> PathBuf {
    variable("MILLPOND_TEST_TOKEN_FILE").into()
}

fn service() -> ConnectOptions {
    secure(&variable("MILLPOND_TEST_TLS_ENDPOINT"), PATIENCE)
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_call_without_the_token_is_refused() {
    let client = service().connect().await.unwrap();
    let status = client.get(get("live", "rust-any")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), ErrorReason::Unauthenticated);
    let client = service().token_file(token()).connect().await.unwrap();
    client.get(get("live", "rust-any")).await.unwrap();
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_token_file_that_is_replaced_counts_for_later_calls() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "wrong\n").unwrap();
    let client = service().token_file(&file).connect().await.unwrap();
    let status = client.get(get("live", "rust-any")).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::Unauthenticated);
    fs::copy(token(), &file).unwrap();
    until(async || client.get(get("live", "rust-any")).await.is_ok()).await;
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_call_that_is_shed_says_when_to_try_again() {
    let token = variable("MILLPOND_TEST_SHED_TOKEN_FILE");
    let client = service().token_file(token).connect().await.unwrap();
    for _ in 0..100 {
        if let Err(status) = client.get(get("live", "rust-any")).await {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            assert_eq!(reason(&status), ErrorReason::ShareExhausted);
            let retry = status.get_details_retry_info().expect("when to try again");
            assert!(retry.retry_delay.is_some_and(|delay| !delay.is_zero()), "{retry:?}");
            return;
        }
    }
    panic!("no call was shed");
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn certificates_that_are_rotated_count_for_the_next_connection() {
    let relay = Relay::to(variable("MILLPOND_TEST_TLS_ENDPOINT")).await;
    let endpoint = format!("localhost:{}", relay.address.port());
    let files = ["CERTIFICATE", "KEY"].map(|name| variable(&format!("MILLPOND_TEST_{name}")));
    let [certificate, key] = files;
    let options = secure(&endpoint, PATIENCE).certificate(certificate, key);
    let client = options.connect().await.unwrap();
    client.get(get("live", "rust-any")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let former = folder.path().join("former.crt");
    fs::copy(variable("MILLPOND_TEST_CA"), &former).unwrap();

    control::order("rotate").await;
    relay.cut();
    client.get(get("live", "rust-any")).await.unwrap();
    let refused = service().ca(former).connect().await.unwrap_err();
    assert!(matches!(refused, ConnectError::Tls { .. }), "{refused}");
}
