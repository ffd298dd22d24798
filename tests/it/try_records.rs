//! `millpond try`: what becomes of records without a service, line by line.

use std::fs;
use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::command::{millpond, run, settings, text};
use crate::stream::event;
use crate::support::broker::{self, Message};
use crate::support::service::{table, with_basics};

/// Gives `millpond try` this input.
pub(crate) fn try_input(input: &str, arguments: &[&str]) -> Output {
    let mut command = millpond();
    command.arg("try").args(arguments).stdin(Stdio::piped());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    // It may refuse its arguments before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn with_table(arguments: &[&str], more: &[&str]) -> Vec<String> {
    let mut all = with_basics("localhost:1", &table(0, "services", "events"));
    all.extend(more.iter().map(ToString::to_string));
    arguments.iter().map(ToString::to_string).chain(settings(&all)).collect()
}

fn try_table(input: &str, arguments: &[&str], more: &[&str]) -> Output {
    let all = with_table(arguments, more);
    try_input(input, &all.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The lines of JSON that it printed.
fn json(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines = text(&output.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

const LINES: &str = r#"{"id":"a","description":"first"}
{"id":"b","description":"\u001b[2J"}
{"id":"c","description":"cut
{"id":null}

{"id":"a","description":"second"}
"#;

#[test]
fn a_broken_line_is_named_and_the_others_are_tried() {
    let tried = try_table(LINES, &[], &[]);
    assert_eq!(tried.status.code(), Some(0), "{tried:?}");
    let shown = text(&tried.stdout);
    for part in [
        "line 1: stored under \"a\" until 20",
        "    description = \"first\"\n",
        "    description = \"\\u001b[2J\"\n",
        "line 3: rejected: invalid_json, not one whole JSON document: EOF while parsing a string",
        "line 4: rejected: missing_key, no key, or null, where the table takes it: /id\n",
        "line 6: replaces the entry under \"a\"",
        "table services: 5 records\n  2 stored\n  1 replaced\n",
        "  1 rejected for invalid_json\n",
        "  1 blank lines\n",
        "in store moka it weighs ",
    ] {
        assert!(shown.contains(part), "{part}\nis not in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn json_has_a_line_for_each_record_and_one_for_the_summary() {
    let lines = json(&try_table(LINES, &["--output", "json"], &["tables.0.store=compact"]));
    assert_eq!(lines.len(), 6, "{lines:#?}");
    assert_eq!((&lines[0]["line"], &lines[0]["outcome"]), (&1.into(), &"stored".into()));
    assert_eq!(lines[0]["entry"]["fields"]["description"], "first");
    assert_eq!((&lines[2]["line"], &lines[2]["reason"]), (&3.into(), &"invalid_json".into()));
    let last = &lines[5];
    assert_eq!(
        (&last["summary"]["records"], &last["summary"]["store"]),
        (&5.into(), &"compact".into())
    );
    assert_eq!(last["lines"]["blankLines"], 1);
    let entry = &last["summary"]["entry"];
    let of = |name: &str| entry[name].as_u64().unwrap();
    assert!(of("pluckedBytes") < of("weightBytes") && of("weightBytes") < 100, "{entry}");
    assert!(of("measuredBytes").abs_diff(of("weightBytes")) < 20, "{entry}");
    assert!(last["summary"]["pluckNanos"].as_u64().unwrap() > 0, "{last}");
}

#[test]
fn an_envelope_has_key_headers_and_time() {
    let lines = [
        r#"{"key":"a","value":{"id":"x","description":"v"},"headers":{"kind":"other"}}"#,
        r#"{"key":"a","value":"{\"id\":\"x\",\"description\":\"v\"}","headers":["kind","one"]}"#,
        r#"{"key":"x","value":null}"#,
        r#"{"key":"old","value":{"id":"old"},"timestamp":"2020-01-01T00:00:00Z","headers":{"kind":"one"}}"#,
        r#"{"key":"a"}"#,
    ];
    let more = ["tables.0.only_when.@header/kind=one"];
    let tried = try_table(&lines.join("\n"), &["--envelope", "--output", "json"], &more);
    let lines = json(&tried);
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str()).collect();
    let expected = ["filtered", "stored", "deleted", "expired"].map(Some);
    assert_eq!(outcomes[..4], expected, "{lines:#?}");
    assert_eq!(lines[2]["deletedKey"], "x");
    assert_eq!(lines[3]["expired"], "2020-01-01T01:00:00.000Z");
    assert_eq!(
        (&lines[4]["line"], &lines[4]["fault"]),
        (&5.into(), &"an envelope without \"value\"".into())
    );
    assert_eq!(lines[5]["lines"]["faultyLines"], 1);
}

#[test]
fn a_table_can_be_tried_without_a_configuration() {
    let arguments = ["--key-separator", "\\t", "--key", "@key", "--field", "text=/deep/text"];
    let shown = text(&try_input("k\t{\"deep\":{\"text\":7}}\nk\tnull\n", &arguments).stdout);
    assert!(
        shown.contains("line 1: stored under \"k\"") && shown.contains("text = 7\n"),
        "{shown}"
    );
    assert!(shown.contains("line 2: deletes the entry under \"k\""), "{shown}");
}

#[test]
fn a_line_that_is_too_long_is_a_record_that_is_too_large() {
    let long = format!("{{\"id\":\"{}\"}}", "x".repeat(5_000));
    let input = format!("{long}\n{{\"id\":\"next\"}}\n");
    let lines = json(&try_table(&input, &["--output", "json"], &["ingest.max_document=1KiB"]));
    assert_eq!((&lines[0]["line"], &lines[0]["reason"]), (&1.into(), &"document_too_large".into()));
    assert_eq!((&lines[1]["line"], &lines[1]["outcome"]), (&2.into(), &"stored".into()));
}

#[test]
fn what_cannot_be_read_is_named() {
    let no_input = try_table("", &["--input", "/there/is/none"], &[]);
    assert_eq!(no_input.status.code(), Some(2), "{no_input:?}");
    assert!(text(&no_input.stderr).contains("cannot read /there/is/none: "), "{no_input:?}");
    let no_config = run(&["try", "--config", "/there/is/none"]);
    assert_eq!(no_config.status.code(), Some(78), "{no_config:?}");
    let both = run(&["try", "--config", "-"]);
    assert_eq!(both.status.code(), Some(78), "an empty configuration: {both:?}");

    let more = table(1, "others", "others");
    let more: Vec<_> = more.iter().map(String::as_str).collect();
    let which = try_table("", &[], &more);
    assert_eq!(which.status.code(), Some(2), "{which:?}");
    assert!(text(&which.stderr).contains("which one of services, others?"), "{which:?}");
    let unknown = try_table("", &["--table", "typo"], &more);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    let one = try_table("{\"id\":1}\n", &["--table", "others"], &more);
    assert!(text(&one.stdout).contains("table others: 1 records"), "{one:?}");
}

#[test]
fn an_input_file_is_read_and_nothing_may_come_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    fs::write(&file, "[1]\n[2]").unwrap();
    let arguments = ["--input", file.to_str().unwrap(), "--summary", "--keys", "10"];
    let shown = text(&try_table("", &arguments, &[]).stdout);
    assert!(
        shown.starts_with("table services: 2 records\n  2 rejected for missing_key\n"),
        "{shown}"
    );
    assert!(shown.contains("NONE WOULD BE STORED: see key"), "{shown}");
    assert!(shown.contains("no projection: no record gives an entry"), "{shown}");
}

#[test]
fn the_last_records_of_a_topic_are_tried() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(2).await;
        let at = |partition, id: &str, time| Message {
            partition: Some(partition),
            timestamp_ms: Some(crate::stream::now_ms() + time),
            ..event(id, "text")
        };
        topic.produce(&[at(0, "a", 1), at(0, "b", 3), at(1, "c", 2), at(1, "d", 4)]);
        let mut all = with_basics(&broker.bootstrap(), &table(0, "services", &topic.name));
        all = settings(&all);
        let mut arguments = vec!["try", "--connect", "--last", "3", "--output", "json"];
        arguments.extend(all.iter().map(String::as_str));
        let lines = json(&run(&arguments));
        let keys: Vec<_> = lines.iter().filter_map(|line| line["entry"]["key"].as_str()).collect();
        assert_eq!(keys, ["c", "b", "d"], "{lines:#?}");
        assert_eq!((&lines[0]["partition"], &lines[0]["offset"]), (&1.into(), &0.into()));

        let gone = table(0, "services", "nobody-made-this-topic");
        let all = settings(&with_basics(&broker.bootstrap(), &gone));
        let mut arguments = vec!["try", "--connect"];
        arguments.extend(all.iter().map(String::as_str));
        let tried = run(&arguments);
        assert_eq!(tried.status.code(), Some(69), "{tried:?}");
        assert!(text(&tried.stderr).contains("topic nobody-made-this-topic cannot"), "{tried:?}");
    });
}
