//! What the admin port answers beside the probes: to whom, and whatever is asked of it.

use std::fs;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::stream::event;
use crate::support::broker::{self, Broker};
use crate::support::service::{PATIENCE, Service};

/// Sends a request on a connection of its own, and returns head and body of the answer.
pub(crate) async fn ask(
    admin: SocketAddr,
    line: &str,
    headers: &[&str],
    body: &str,
) -> (String, String) {
    let has_host = headers.iter().any(|header| header.starts_with("host:"));
    let host = if has_host { "" } else { "host: localhost\r\n" };
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let length = body.len();
    let head = format!("{line} HTTP/1.1\r\nconnection: close\r\n{host}{headers}");
    let request = format!("{head}content-length: {length}\r\n\r\n{body}");
    let mut connection = TcpStream::connect(admin).await.unwrap();
    let _ = connection.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, connection.read_to_end(&mut answer)).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_lowercase(), body.to_owned())
}

/// What this path answers, in JSON.
pub(crate) async fn get_json(admin: SocketAddr, path: &str) -> serde_json::Value {
    let (head, body) = ask(admin, &format!("GET {path}"), &[], "").await;
    assert!(head.starts_with("http/1.1 200"), "{path}: {head}\n{body}");
    // Chunks do not occur: each answer has its length.
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

pub(crate) fn status(head: &str) -> &str {
    head.split_whitespace().nth(1).unwrap_or_default()
}

async fn service(broker: &Broker, settings: &[&str]) -> Service {
    let topic = broker.create_topic(1).await;
    let service = Service::ready(broker, &topic, settings).await;
    topic.produce(&[event("a", "found")]);
    service.wait_until_polled(1).await;
    service
}

#[test]
fn the_snapshot_and_the_history_say_what_get_stats_says() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let keys = ["a", "a", "b"].map(str::to_owned).to_vec();
        service.try_batch("services", keys).await.unwrap();
        let stats = service.stats().await;
        let start = Instant::now();
        loop {
            let snapshot = get_json(service.admin, "/api/snapshot").await;
            let table = &snapshot["tables"][0];
            let counts = ["hitCount", "missCount", "entryCount"].map(|name| table[name].as_str());
            let past = get_json(service.admin, "/api/history").await;
            let sum = |place: usize| -> f64 {
                let rows = past["rows"].as_array().unwrap();
                rows.iter().filter_map(|row| row[place].as_f64()).sum()
            };
            let layout = get_json(service.admin, "/api/layout").await;
            let names = |list: &str| -> Vec<String> {
                let series = layout["history"][list].as_array().unwrap();
                series.iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect()
            };
            let (of_service, of_table) = (names("service_series"), names("table_series"));
            let hits = of_table.iter().position(|name| name == "hits").unwrap();
            let hits = sum(1 + of_service.len() + hits);
            if counts == ["2", "1", "1"].map(Some) && (hits - 2.0).abs() < 0.5 {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{counts:?}, {hits} hits, {stats:?}");
            tokio::task::yield_now().await;
        }
        assert_eq!((stats.tables[0].hit_count, stats.tables[0].miss_count), (2, 1));
        service.stop().await;
    });
}

#[test]
fn hostile_names_get_nothing_and_probes_answer_all() {
    broker::in_process(async |broker| {
        let service = service(broker, &["admin.hosts=millpond.example.org"]).await;
        for path in ["/", "/api/snapshot", "/api/history", "/config", "/assets/page.js", "/nothing"]
        {
            let (head, body) =
                ask(service.admin, &format!("GET {path}"), &["host: evil.com"], "").await;
            assert!(status(&head) == "421" || path == "/nothing", "{path}: {head}");
            assert!(body.len() < 200, "{body}");
        }
        let own = ["host: 10.0.0.7:8080", "host: millpond.example.org", "host: [::1]:8080"];
        for host in own {
            let (head, _) = ask(service.admin, "GET /api/snapshot", &[host], "").await;
            assert_eq!(status(&head), "200", "{host}");
        }
        let (head, _) = ask(service.admin, "GET /livez", &["host: any.thing.example"], "").await;
        assert_eq!(status(&head), "200");
        service.stop().await;
    });
}

#[test]
fn each_answer_tells_browsers_to_run_nothing_else_and_to_keep_no_figures() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        for path in ["/", "/api/snapshot", "/config"] {
            let (head, body) = ask(service.admin, &format!("GET {path}"), &[], "").await;
            for header in [
                "content-security-policy: default-src 'none'; script-src 'self'",
                "x-content-type-options: nosniff",
                "referrer-policy: no-referrer",
                "cache-control: no-",
            ] {
                assert!(head.contains(header), "{path} lacks {header}: {head}");
            }
            assert!(!body.contains("<style") && !body.contains(" style="), "{body}");
        }
        let (head, _) = ask(service.admin, "GET /assets/uplot.js", &[], "").await;
        let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let kept = format!("if-none-match: {etag}");
        let (head, body) = ask(service.admin, "GET /assets/uplot.js", &[&kept], "").await;
        assert_eq!((status(&head), body.as_str()), ("304", ""));
        service.stop().await;
    });
}

const JSON: &str = "content-type: application/json";

const GET_A: &str = "{\"table\":\"services\",\"key\":\"a\"}";

