//! Whether librdkafka takes the settings, and what it warns of, without a broker.

use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};
use rdkafka::types::RDKafkaConfRes;

use super::client::consumer_settings;
use super::credentials::Credentials;
use super::dead_letters;
use super::redaction::{Redaction, hide_value};
use crate::config::Config;

/// librdkafka's facility for warnings about settings.
const WARNING: &str = "CONFWARN";
/// More than librdkafka has in its queue when a client was created.
const MAX_WARNINGS: usize = 200;
/// How a warning says that a setting is another kind of client's.
const OTHERS_SETTING: &str = "property and will be ignored";

/// Has librdkafka check the settings. Returns its warnings.
///
/// # Errors
///
/// When it refuses a setting, or a secret's file holds none; the text says which and why, without the
/// value.
pub fn check_settings(config: &Config) -> Result<Vec<String>, String> {
    let credentials = Credentials::read(&config.kafka)?;
    let redaction = Redaction::of(config, &credentials);
    let warnings = warnings(config, &credentials).map_err(|error| refusal(&redaction, &error))?;
    Ok(warnings.iter().map(|warning| redaction.hide(warning)).collect())
}

fn warnings(config: &Config, credentials: &Credentials) -> KafkaResult<Vec<String>> {
    let of_consumer = consumer_warnings(consumer_settings(config, credentials))?;
    let settings = dead_letters::settings(config, credentials);
    let Some(settings) = settings else { return Ok(of_consumer) };
    // Both clients are given all settings, and each ignores the other's.
    let mut all = of_consumer;
    all.extend(producer_warnings(&settings)?);
    all.retain(|warning| !warning.contains(OTHERS_SETTING));
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn consumer_warnings(mut settings: ClientConfig) -> KafkaResult<Vec<String>> {
    // One with a group takes a tenth of a second to leave it, at every start of the service.
    settings.remove("group.id");
    let consumer: BaseConsumer<Warnings> = settings.create_with_context(Warnings::default())?;
    // Its warnings are in its queue, and others that came meanwhile. A poll takes one of them.
    (0..MAX_WARNINGS).for_each(|_| drop(consumer.poll(Duration::ZERO)));
    Ok(consumer.context().take())
}

fn producer_warnings(settings: &ClientConfig) -> KafkaResult<Vec<String>> {
    let producer: BaseProducer<Warnings> = settings.create_with_context(Warnings::default())?;
    (0..MAX_WARNINGS).for_each(|_| producer.poll(Duration::ZERO));
    Ok(producer.context().take())
}

/// What librdkafka refuses, without a value of the configuration.
fn refusal(redaction: &Redaction, error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
            format!("kafka.properties.\"{name}\": librdkafka has no such setting")
        }
        KafkaError::ClientConfig(_, reason, name, value) => {
            let reason = redaction.hide(&hide_value(reason.clone(), value));
            format!("kafka.properties.\"{name}\": {reason}")
        }
        KafkaError::ClientCreation(reason) => redaction.hide(reason),
        other => redaction.hide(&other.to_string()),
    }
}

/// Collects the warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

impl ClientContext for Warnings {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        if facility == WARNING {
            // Before the text stands the thread that it comes from.
            let text = message.split_once("]: ").map_or(message, |(_, text)| text);
            self.0.lock().push(text.to_owned());
        }
    }

    /// A client that is only created and dropped has no brokers to reach.
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Warnings {}

impl ProducerContext for Warnings {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &rdkafka::message::DeliveryResult<'_>, (): ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &[&str]) -> Result<Vec<String>, String> {
        let basics = [
            "kafka.brokers=localhost:1",
            "tables.0.name=t",
            "tables.0.topic=t",
            "tables.0.key=/id",
            "tables.0.fields.f=/f",
            "tables.0.ttl=1h",
        ];
        let settings: Vec<_> = basics.iter().chain(settings).map(ToString::to_string).collect();
        check_settings(&Config::load(None, [], &settings).unwrap())
    }

    #[test]
    fn settings_of_our_own_cause_no_warning() {
        assert_eq!(check(&[]), Ok(vec![]));
        assert_eq!(check(&["kafka.dead_letter=dead"]), Ok(vec![]));
    }

    #[test]
    fn a_setting_that_has_no_effect_is_a_warning() {
        let found = check(&["kafka.properties.enable.idempotence=true"]).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("enable.idempotence is a producer property"), "{found:?}");
        let of_both = ["kafka.properties.enable.idempotence=true", "kafka.dead_letter=dead"];
        assert_eq!(check(&of_both), Ok(vec![]), "the producer of dead letters takes it");
    }

    #[test]
    fn a_refusal_names_the_setting_and_no_value() {
        for (setting, name) in [
            ("kafka.properties.security.protocol=hunter2", "security.protocol"),
            ("kafka.properties.sasl.pasword=hunter2", "sasl.pasword"),
            ("kafka.properties.socket.timeout.ms=hunter2", "socket.timeout.ms"),
            ("kafka.properties.socket.timeout.ms=1", "socket.timeout.ms"),
        ] {
            let refusal = check(&[setting]).unwrap_err();
            assert!(refusal.contains(&format!("\"{name}\": ")), "{refusal}");
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn the_mechanisms_that_the_configuration_takes_are_compiled_in() {
        let create = |mechanism: &str, more: &[(&str, &str)]| {
            let mut settings = ClientConfig::new();
            settings.set("security.protocol", "SASL_SSL").set("sasl.mechanism", mechanism);
            settings.set("sasl.username", "u").set("sasl.password", "p");
            for (name, value) in more {
                settings.set(*name, *value);
            }
            consumer_warnings(settings).is_ok()
        };
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            assert!(create(mechanism, &[]), "{mechanism}");
        }
        assert!(create("OAUTHBEARER", &[("enable.sasl.oauthbearer.unsecure.jwt", "true")]));
        assert!(!create("GSSAPI", &[]), "the configuration refuses it");
        let fetched = ("sasl.oauthbearer.method", "oidc");
        let from = ("sasl.oauthbearer.token.endpoint.url", "http://localhost:1");
        assert!(!create("OAUTHBEARER", &[fetched, from]), "the configuration refuses it");
    }
}
