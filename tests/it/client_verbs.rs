//! The verbs that explain the memory of a running service: their text, JSON and exit codes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::command::{answer_when_ready, millpond, run, serve, settings, text};
use crate::stream::event;
use crate::support::broker;
use crate::support::service::{table, with_basics};

/// Runs `behaviour` with the endpoint of a service with 30 entries. Higher numbers are longer.
fn with_entries(behaviour: impl FnOnce(&str)) {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let events = (0..30).map(|n| event(&format!("key-{n:02}"), &"x".repeat(n * 100)));
        topic.produce(&events.collect::<Vec<_>>());
        let (_running, endpoint) = serve(broker, &topic);
        answer_when_ready(&endpoint);
        behaviour(&endpoint);
    });
}

fn ask(endpoint: &str, words: &[&str]) -> Output {
    run(&[words, &["--endpoint", endpoint]].concat())
}

fn shown(endpoint: &str, words: &[&str]) -> String {
    let answer = ask(endpoint, words);
    assert_eq!(answer.status.code(), Some(0), "{answer:?}");
    text(&answer.stdout)
}

fn json(endpoint: &str, words: &[&str]) -> Value {
    let shown = shown(endpoint, &[words, &["--output", "json"]].concat());
    serde_json::from_str(&shown).unwrap_or_else(|error| panic!("{error} in:\n{shown}"))
}

/// Reads a 64-bit number, which proto3 JSON writes as text.
fn number(value: &Value) -> u64 {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

const TYPES: [(&str, &str); 7] = [
    ("MEMORY_TYPE_TABLE", "table services"),
    ("MEMORY_TYPE_INGEST", "ingest"),
    ("MEMORY_TYPE_KAFKA_CLIENT", "kafka client"),
    ("MEMORY_TYPE_RPC", "rpc"),
    ("MEMORY_TYPE_OTHER_HEAP", "other heap"),
    ("MEMORY_TYPE_ALLOCATOR", "allocator"),
    ("MEMORY_TYPE_OUTSIDE_HEAP", "outside the heap"),
];

fn assert_types(memory: &Value) {
    let types = memory["types"].as_array().unwrap();
    let names: Vec<_> = types.iter().map(|each| each["type"].as_str().unwrap()).collect();
    assert_eq!(names, TYPES.map(|(name, _)| name));
    let sum: u64 = types.iter().map(|each| number(&each["bytes"])).sum();
    assert_eq!(sum, number(&memory["rssBytes"]) + number(&memory["untouchedBytes"]));
    assert!(number(&memory["allocator"]["allocatedBytes"]) > 0);
    assert_eq!(memory["pressure"]["stage"], "PRESSURE_STAGE_NORMAL");
}

#[test]
fn memory_is_explained_as_text_and_as_json() {
    with_entries(|endpoint| {
        let stats = json(endpoint, &["stats"]);
        assert_types(&stats["memory"]);
        assert_eq!(number(&stats["memory"]["limitBytes"]), 1 << 30);
        assert_eq!(number(&stats["tables"][0]["limitBytes"]), 16 << 20);
        assert!(number(&stats["tables"][0]["retainedBytesPerEntry"]) > 0);
        let reclaimed = json(endpoint, &["reclaim"]);
        assert_types(&reclaimed["before"]);
        assert_types(&reclaimed["after"]);
        assert_eq!(reclaimed["differences"].as_array().unwrap().len(), TYPES.len());
        let findings = reclaimed["findings"].as_array().unwrap();
        let unexplained = |finding: &&Value| finding["kind"] == "FINDING_KIND_UNEXPLAINED";
        assert!(!findings.iter().any(|finding| unexplained(&finding)), "{findings:?}");
        assert!(findings.iter().any(|finding| finding["table"] == "services"), "{findings:?}");

        let (stats, reclaimed) = (shown(endpoint, &["stats"]), shown(endpoint, &["reclaim"]));
        for (_, name) in TYPES {
            assert!(stats.contains(&format!("  {name}\n")), "{name} is not in:\n{stats}");
            assert!(reclaimed.contains(&format!("  {name}\n")), "{name} is not in:\n{reclaimed}");
        }
        assert!(stats.contains("of the limit's 1.0 GiB"), "{stats}");
        assert!(stats.contains("pressure: none (never short)"), "{stats}");
        assert!(reclaimed.contains("in use and accounted for\n"), "{reclaimed}");
        assert!(reclaimed.contains("slack: "), "{reclaimed}");
    });
}

#[test]
fn entries_are_described_and_the_largest_listed_page_by_page() {
    with_entries(|endpoint| {
        let described = json(endpoint, &["describe", "services", "key-29"]);
        let weight_bytes = number(&described["entry"]["weightBytes"]);
        let parts = described["entry"]["parts"].as_object().unwrap();
        assert_eq!(parts.values().map(number).sum::<u64>(), weight_bytes);
        assert_eq!(described["entry"]["origin"]["offset"], "29");
        let described = shown(endpoint, &["describe", "services", "key-29"]);
        assert!(described.starts_with("key-29\n  weighs 3."), "{described}");
        assert!(described.contains("from partition 0 offset 29 of "), "{described}");

        let page = json(endpoint, &["largest", "services", "--count", "10"]);
        assert_eq!(page["entries"].as_array().unwrap().len(), 10);
        assert_eq!(number(&page["entries"][0]["weightBytes"]), weight_bytes);
        assert_eq!(page["walkedCount"], "30");
        let token = page["nextPageToken"].as_str().unwrap();
        let words = ["largest", "services", "--count", "20", "--page-token", token];
        let last = shown(endpoint, &words);
        assert!(last.contains("key-00\n") && last.contains("key-19\n"), "{last}");
        assert!(!last.contains("key-20\n") && !last.contains("next page"), "{last}");
        assert!(last.ends_with("of 30 entries\n"), "{last}");
        let first = shown(endpoint, &["largest", "services"]);
        assert!(first.contains("next page: --page-token"), "{first}");
    });
}

#[test]
fn tables_are_described_without_a_key_and_answers_have_the_fields_that_are_named() {
    with_entries(|endpoint| {
        let described = json(endpoint, &["describe"]);
        assert_eq!(described["tables"][0]["name"], "services");
        let text = shown(endpoint, &["describe", "services"]);
        assert!(text.starts_with("services\n  topic "), "{text}");
        assert!(text.contains("key from /id\n  lives 1h from @record\n"), "{text}");
        assert!(text.contains("field description from /description\n"), "{text}");
        let words = ["get", "services", "key-01", "key-02", "--field", "description"];
        let answer = json(endpoint, &words);
        assert_eq!(answer["results"].as_array().unwrap().len(), 2);
        let fields = answer["results"][1]["entry"]["fields"].as_object().unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["description"]);
        assert_eq!(answer["deferred"].as_array().unwrap().len(), 0);
        let typo = ask(endpoint, &["get", "services", "key-01", "--field", "typo"]);
        assert_eq!(typo.status.code(), Some(2), "{typo:?}");
    });
}

