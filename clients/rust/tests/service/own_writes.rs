//! A program reads its own writes.

use std::time::Duration;

use millpond_client::v1::value::Kind;
use millpond_client::v1::{Freshness, GetRequest};
use tonic::Code;

use crate::answers::{entry, fields, get};
use crate::control;
use crate::services::{connect, shared, until};

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_lookup_after_a_write_has_it() {
    let (client, _shared) = shared().await;
    for size in 0..20 {
        let document = format!(r#"{{"size": {size}}}"#);
        let written = control::produce("live", "rust-own", &document).await;
        let freshness = Some(Freshness::after([written]));
        let request = GetRequest { freshness, ..get("live", "rust-own") };
        let entry = entry(client.get(request).await.unwrap());
        assert_eq!(entry.fields, fields([("size", Kind::IntValue(size))]));
    }
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_lookup_after_a_write_that_does_not_arrive_ends_at_its_deadline() {
    let (_client, _shared) = shared().await;
    let hasty = connect(Duration::from_secs(1));
    until(async || hasty.get(get("live", "rust-own")).await.is_ok()).await;
    let freshness = Some(Freshness::after([(0, 1 << 40)]));
    let request = GetRequest { freshness, ..get("live", "rust-own") };
    let status = hasty.get(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}
