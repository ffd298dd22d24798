//! A system that gives few open files: connections leave some for the probes.

use millpond_acceptance::served::Served;

use crate::support::broker;
use crate::support::http2::{Http2, call};
use crate::support::service::{table, with_basics};

const OPEN_FILES: usize = 300;

#[test]
fn connections_leave_open_files_for_the_rest() {
    broker::block_on(async {
        let log = tempfile::tempdir().unwrap();
        let mut settings = table(0, "services", "events");
        settings.extend(["rpc.max_connections=1000", "rpc.max_streams=2000"].map(Into::into));
        let limited = format!("ulimit -n {OPEN_FILES}; exec \"$@\"");
        let shell = ["sh", "-c", &limited, "sh", env!("CARGO_BIN_EXE_millpond")];
        let program = shell.map(Into::into).into();
        let settings = with_basics("localhost:1", &settings);
        let mut served = Served::start(program, &settings, log.path().join("log")).unwrap();
        let rpc = served.rpc().parse().unwrap();
        let mut open = Vec::new();
        for _ in 0..2 * OPEN_FILES {
            open.push(Http2::silent(rpc).await);
        }
        let mut caller = Http2::connect(rpc).await;
        caller.send(&call(1, "/grpc.health.v1.Health/Check")).await;
        caller.flush().await;
        let lines = served.log_lines().unwrap();
        let warned = |line: &serde_json::Value| line["level"] == "WARN" && line["allowed"] == 150;
        assert!(lines.iter().any(warned), "{lines:?}");
        let is_refused =
            |line: &serde_json::Value| line["message"].to_string().contains("cannot accept");
        assert!(!lines.iter().any(is_refused), "{lines:?}");
        drop((open, caller));
        assert!(served.stop().unwrap().is_some_and(|status| status.success()));
    });
}
