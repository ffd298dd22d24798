//! The first and the last line of the log.

use std::ffi::OsString;
use std::net::TcpListener;
use std::process::Command;
use std::time::Instant;

use millpond_acceptance::served::Served;
use serde_json::Value;

use crate::command::{millpond, settings, text};
use crate::stream::event;
use crate::support::broker::{self, Message};
use crate::support::caller::Caller;
use crate::support::service::{PATIENCE, table, with_basics};

fn serve(settings: &[String]) -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = vec![OsString::from(env!("CARGO_BIN_EXE_millpond"))];
    let served = Served::start(program, settings, folder.path().join("log")).unwrap();
    (served, folder)
}

fn line(served: &Served, message: &str) -> Option<Value> {
    served.log_lines().unwrap().into_iter().find(|line| line["message"] == message)
}

fn send(served: &Served, signal: &str) {
    let id = served.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
}

async fn wait_for_end(served: &mut Served) {
    let start = Instant::now();
    while served.ended().unwrap().is_none() {
        assert!(start.elapsed() < PATIENCE, "it does not end");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[test]
fn the_first_line_says_what_runs_and_the_last_line_why_it_ended_and_what_it_did() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let broken = Message { payload: Some("{".into()), ..event("a", "") };
        let gone = Message { payload: None, ..event("b", "") };
        topic.produce(&[event("a", "1"), event("b", "2"), event("a", "3"), broken, gone]);
        let mut all = with_basics(&broker.bootstrap(), &table(0, "services", &topic.name));
        all.push("ingest.start=earliest".into());
        let (mut served, _folder) = serve(&all);
        let caller = Caller::of(served.rpc().parse().unwrap());
        caller.wait_until_polled(5).await;
        assert_eq!(caller.description("a").await.as_deref(), Some("3"));
        caller.miss("b").await;
        let digest = caller.stats().await.config_digest;
        send(&served, "TERM");
        wait_for_end(&mut served).await;

        let lines = served.log_lines().unwrap();
        assert_first_line(&lines[0], &digest);
        assert_last_line(lines.last().unwrap());
    });
}

fn assert_first_line(first: &Value, digest: &str) {
    assert_eq!(first["message"], "starting", "{first}");
    assert_eq!(first["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(first["digest"], digest);
    assert_eq!(first["limit_bytes"], 1 << 30);
    let budget = first["budget"].as_str().unwrap();
    assert!(budget.contains("rpc.pool") && budget.contains("16.0 MiB table services"), "{first}");
}

fn assert_last_line(last: &Value) {
    assert_eq!((&last["message"], &last["level"]), (&"ended".into(), &"INFO".into()), "{last}");
    assert_eq!(last["why"], "asked by SIGTERM");
    for (name, count) in [
        ("polled", 5),
        ("stored", 2),
        ("replaced", 1),
        ("deleted", 1),
        ("rejected", 1),
        ("superseded", 0),
        ("entries", 1),
        ("hits", 1),
        ("misses", 1),
    ] {
        assert_eq!(last[name], count, "{name}: {last}");
    }
}

#[test]
fn a_second_signal_has_a_last_line_too() {
    broker::block_on(async {
        let mut all = with_basics("localhost:1", &table(0, "services", "events"));
        all.extend(["shutdown.delay=50m".to_owned(), "shutdown.deadline=1h".into()]);
        let (mut served, _folder) = serve(&all);
        send(&served, "TERM");
        let start = Instant::now();
        while line(&served, "not serving").is_none() {
            assert!(start.elapsed() < PATIENCE, "it does not shut down");
            tokio::task::yield_now().await;
        }
        send(&served, "INT");
        wait_for_end(&mut served).await;
        let lines = served.log_lines().unwrap();
        let last = lines.last().unwrap();
        assert_eq!((&last["message"], &last["level"]), (&"ended".into(), &"WARN".into()), "{last}");
        assert_eq!((&last["why"], &last["polled"]), (&"asked again by SIGINT".into(), &0.into()));
    });
}

#[test]
fn a_service_that_cannot_start_says_why_in_its_last_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut all = with_basics("localhost:1", &table(0, "services", "events"));
    all.push(format!("rpc.listen={address}"));
    let served = millpond().arg("serve").args(settings(&all)).output().unwrap();
    assert_eq!(served.status.code(), Some(78), "{served:?}");
    let said = text(&served.stderr);
    let mut lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let last = lines.next_back().unwrap();
    assert_eq!(
        (&last["message"], &last["level"]),
        (&"ended before it served".into(), &"ERROR".into())
    );
    assert!(last["why"].as_str().unwrap().contains(&address), "{last}");
}
