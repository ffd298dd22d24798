//! The settings that every client of Kafka has, a consumer or not.

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

use super::credentials::Credentials;
use crate::config::Config;

/// The settings of every client, with defaults that the configuration overrides.
pub(super) fn common_settings(
    config: &Config,
    credentials: &Credentials,
    defaults: &[(&str, &str)],
) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set_log_level(RDKafkaLogLevel::Info).set("client.id", "millpond");
    // OpenSSL is compiled in and does not know where this system keeps its certificates, so
    // librdkafka looks in the usual places. It does where TLS is used and no other place is named.
    settings.set("ssl.ca.location", "probe");
    for (name, value) in defaults {
        settings.set(*name, *value);
    }
    for (name, value) in &config.kafka.properties {
        settings.set(name, value.expose());
    }
    for (name, secret) in credentials.settings() {
        settings.set(name, secret.expose());
    }
    settings.set("bootstrap.servers", &config.kafka.brokers);
    settings
}
