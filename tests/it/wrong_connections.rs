//! A wall of wrong connections: for each fault, the first line that a person sees.
//!
//! A process of millpond is started with each fault, against a real broker with TLS and SASL. Its
//! log has to have librdkafka's reason and the setting to look at, once, and no secret.

use std::net::{Ipv4Addr, TcpListener};
use std::time::SystemTime;

use millpond::proto::v1::{BrokerState, GetStatsResponse};
use millpond_acceptance::kafka::SecureKafka;
use millpond_acceptance::served::Served;
use serde_json::Value;

use crate::support::broker::block_on;
use crate::support::caller::Caller;
use crate::support::kafka;
use crate::support::service::{table, with_basics};

/// A wrong configuration, and what the log has to say of it.
struct Fault {
    name: &'static str,
    brokers: String,
    properties: Vec<(&'static str, String)>,
    /// A part of librdkafka's reason.
    reason: &'static str,
    look_at: &'static str,
}

const ENDED: &str = "Disconnected";
const SILENT: &str = "in state APIVERSION_QUERY";
const SECRET: &str = "hunter2-hunter2";

fn fault(
    name: &'static str,
    brokers: &str,
    properties: &[(&'static str, &str)],
    reason: &'static str,
    look_at: &'static str,
) -> Fault {
    let owned = |&(name, value): &(&'static str, &str)| (name, value.to_owned());
    let properties = properties.iter().map(owned).collect();
    Fault { name, brokers: brokers.to_owned(), properties, reason, look_at }
}

/// Addresses where something else than Kafka listens, or nothing.
struct Strangers {
    nobody: String,
    silent: String,
    _listening: TcpListener,
}

impl Strangers {
    fn new() -> Self {
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address =
            |listener: &TcpListener| format!("localhost:{}", listener.local_addr().unwrap().port());
        Self { nobody: address(&gone), silent: address(&listening), _listening: listening }
    }
}

fn network_faults(strangers: &Strangers) -> Vec<Fault> {
    let (plain, brokers) = ([("broker.address.family", "v4")], "kafka.brokers");
    vec![
        fault("nothing listens", &strangers.nobody, &plain, "Connection refused", brokers),
        fault(
            "the name has no address",
            "kafka.invalid:9092",
            &plain,
            "Failed to resolve",
            brokers,
        ),
        fault("the port is silent", &strangers.silent, &plain, SILENT, brokers),
    ]
}

fn tls(ca: &str) -> [(&'static str, &str); 2] {
    [("security.protocol", "SSL"), ("ssl.ca.location", ca)]
}

fn tls_faults(kafka: &SecureKafka) -> Vec<Fault> {
    let ca = |name: &str| kafka.ca(name).to_string_lossy().into_owned();
    let [right, stranger, expired] = [ca("right"), ca("stranger"), ca("expired")];
    let to = |listener: &str| kafka.address(listener);
    let (untrusted, certificate) = ("certificate verify failed", "ssl.ca.location");
    let (protocol, own_certificate) = ("security.protocol", "ssl.certificate.location");
    vec![
        fault("plaintext to TLS", &to("TLS"), &[], ENDED, protocol),
        // How librdkafka puts it depends on how soon the broker closes the connection.
        fault("TLS to plaintext", &to("PLAINTEXT"), &tls(&right), "", protocol),
        fault("no CA", &to("TLS"), &[("security.protocol", "SSL")], untrusted, certificate),
        fault("another CA", &to("TLS"), &tls(&stranger), untrusted, certificate),
        fault("expired", &to("EXPIRED"), &tls(&expired), untrusted, certificate),
        fault("another host's name", &to("STRANGER"), &tls(&stranger), untrusted, certificate),
        fault("no client certificate", &to("MUTUAL"), &tls(&right), "", own_certificate),
    ]
}

fn sasl(mechanism: &str) -> [(&'static str, &str); 4] {
    [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", mechanism),
        ("sasl.username", SecureKafka::USER),
        ("sasl.password", SECRET),
    ]
}

fn sasl_faults(kafka: &SecureKafka) -> Vec<Fault> {
    let to = |listener: &str| kafka.address(listener);
    let ca = kafka.ca("right").to_string_lossy().into_owned();
    let over_tls =
        [&[("security.protocol", "SASL_SSL"), tls(&ca)[1]], &sasl("PLAIN")[1..]].concat();
    let (failed, credentials) = ("Authentication failed", "sasl.password");
    let (protocol, mechanism) = ("security.protocol", "sasl.mechanism");
    let lacking = "broker's supported mechanisms: PLAIN";
    vec![
        fault("wrong password", &to("SASL"), &sasl("PLAIN"), failed, credentials),
        fault("wrong password over TLS", &to("SASLTLS"), &over_tls, failed, credentials),
        fault("unknown user", &to("SCRAM"), &sasl("SCRAM-SHA-256"), "credentials", credentials),
        fault("no such mechanism", &to("SASL"), &sasl("SCRAM-SHA-512"), lacking, mechanism),
        fault("SASL to plaintext", &to("PLAINTEXT"), &sasl("PLAIN"), "SASL", protocol),
        fault("plaintext to SASL", &to("SASL"), &[], ENDED, protocol),
        fault("SASL without TLS", &to("SASLTLS"), &sasl("PLAIN"), ENDED, protocol),
    ]
}

#[test]
fn each_wrong_connection_is_told_once_with_its_reason_and_the_setting_to_look_at() {
    let test = "each_wrong_connection_is_told_once_with_its_reason_and_the_setting_to_look_at";
    let strangers = Strangers::new();
    let mut faults = network_faults(&strangers);
    let Some(kafka) = kafka::require_secure(test) else { return };
    faults.extend(tls_faults(&kafka));
    faults.extend(sasl_faults(&kafka));
    block_on(async {
        let mut wrong = Vec::new();
        for fault in &faults {
            wrong.extend(told_otherwise(fault).await);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    });
}

#[test]
fn right_settings_of_tls_and_sasl_connect() {
    let Some(kafka) = kafka::require_secure("right_settings_of_tls_and_sasl_connect") else {
        return;
    };
    let ca = kafka.ca("right").to_string_lossy().into_owned();
    let properties = [
        ("security.protocol", "SASL_SSL"),
        ("ssl.ca.location", &ca),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", SecureKafka::USER),
        ("sasl.password", SecureKafka::PASSWORD),
    ];
    let right = fault("none", &kafka.address("SASLTLS"), &properties, "", "");
    block_on(async {
        let (mut served, _folder, _) = serve(&right);
        let caller = Caller::of(served.rpc().parse().unwrap());
        let is_connected = |stats: &GetStatsResponse| {
            let mut brokers = stats.kafka.iter().flat_map(|kafka| &kafka.brokers);
            brokers.any(|broker| broker.state() == BrokerState::Connected)
        };
        caller.wait_for("a connection", is_connected).await;
        drop(caller);
        served.stop().unwrap();
        assert_eq!(
            warnings(&served).iter().filter(|line| line["reason"] != Value::Null).count(),
            0
        );
    });
}

/// The process, the folder of its log, and when it was started.
fn serve(fault: &Fault) -> (Served, tempfile::TempDir, SystemTime) {
    let mut settings = with_basics(&fault.brokers, &table(0, "services", "events"));
    let properties = fault.properties.iter();
    settings.extend(properties.map(|(name, value)| format!("kafka.properties.{name}={value}")));
    if !fault.properties.iter().any(|(name, _)| *name == "broker.address.family") {
        settings.push("kafka.properties.broker.address.family=v4".into());
    }
    let folder = tempfile::tempdir().unwrap();
    let program = vec![env!("CARGO_BIN_EXE_millpond").into()];
    let started = SystemTime::now();
    let served = Served::start(program, &settings, folder.path().join("log")).unwrap();
    (served, folder, started)
}

/// What is wrong with what the log says of the fault, if anything is.
#[expect(clippy::print_stdout, reason = "the wall of faults is there to be read")]
async fn told_otherwise(fault: &Fault) -> Option<String> {
    let (mut served, _folder, started) = serve(fault);
    let caller = Caller::of(served.rpc().parse().unwrap());
    // By then every client has failed, more than once.
    let is_known = |stats: &GetStatsResponse| {
        stats.kafka.as_ref().is_some_and(|kafka| {
            let has_fault = kafka.brokers.iter().any(|broker| broker.last_fault.is_some());
            // A port that is silent is no fault for ten seconds.
            kafka.outage_start_time.is_some() && (has_fault || fault.reason == SILENT)
        })
    };
    caller.wait_for(fault.name, is_known).await;
    drop(caller);
    while warnings(&served).is_empty() {
        tokio::task::yield_now().await;
    }
    served.stop().unwrap();

    let (lines, log) = (warnings(&served), std::fs::read_to_string(served.log()).unwrap());
    let part = |name: &str| lines[0][name].as_str().unwrap_or_default();
    let (reason, look_at) = (part("reason"), part("look_at"));
    println!("{} | {reason} | {look_at} | {:.1} s", fault.name, seconds(&lines[0], started));
    // What ends a connection depends on who is faster.
    let is_ended = fault.reason == ENDED && reason.contains("Broken pipe");
    let is_told = (is_ended || reason.contains(fault.reason)) && look_at.contains(fault.look_at);
    let is_right = is_told && lines.len() == 1 && !log.contains(SECRET);
    (!is_right).then(|| format!("{}: {log}", fault.name))
}

fn warnings(served: &Served) -> Vec<Value> {
    let lines = served.log_lines().unwrap();
    lines.into_iter().filter(|line| line["level"] == "WARN").collect()
}

fn seconds(line: &Value, started: SystemTime) -> f64 {
    let time = humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).unwrap();
    // The log's clock counts microseconds.
    time.duration_since(started).unwrap_or_default().as_secs_f64()
}