#[test]
fn a_missing_table_or_entry_is_exit_2() {
    with_entries(|endpoint| {
        for words in [
            ["describe", "services", "nobody"].as_slice(),
            &["describe", "typo", "key-01"],
            &["describe", "typo"],
            &["describe", "services", ""],
            &["largest", "typo"],
            &["largest", "services", "--page-token", "broken"],
            &["largest", "services", "--count", "1001"],
        ] {
            let asked = ask(endpoint, words);
            assert_eq!(asked.status.code(), Some(2), "{words:?}: {asked:?}");
            assert!(!asked.stderr.is_empty() && asked.stdout.is_empty(), "{asked:?}");
        }
        let asked = ask(endpoint, &["describe", "services", "nobody"]);
        assert!(text(&asked.stderr).contains("\"nobody\""), "{asked:?}");
    });
}

#[test]
fn a_status_is_json_for_programs_with_its_reason() {
    with_entries(|endpoint| {
        let asked = ask(endpoint, &["get", "typo", "a", "--output", "json"]);
        assert_eq!(asked.status.code(), Some(2), "{asked:?}");
        assert!(asked.stdout.is_empty(), "{asked:?}");
        let status: Value = serde_json::from_slice(&asked.stderr).unwrap();
        assert_eq!(status["code"], 5);
        assert_eq!(status["details"][0]["reason"], "ERROR_REASON_TABLE_NOT_FOUND", "{status}");
        assert_eq!(status["details"][0]["metadata"]["table"], "typo");
        let asked = ask(endpoint, &["get", "services", "", "--output", "json"]);
        let status: Value = serde_json::from_slice(&asked.stderr).unwrap();
        assert_eq!(status["details"][1]["fieldViolations"][0]["field"], "key", "{status}");
    });
}

#[test]
fn the_environment_can_name_the_service() {
    with_entries(|endpoint| {
        let stats = millpond().arg("stats").env("MILLPOND_ENDPOINT", endpoint).output().unwrap();
        assert_eq!(stats.status.code(), Some(0), "{stats:?}");
    });
    let valid = settings(&with_basics("localhost:9092", &table(0, "services", "events")));
    let mut check = millpond();
    let checked = check.arg("check").args(valid).env("MILLPOND_ENDPOINT", "http://a:1").output();
    assert_eq!(checked.unwrap().status.code(), Some(0), "it is no setting of the service");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let valid = settings(&with_basics("localhost:9092", &table(0, "services", "events")));
    let mut check = millpond();
    check.arg("check").args(valid).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = check.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()));
}

#[test]
fn a_configuration_is_read_from_standard_input() {
    let mut check = millpond();
    check.args(["check", "--config", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = check.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"[kafka]\nbroker = 1").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(78));
    assert!(text(&ended.stderr).contains("standard input:2"), "{}", text(&ended.stderr));
}

