//! The command line: exit codes, messages and signals.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::stream::event;
use crate::support::broker::{self, Broker, Topic, on_each_broker};
use crate::support::service::{PATIENCE, Service, table, with_basics};

on_each_broker!(serve_answers_and_exits_with_success_on_sigterm);

pub(crate) fn millpond() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millpond"));
    command.env_clear();
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    millpond().args(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running process. It is killed on drop, however the test ends.
pub(crate) struct Running(Child);

impl Running {
    /// How many threads it has.
    pub(crate) fn thread_count(&self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.0.id())).unwrap().count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn settings(all: &[String]) -> Vec<String> {
    all.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]).collect()
}

/// `millpond serve` on a topic, and its endpoint. Its log is not read any further.
pub(crate) fn serve(broker: &Broker, topic: &Topic) -> (Running, String) {
    serve_with_settings(broker, topic, &[])
}

/// The same, with settings over the others.
pub(crate) fn serve_with_settings(
    broker: &Broker,
    topic: &Topic,
    more: &[&str],
) -> (Running, String) {
    let (child, mut log) = serve_process(broker, topic, more);
    let listening = log.find(|line| line["message"] == "listening").expect("it listens");
    (child, format!("http://{}", listening["rpc"].as_str().unwrap()))
}

/// `millpond serve` on a topic, and its log, line by line.
pub(crate) fn serve_with_log(
    broker: &Broker,
    topic: &Topic,
) -> (Running, impl Iterator<Item = Value> + use<>) {
    serve_process(broker, topic, &[])
}

fn serve_process(
    broker: &Broker,
    topic: &Topic,
    more: &[&str],
) -> (Running, impl Iterator<Item = Value> + use<>) {
    let mut all = with_basics(&broker.bootstrap(), &table(0, "services", &topic.name));
    all.push("ingest.start=earliest".into());
    all.extend(more.iter().map(ToString::to_string));
    let mut command = millpond();
    let child = command.arg("serve").args(settings(&all)).stderr(Stdio::piped()).spawn();
    let mut child = Running(child.unwrap());
    let lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    (child, lines.map(|line| serde_json::from_str(&line.unwrap()).expect("the log is JSON")))
}

/// The answer for the key `a`, once the table is ready.
pub(crate) fn answer_when_ready(endpoint: &str) -> Value {
    let start = Instant::now();
    loop {
        let answer = run(&["get", "services", "a", "--endpoint", endpoint, "--output", "json"]);
        let json: Value = serde_json::from_slice(&answer.stdout).expect("one JSON document");
        if json["asOf"]["ready"] == true {
            return json;
        }
        assert!(start.elapsed() < PATIENCE, "it did not get ready: {json}");
    }
}

