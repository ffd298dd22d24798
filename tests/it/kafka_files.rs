//! Passwords and certificates of Kafka's clients that are replaced in their files while millpond
//! runs, and what happens to bad ones.

use std::fs;
use std::path::{Path, PathBuf};

use millpond_acceptance::kafka::SecureKafka;
use millpond_acceptance::served::Served;

use crate::command::{run, text};
use crate::stream::event;
use crate::support::broker::{Broker, block_on};
use crate::support::caller::Caller;
use crate::support::kafka;
use crate::support::service::{Service, assert_counters_add_up, table, with_basics};

const NEXT_PASSWORD: &str = "the-next-password";

/// The files of the clients, in a folder that goes with this.
struct Files(tempfile::TempDir);

impl Files {
    fn of(kafka: &SecureKafka) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("password", SecureKafka::PASSWORD);
        files.write("store-password", SecureKafka::STORE_PASSWORD);
        files.replace_store(&kafka.key_store("client"));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// At once, as files should be replaced.
    fn replace_store(&self, store: &Path) {
        fs::copy(store, self.path("new.p12")).unwrap();
        fs::rename(self.path("new.p12"), self.path("client.p12")).unwrap();
    }

    fn by_password(&self) -> Vec<String> {
        vec![
            "kafka.properties.security.protocol=SASL_PLAINTEXT".into(),
            "kafka.properties.sasl.mechanism=PLAIN".into(),
            format!("kafka.properties.sasl.username={}", SecureKafka::USER),
            format!("kafka.secrets.sasl.password={}", self.path("password").display()),
        ]
    }

    fn by_certificate(&self, kafka: &SecureKafka) -> Vec<String> {
        let (store, password) = (self.path("client.p12"), self.path("store-password"));
        vec![
            "kafka.properties.security.protocol=SSL".into(),
            format!("kafka.properties.ssl.ca.location={}", kafka.ca("right").display()),
            format!("kafka.properties.ssl.keystore.location={}", store.display()),
            format!("kafka.secrets.ssl.keystore.password={}", password.display()),
        ]
    }
}

fn all_settings(topic: &str, of_kafka: Vec<String>) -> Vec<String> {
    let mut all = table(0, "services", topic);
    all.push("ingest.start=earliest".into());
    all.push("kafka.properties.broker.address.family=v4".into());
    all.extend(of_kafka);
    all
}

#[test]
fn a_password_and_a_certificate_that_are_replaced_are_used_without_a_restart() {
    let test = "a_password_and_a_certificate_that_are_replaced_are_used_without_a_restart";
    let Some(mut kafka) = kafka::require_secure(test) else { return };
    let files = Files::of(&kafka);
    block_on(async {
        let topic = Broker::Real(kafka.address("PLAINTEXT")).create_topic(2).await;
        topic.produce(&[event("a", "first")]);
        let settings = [
            ("SASL", all_settings(&topic.name, files.by_password())),
            ("MUTUAL", all_settings(&topic.name, files.by_certificate(&kafka))),
        ];
        let mut services = Vec::new();
        for (listener, settings) in &settings {
            let service = Service::start_with(&kafka.address(listener), settings).await;
            service.wait_until_polled(1).await;
            services.push(service);
        }
        files.write("password", NEXT_PASSWORD);
        files.replace_store(&kafka.key_store("next-client"));
        kafka.restart_with(NEXT_PASSWORD, "next-client").unwrap();
        topic.produce(&[event("a", "second")]);
        for service in services {
            assert_counters_add_up(&service.wait_until_polled(2).await);
            assert_eq!(service.description("a").await.as_deref(), Some("second"));
            service.stop().await;
        }
    });
}

#[test]
fn a_bad_password_file_is_told_of_and_the_old_password_goes_on() {
    let test = "a_bad_password_file_is_told_of_and_the_old_password_goes_on";
    let Some(kafka) = kafka::require_secure(test) else { return };
    let files = Files::of(&kafka);
    block_on(async {
        let topic = Broker::Real(kafka.address("PLAINTEXT")).create_topic(1).await;
        topic.produce(&[event("a", "first")]);
        let mut all = all_settings(&topic.name, files.by_password());
        all.push("log.filter=debug".into());
        let all = with_basics(&kafka.address("SASL"), &all);
        let program = vec![env!("CARGO_BIN_EXE_millpond").into()];
        let mut served = Served::start(program, &all, files.path("log")).unwrap();
        let caller = Caller::of(served.rpc().parse().unwrap());
        caller.wait_until_polled(1).await;
        files.write("password", "");
        let refused = |line: &serde_json::Value| {
            let message = line["message"].as_str().unwrap_or_default();
            line["level"] == "WARN" && message.contains("going on with the old ones")
        };
        while !served.log_lines().unwrap().iter().any(refused) {
            tokio::task::yield_now().await;
        }
        topic.produce(&[event("a", "second")]);
        caller.wait_until_polled(2).await;
        files.write("password", SecureKafka::PASSWORD);
        drop(caller);
        served.stop().unwrap();
        assert_no_secret(&fs::read_to_string(served.log()).unwrap());
        let checked = run(&[&["check"], &arguments(&all)[..]].concat());
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
        let shown = text(&checked.stdout);
        assert!(shown.contains("\"sasl.password\" = "), "{shown}");
        assert_no_secret(&(shown + &text(&checked.stderr)));
    });
}

fn arguments(all: &[String]) -> Vec<&str> {
    all.iter().flat_map(|setting| ["--set", setting.as_str()]).collect()
}

fn assert_no_secret(shown: &str) {
    for secret in [SecureKafka::PASSWORD, NEXT_PASSWORD, SecureKafka::STORE_PASSWORD] {
        assert!(!shown.contains(secret), "a secret is shown: {shown}");
    }
}
