//! The entries of a table.

use std::collections::BTreeMap;

use millpond_client::Client;
use millpond_client::v1::{Entry, Freshness, ScanRequest};
use tonic::Code;

use crate::answers::{fields, text};
use crate::control;
use crate::services::{alone, shared};

fn scan(prefix: &str) -> ScanRequest {
    ScanRequest { table: "live".into(), prefix: prefix.into(), ..ScanRequest::default() }
}

/// The entries of a scan, by their keys. Each may come once.
async fn entries(client: &Client, request: ScanRequest) -> BTreeMap<String, Entry> {
    let (mut scan, mut entries) = (client.scan(request), BTreeMap::new());
    while let Some(response) = scan.next().await.unwrap() {
        for entry in response.entries {
            let twice = entries.insert(entry.key.clone(), entry);
            assert_eq!(twice, None, "it came twice");
        }
    }
    entries
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_scan_sends_each_entry_once() {
    let (client, _shared) = shared().await;
    let filled = control::fill("live", "rust-scan", 500, r#"{"name": "n", "size": 1}"#).await;
    control::put("live", "rust-other", "{}").await;
    let freshness = Some(Freshness { require_ready: true, ..Freshness::default() });
    let all = entries(&client, ScanRequest { freshness, ..scan("") }).await;
    assert!(filled.iter().all(|key| all.contains_key(key)) && all.contains_key("rust-other"));
    let names = ScanRequest { fields: vec!["name".into()], ..scan("rust-scan-") };
    let some = entries(&client, names).await;
    assert!(some.keys().eq(&filled));
    assert_eq!(some[&filled[0]].fields, fields([("name", text("n"))]));
    let few = ScanRequest { limit: 7, ..scan("rust-scan-") };
    assert_eq!(entries(&client, few).await.len(), 7);
    assert!(entries(&client, scan("rust-nothing-")).await.is_empty());
}

#[tokio::test]
#[ignore = "it needs services, so test.sh runs it"]
async fn a_scan_that_a_restart_cuts_off_says_so() {
    let (client, _alone) = alone().await;
    // More than the connection holds, so the scan is not over when the service restarts.
    let document = format!(r#"{{"data": "{}"}}"#, "x".repeat(10_000));
    control::fill("live", "rust-cut", 600, &document).await;
    let mut scan = client.scan(scan("rust-cut-"));
    assert!(scan.next().await.unwrap().is_some());
    control::order("restart").await;
    let status = loop {
        match scan.next().await {
            Ok(response) => assert!(response.is_some(), "the scan was not cut off"),
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("begin the scan anew"), "{status:?}");
}