#[test]
fn without_a_policy_entries_are_shown_with_their_costs_to_peers_on_loopback() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let (head, body) = ask(service.admin, "POST /api/call/Get", &[JSON], GET_A).await;
        assert!(status(&head) == "200" && body.contains("\"found\""), "{head} {body}");
        let describe = "POST /api/call/DescribeEntry";
        let (_, body) = ask(service.admin, describe, &[JSON], GET_A).await;
        assert!(body.contains("\"weightBytes\""), "{body}");
        let stats = service.stats().await;
        assert_eq!(stats.tables[0].hit_count, 1, "a lookup here counts as one");
        service.stop().await;
    });
}

#[test]
fn with_a_policy_entries_are_shown_to_identities_that_may_call_the_method() {
    broker::in_process(async |broker| {
        let tokens = tempfile::NamedTempFile::new().unwrap();
        // The SHA-256 of "right".
        let digest = "27042f4e6eca7d0b2a7ee4026df2ecfa51d3339e6d122aa099118ecd8563bad9";
        fs::write(tokens.path(), format!("web {digest}\n")).unwrap();
        let file = format!("rpc.tokens.file={}", tokens.path().display());
        let who = ["who=token:web", "methods=LookupService", "tables=services"];
        let policy = who.map(|part| format!("rpc.allow.0.{part}"));
        let settings: Vec<_> = policy.iter().chain([&file]).map(String::as_str).collect();
        let topic = broker.create_topic(1).await;
        topic.produce(&[event("a", "found")]);
        let service = Service::start(broker, &topic, &settings).await;
        let right = "authorization: Bearer right";
        let start = Instant::now();
        loop {
            let (head, body) =
                ask(service.admin, "POST /api/call/Get", &[JSON, right], GET_A).await;
            assert_eq!(status(&head), "200", "{body}");
            if body.contains("\"found\"") {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "{body}");
        }
        assert_refused(service.admin, right).await;
        service.stop().await;
    });
}

async fn assert_refused(admin: SocketAddr, right: &str) {
    for (call, credential, expected) in [
        ("Get", None, "401"),
        ("Get", Some("authorization: Bearer wrong"), "401"),
        ("DescribeEntry", Some(right), "403"),
        ("ListLargestEntries", None, "401"),
        ("ListRejections", Some(right), "403"),
    ] {
        let headers: Vec<_> = [JSON].into_iter().chain(credential).collect();
        let line = format!("POST /api/call/{call}");
        let request = if call.starts_with("List") { "{\"table\":\"services\"}" } else { GET_A };
        let (head, body) = ask(admin, &line, &headers, request).await;
        assert_eq!(status(&head), expected, "{call} {credential:?}: {body}");
        assert!(!body.contains("found"), "{body}");
    }
}

#[test]
fn requests_that_are_no_calls_are_refused_and_say_why() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let large = format!("{{\"table\":\"services\",\"key\":\"{}\"}}", "x".repeat(200 << 10));
        for (line, headers, body, expected) in [
            ("POST /api/call/Get", &["content-type: text/plain"][..], "{}", "415"),
            ("POST /api/call/Get", &[JSON], "{\"tabel\":\"services\"}", "400"),
            ("POST /api/call/Get", &[JSON], "{}", "400"),
            ("POST /api/call/Get", &[JSON], large.as_str(), "413"),
            ("POST /api/call/Get", &[JSON], "{\"table\":\"no\",\"key\":\"a\"}", "404"),
            ("POST /api/call/Reclaim", &[JSON], "{}", "404"),
            ("GET /api/call/Get", &[], "", "405"),
            ("GET /api/history?tier=9", &[], "", "400"),
            ("PUT /log-filter", &[], "debug", "404"),
        ] {
            let (head, body) = ask(service.admin, line, headers, body).await;
            assert_eq!(status(&head), expected, "{line}: {body}");
        }
        service.stop().await;
    });
}

#[test]
fn the_effective_configuration_is_shown_without_its_secrets() {
    broker::in_process(async |broker| {
        let secret = "kafka.properties.sasl.password=hunter2";
        let service = service(broker, &[secret, "admin.history=false"]).await;
        let (head, body) = ask(service.admin, "GET /config", &[], "").await;
        assert_eq!(status(&head), "200");
        assert!(body.contains("<hidden>") && !body.contains("hunter2"), "{body}");
        assert!(body.contains("[[tables]]"), "{body}");
        let (head, body) = ask(service.admin, "GET /api/history", &[], "").await;
        assert!(status(&head) == "404" && body.contains("admin.history"), "{body}");
        service.stop().await;
    });
}

#[test]
fn a_hundred_pages_and_a_scrape_every_moment_hold_up_no_probe() {
    broker::in_process(async |broker| {
        let service = service(broker, &[]).await;
        let admin = service.admin;
        let pages: Vec<_> = (0..100)
            .map(|_| {
                tokio::spawn(async move {
                    let mut answers = 0;
                    for path in ["/api/snapshot", "/api/history", "/", "/api/snapshot"] {
                        let (head, _) = ask(admin, &format!("GET {path}"), &[], "").await;
                        // A connection may have to make room for another.
                        answers += u32::from(status(&head) == "200");
                    }
                    answers
                })
            })
            .collect();
        let mut unfinished = Vec::new();
        for _ in 0..20 {
            let mut connection = TcpStream::connect(admin).await.unwrap();
            let head = "POST /api/call/Get HTTP/1.1\r\nhost: localhost\r\n\
                        content-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
            connection.write_all(head.as_bytes()).await.unwrap();
            unfinished.push(connection);
        }
        let mut answers = 0;
        for page in pages {
            answers += page.await.unwrap();
        }
        assert!(answers > 0, "no page got an answer");
        let (head, _) = ask(admin, "GET /livez", &[], "").await;
        assert_eq!(status(&head), "200");
        drop(unfinished);
        service.stop().await;
    });
}
