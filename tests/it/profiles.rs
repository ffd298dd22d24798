//! Profiles, taken from the admin port of a running process.

use std::fs;
use std::net::SocketAddr;
use std::time::Instant;

use millpond_acceptance::served::Served;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::admin_api::{ask, status};
use crate::stream::event;
use crate::support::broker::{self, Broker, Topic};
use crate::support::service::{PATIENCE, table};
use crate::told::serve;

const TOKEN: &str = "authorization: Bearer a-token-of-operators";
const CPU: &str = "GET /profiles/cpu?seconds=1&format=json";
const HEAP: &str = "GET /profiles/heap?format=json";
const SWITCH: &str = "POST /profiles/heap";

struct Profiled {
    served: Served,
    admin: SocketAddr,
    topic: Topic,
    _files: (tempfile::TempDir, tempfile::NamedTempFile),
}

impl Profiled {
    async fn start(broker: &Broker) -> Self {
        let topic = broker.create_topic(1).await;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "a-token-of-operators\n").unwrap();
        let mut settings = table(0, "services", &topic.name);
        settings.push("ingest.start=earliest".into());
        settings.push(format!("admin.token_file={}", file.path().display()));
        let (served, folder) = serve(&broker.bootstrap(), &settings);
        let admin = served.admin().parse().unwrap();
        Self { served, admin, topic, _files: (folder, file) }
    }

    async fn ask(&self, line: &str, body: &str) -> (String, String) {
        let (head, body) = ask(self.admin, line, &[TOKEN], body).await;
        (status(&head).to_owned(), body)
    }

    /// Asks until the answer is a profile that has a function with this in its name.
    async fn wait_for(&self, line: &str, function: &str) -> Value {
        let start = Instant::now();
        loop {
            let (status, body) = self.ask(line, "").await;
            assert_eq!(status, "200", "{body}");
            let profile: Value = serde_json::from_str(&body).unwrap();
            if value_of(&profile, function) > 0 {
                return profile;
            }
            assert!(start.elapsed() < PATIENCE, "{function} is not in {}", profile["names"]);
            self.produce();
        }
    }

    fn produce(&self) {
        let text = "x".repeat(2_000);
        let events: Vec<_> = (0..2_000).map(|n| event(&format!("key-{n}"), &text)).collect();
        self.topic.produce(&events);
    }
}

/// What the functions with this in their names took, the largest of them.
fn value_of(profile: &Value, function: &str) -> u64 {
    let names = profile["names"].as_array().unwrap();
    let is_it = |index: &Value| {
        let name = &names[usize::try_from(index.as_u64().unwrap()).unwrap()];
        name.as_str().unwrap().contains(function)
    };
    let nodes = profile["nodes"].as_array().unwrap().iter().filter(|node| is_it(&node[1]));
    nodes.map(|node| node[2].as_u64().unwrap()).max().unwrap_or_default()
}

#[test]
fn profiles_show_which_code_of_the_service_allocates_and_which_works() {
    broker::in_process(async |broker| {
        let mut profiled = Profiled::start(broker).await;
        let (status, body) = profiled.ask(HEAP, "").await;
        assert!(status == "409" && body.contains("active"), "{status} {body}");
        for wrong in ["", "{}", "{\"active\": 1}", "on"] {
            assert_eq!(profiled.ask(SWITCH, wrong).await.0, "400", "{wrong}");
        }
        let (status, body) = profiled.ask(SWITCH, "{\"active\": true}").await;
        assert!(status == "200" && body.contains("from now on"), "{status} {body}");
        let heap = profiled.wait_for(HEAP, "millpond::table").await;
        assert_eq!((&heap["kind"], &heap["unit"]), (&"heap".into(), &"bytes".into()));
        let cpu = profiled.wait_for(CPU, "millpond::ingest").await;
        assert_eq!((&cpu["kind"], &cpu["unit"]), (&"cpu".into(), &"nanoseconds".into()));
        assert!(value_of(&cpu, "thread ") > 0, "{cpu}");
        let (headers, _) = ask(profiled.admin, "GET /profiles/heap", &[TOKEN], "").await;
        assert!(headers.contains("filename=\"heap.pb.gz\""), "{headers}");
        assert_eq!(profiled.ask(SWITCH, "{\"active\": false}").await.0, "200");
        assert_eq!(profiled.ask(HEAP, "").await.0, "409");
        profiled.served.stop().unwrap();
    });
}

#[test]
fn one_profile_is_taken_at_a_time_and_ends_when_its_caller_leaves() {
    broker::in_process(async |broker| {
        let mut profiled = Profiled::start(broker).await;
        let mut leaving = TcpStream::connect(profiled.admin).await.unwrap();
        let request =
            format!("GET /profiles/cpu?seconds=60 HTTP/1.1\r\nhost: localhost\r\n{TOKEN}\r\n\r\n");
        leaving.write_all(request.as_bytes()).await.unwrap();
        let start = Instant::now();
        while profiled.ask(CPU, "").await.0 != "409" {
            assert!(start.elapsed() < PATIENCE, "two profiles at once");
        }
        drop(leaving);
        let left = Instant::now();
        while profiled.ask(CPU, "").await.0 != "200" {
            assert!(left.elapsed() < PATIENCE / 2, "it goes on without its caller");
        }
        profiled.served.stop().unwrap();
    });
}

#[test]
fn who_has_not_the_token_gets_no_profile() {
    broker::in_process(async |broker| {
        let mut profiled = Profiled::start(broker).await;
        let wrong = "authorization: Bearer another-token-of-it";
        for line in [CPU, HEAP, SWITCH, "PUT /profiles/heap"] {
            for headers in [&[][..], &[wrong]] {
                let (head, body) = ask(profiled.admin, line, headers, "{\"active\": true}").await;
                assert_eq!(status(&head), "401", "{line}: {body}");
            }
        }
        for line in ["GET /profiles/cpu?seconds=61", "GET /profiles/cpu?second=1"] {
            let (status, body) = profiled.ask(line, "").await;
            assert!(status == "400" && body.contains("seconds"), "{status} {body}");
        }
        profiled.served.stop().unwrap();
    });
}