async fn serve_answers_and_exits_with_success_on_sigterm(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    topic.produce(&[event("a", "first")]);
    let (mut child, endpoint) = serve(broker, &topic);
    let answer = answer_when_ready(&endpoint);
    assert_eq!(answer["result"]["entry"]["fields"]["description"]["stringValue"], "first");
    assert_eq!(answer["result"]["entry"]["origin"]["offset"], "0");
    let shown = run(&["get", "services", "a", "nobody", "--endpoint", &endpoint]);
    assert!(text(&shown.stdout).contains("description = \"first\""), "{shown:?}");
    assert!(text(&shown.stdout).contains("never seen"), "{shown:?}");
    assert!(text(&shown.stdout).contains("known complete"), "{shown:?}");
    let demanding = ["--require-ready", "--max-staleness", "1h", "--min-position", "0:0"];
    let get = ["get", "services", "a", "--endpoint", &endpoint];
    let shown = run(&[&get[..], &demanding].concat());
    assert_eq!(shown.status.code(), Some(0), "{shown:?}");
    let shown = run(&[&get[..], &["--max-staleness", "0s"]].concat());
    assert_eq!(shown.status.code(), Some(75), "{shown:?}");
    assert!(text(&shown.stderr).contains("known to be complete"), "{shown:?}");
    let shown = run(&[&get[..], &["--min-position", "0:99", "--timeout", "1s"]].concat());
    assert_eq!(shown.status.code(), Some(75), "{shown:?}");
    assert!(text(&shown.stderr).contains("it is at 0:1"), "{shown:?}");
    let stats = run(&["stats", "--endpoint", &endpoint, "--output", "json"]);
    let stats: Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(stats["tables"][0]["entryCount"], "1");
    assert!(text(&run(&["stats", "--endpoint", &endpoint]).stdout).contains("1 entries"));
    let rejections = run(&["rejections", "--endpoint", &endpoint]);
    assert_eq!(text(&rejections.stdout).trim(), "none");
    let unknown = run(&["get", "typo", "a", "--endpoint", &endpoint]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");

    signal(&child, "TERM");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

fn signal(child: &Running, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.0.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_demo_with_a_duration_ends_with_every_record_accounted_for() {
    let demo = run(&[
        "demo",
        "--for",
        "2s",
        "--rate",
        "500",
        "--rpc-listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    let shown = text(&demo.stdout);
    assert!(demo.status.success(), "{demo:?}");
    assert!(shown.contains("millpond get services svc-00042"), "{shown}");
    assert!(shown.contains(", 0 missing"), "{shown}");
}

#[test]
fn an_interrupted_demo_exits_with_success() {
    let child = millpond()
        .args(["demo", "--rpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn();
    let mut child = Running(child.unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains("1 s")), "it never got going");
    signal(&child, "INT");
    assert!(lines.any(|line| line.unwrap().contains("kept")), "there was no summary");
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let demo = run(&["demo", "--for", "1s", "--rpc-listen", &address]);
    let said = text(&demo.stderr);
    assert_eq!(demo.status.code(), Some(78), "{said}");
    assert!(said.contains(&address) && said.contains("rpc.listen"), "{said}");
}

#[test]
fn a_bad_configuration_exits_with_78_and_lists_all_its_faults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("millpond.toml");
    fs::write(&file, "[kafka]\nbrokrs = \"a:1\"\n[rpc]\nlisten = 7\n").unwrap();
    for verb in ["check", "serve"] {
        let checked = run(&[verb, "--config", file.to_str().unwrap()]);
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(78), "{said}");
        for fault in ["kafka.brokrs", "kafka.brokers", "rpc.listen", "tables", "millpond.toml:2"] {
            assert!(said.contains(fault), "{fault} is not in:\n{said}");
        }
    }
}

#[test]
fn check_prints_the_effective_configuration_with_secrets_hidden() {
    let all = with_basics("localhost:9092", &table(0, "services", "events"));
    let checked = millpond()
        .arg("check")
        .args(settings(&all))
        .env("MILLPOND_KAFKA__PROPERTIES__SASL_PASSWORD", "hush-hush")
        .output()
        .unwrap();
    let shown = text(&checked.stdout);
    assert!(checked.status.success(), "{checked:?}");
    assert!(shown.contains("fetch_buffer = \"auto\""), "defaults are shown: {shown}");
    assert!(shown.contains("sasl.password") && !shown.contains("hush-hush"), "{shown}");
    assert!(shown.contains("for tables"), "{shown}");
}

#[test]
fn check_shows_what_librdkafka_warns_of() {
    let mut all = with_basics("localhost:9092", &table(0, "services", "events"));
    all.push("kafka.properties.enable.idempotence=true".into());
    let checked = millpond().arg("check").args(settings(&all)).output().unwrap();
    let shown = text(&checked.stdout);
    assert!(checked.status.success(), "{checked:?}");
    assert!(shown.contains("# - Configuration property enable.idempotence"), "{shown}");
    let again: toml::Table = shown.parse().unwrap();
    assert!(again.contains_key("kafka"), "what it prints can be loaded again");
}

#[test]
fn a_configuration_that_librdkafka_refuses_is_exit_78() {
    let mut all = with_basics("localhost:9092", &table(0, "services", "events"));
    all.push("kafka.properties.security.protocol=carrier-pigeon".into());
    let checked = millpond().arg("check").args(settings(&all)).output().unwrap();
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(78));
    assert!(said.contains("security.protocol") && !said.contains("carrier-pigeon"), "{said}");
}

#[test]
fn an_unreachable_service_is_exit_69_and_bad_usage_is_exit_2() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let asked = run(&["get", "services", "a", "--endpoint", &format!("http://{free}")]);
    assert_eq!(asked.status.code(), Some(69));
    assert!(text(&asked.stderr).contains("cannot reach"), "{asked:?}");
    assert_eq!(run(&["stats", "--endpoint", "http://not a url"]).status.code(), Some(2));
    assert_eq!(run(&["fly"]).status.code(), Some(2));
}

#[test]
fn a_miss_is_an_answer_and_exit_0() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let endpoint = format!("http://{}", service.rpc);
        let asked = tokio::task::spawn_blocking(move || {
            run(&["get", "services", "nobody", "--endpoint", &endpoint, "--output", "json"])
        });
        let asked = asked.await.unwrap();
        let answer: Value = serde_json::from_slice(&asked.stdout).unwrap();
        assert_eq!(asked.status.code(), Some(0));
        assert_eq!(answer["result"]["miss"]["reason"], "MISS_REASON_NEVER_SEEN");
        service.stop().await;
    });
}
