//! The documents that every parser gets.

use std::env;
use std::fs;

use anyhow::Context;

/// Names a file with one payload on each line.
const GIVEN_PAYLOADS: &str = "MILLPOND_TEST_PAYLOADS";
const MADE_UP: u64 = 160;
const MADE_UP_PARTS: u64 = 29;
const SMALL: u64 = 1_000;

/// The documents of one kind.
pub struct Documents {
    /// Their name in the report.
    pub name: &'static str,
    /// Each is a JSON text.
    pub texts: Vec<Vec<u8>>,
}

impl Documents {
    /// Events with many short fields, 500 B each.
    pub fn small() -> Self {
        Self { name: "500 B documents", texts: (0..SMALL).map(event).collect() }
    }

    /// The payloads of the given file. Without one, made-up documents like those of webhooks:
    /// nested, 11 KB each.
    pub fn payloads() -> anyhow::Result<Self> {
        let made_up =
            || Self { name: "made-up 11 KB payloads", texts: (0..MADE_UP).map(webhook).collect() };
        Ok(Self::given_payloads()?.unwrap_or_else(made_up))
    }

    /// The payloads of the given file, if one is given.
    pub fn given_payloads() -> anyhow::Result<Option<Self>> {
        let Ok(given) = env::var(GIVEN_PAYLOADS) else { return Ok(None) };
        let read = fs::read(&given).with_context(|| format!("{GIVEN_PAYLOADS}={given}"))?;
        let lines = read.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        Ok(Some(Self { name: "given payloads", texts: lines.map(<[u8]>::to_vec).collect() }))
    }

    /// The bytes of all documents.
    pub fn bytes(&self) -> u64 {
        self.texts.iter().map(|text| text.len() as u64).sum()
    }
}

fn event(number: u64) -> Vec<u8> {
    format!(
        r#"{{"kind":"service.updated","version":3,"sender":{{"login":"user-{number:05}","id":{number}}},"region":"eu-west-1","zone":"b","tier":2,"active":true,"weight":0.75,"labels":["blue","canary"],"repository":{{"id":{number},"html_url":"https://git.example/org/service-{number:05}","stars":17}},"cpu":"250m","memory":"512Mi","replicas":3,"owner":"payments","oncall":null,"contact":"payments@example.org","created":"2026-05-04T03:02:01Z","updated":"2026-11-12T13:14:15Z","source":"registry","sequence":1{number:09},"trace":"4bf92f3577b34da6"}}"#
    )
    .into_bytes()
}

/// The plucked fields are in the first and the last part.
fn webhook(number: u64) -> Vec<u8> {
    let part = |part: u64| {
        let id = number * MADE_UP_PARTS + part;
        let url = format!("https://api.git.example/repos/org/repo-{id:06}");
        format!(
            r#""part_{part}":{{"id":{id},"node_id":"MDEwOlJlcG9zaXRvcnk{id:08}","name":"repo-{id}","private":false,"description":"The \"{id}th\" part \u00e9 of it","keys_url":"{url}/keys{{/key_id}}","hooks_url":"{url}/hooks","size":{id},"score":1.5,"topics":["a","b"],"license":null,"counts":{{"open":1,"closed":{id}}}}}"#
        )
    };
    let parts: Vec<_> = (0..MADE_UP_PARTS).map(part).collect();
    format!(
        r#"{{"action":"edited","sender":{{"login":"user-{number}","id":{number}}},{},"repository":{{"id":{number},"html_url":"https://git.example/org/repo-{number}"}}}}"#,
        parts.join(",")
    )
    .into_bytes()
}
