//! The signals that stop a process, and what its log says of what did not finish.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use millpond_acceptance::served::Served;
use serde_json::Value;

use crate::support::broker;
use crate::support::http2::{Http2, headers};
use crate::support::service::{PATIENCE, table, with_basics};

/// Starts a process that reaches no broker.
fn start(log: &tempfile::TempDir, settings: &[&str]) -> Served {
    let mut all = table(0, "services", "events");
    all.extend(settings.iter().map(ToString::to_string));
    let program = vec![env!("CARGO_BIN_EXE_millpond").into()];
    Served::start(program, &with_basics("localhost:1", &all), log.path().join("log")).unwrap()
}

fn send(served: &Served, signal: &str) {
    let id = served.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
}

/// Waits for a line of the log with this message.
async fn logged(served: &Served, message: &str) -> Value {
    wait_for(message, || {
        let lines = served.log_lines().unwrap();
        lines.into_iter().find(|line| line["message"] == message)
    })
    .await
}

async fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    broker::block_on(async {
        for (signal, code) in [("TERM", 143), ("INT", 130)] {
            let log = tempfile::tempdir().unwrap();
            let settings = ["shutdown.delay=50m", "shutdown.deadline=1h"];
            let mut served = start(&log, &settings);
            send(&served, "TERM");
            logged(&served, "not serving").await;
            send(&served, signal);
            let status = wait_for("the end", || served.ended().unwrap()).await;
            assert_eq!((status.code(), status.signal()), (Some(code), None));
        }
    });
}

#[test]
fn a_call_that_does_not_finish_by_the_deadline_is_named() {
    broker::block_on(async {
        let log = tempfile::tempdir().unwrap();
        let mut served = start(&log, &["shutdown.deadline=100ms"]);
        let mut caller = Http2::connect(served.rpc().parse().unwrap()).await;
        let method = "/millpond.v1.LookupService/BatchGet";
        caller.send(&headers(1, method)).await;
        caller.flush().await;
        send(&served, "TERM");
        let status = wait_for("the end", || served.ended().unwrap()).await;
        assert!(status.success(), "{status}");
        let named = logged(&served, "a call did not finish").await;
        assert_eq!(named["method"], method);
        assert_eq!(named["peer"], caller.local_addr().to_string());
        assert!(named["age_seconds"].as_f64().is_some(), "{named}");
    });
}