#[test]
fn every_client_verb_reports_an_unreachable_service() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{free}");
    for words in [
        ["stats"].as_slice(),
        &["reclaim"],
        &["describe", "services", "a"],
        &["largest", "services"],
    ] {
        let asked = ask(&endpoint, words);
        assert_eq!(asked.status.code(), Some(69), "{words:?}: {asked:?}");
        assert!(text(&asked.stderr).contains("cannot reach"), "{asked:?}");
    }
}

/// Runs `millpond check` on a good configuration with these settings on top.
fn check(over: &[&str]) -> Output {
    let mut all = with_basics("localhost:9092", &table(0, "services", "events"));
    all.extend(over.iter().map(ToString::to_string));
    let words: Vec<_> = ["check".to_owned()].into_iter().chain(settings(&all)).collect();
    run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_check_prints_the_memory_budget_line_by_line() {
    let checked = check(&["memory.limit=320MiB", "rpc.pool=8MiB"]);
    let shown = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    for line in [
        "#    320.0 MiB  limit (memory.limit)",
        "MiB  kafka fetch buffers (kafka.fetch_buffer)",
        "MiB  kafka statistics, of 256 partitions (by ingest.threads)",
        "MiB  plucking documents (by ingest.threads)",
        "#    - 8.0 MiB  rpc connections (rpc.max_connections)",
        "#    - 4.5 MiB  rpc streams (rpc.max_streams)",
        "#    - 8.0 MiB  rpc byte pool (rpc.pool)",
        "#   - 15.0 MiB  code and stacks",
        "#   - 26.6 MiB  allocator slack (a twelfth of the limit)",
        "MiB  for tables",
        "#     16.0 MiB  table services (capacity 16MiB)",
        "# - kafka.fetch_buffer = 15MiB",
        "# - rpc.max_connections = 128",
    ] {
        assert!(shown.contains(&format!("{line}\n")), "{line:?} is not in:\n{shown}");
    }
    assert!(!shown.contains("# - rpc.pool"), "it is written:\n{shown}");
}

#[test]
fn a_limit_below_the_reserves_is_exit_78_and_names_what_to_change() {
    let checked = check(&["memory.limit=48MiB"]);
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(78), "{said}");
    for key in ["memory.limit", "kafka.fetch_buffer", "ingest.max_document", "ingest.threads"] {
        assert!(said.contains(key), "{key} is not in:\n{said}");
    }
    assert!(said.contains("MiB  rpc byte pool (rpc.pool)"), "{said}");
    assert!(said.contains("= -"), "what is missing is shown: {said}");

    let checked = check(&["memory.limit=300MiB", "tables.0.capacity=290MiB"]);
    let said = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(78), "{said}");
    assert!(said.contains("table services (capacity 290MiB)"), "{said}");
}

#[test]
fn a_table_is_printed_as_lines_of_json_and_as_text() {
    with_entries(|endpoint| {
        let lines = shown(endpoint, &["scan", "services"]);
        let key = |line: &str| {
            let entry: Value = serde_json::from_str(line).unwrap();
            entry["key"].as_str().unwrap().to_owned()
        };
        let mut keys: Vec<_> = lines.lines().map(key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..30).map(|n| format!("key-{n:02}")).collect::<Vec<_>>());
        let some = shown(endpoint, &["scan", "services", "--prefix", "key-1", "--limit", "4"]);
        assert_eq!(some.lines().filter(|line| line.contains("\"key\":\"key-1")).count(), 4);
        let words = ["scan", "services", "--prefix", "key-02", "--output", "text"];
        let expected = format!("key-02  description=\"{}\"\n", "x".repeat(200));
        assert_eq!(shown(endpoint, &words), expected);
        let typo = ask(endpoint, &["scan", "typo"]);
        assert_eq!(typo.status.code(), Some(2));
        let error: Value = serde_json::from_str(&text(&typo.stderr)).unwrap();
        assert_eq!(error["details"][0]["reason"], "ERROR_REASON_TABLE_NOT_FOUND");
    });
}

#[test]
fn a_watch_prints_current_entries_and_goes_on() {
    with_entries(|endpoint| {
        for (more, first, last) in [
            (&["--output", "text"][..], "watching, current", "these were the current"),
            (&["--output", "json"], "\"sendsCurrent\":true", "\"snapshotComplete\""),
        ] {
            let words =
                ["watch", "services", "key-01", "key-02", "--current", "--endpoint", endpoint];
            let mut watch = millpond();
            watch.args([&words, more].concat()).stdout(Stdio::piped());
            let mut watch = watch.spawn().unwrap();
            let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
            let mut line = || lines.next().unwrap().unwrap();
            assert!(line().contains(first));
            assert!(line().contains("key-01") && line().contains("key-02"));
            assert!(line().contains(last));
            assert!(watch.try_wait().unwrap().is_none(), "it goes on");
            watch.kill().unwrap();
            watch.wait().unwrap();
        }
    });
}
