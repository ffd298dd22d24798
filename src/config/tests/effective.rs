//! The effective configuration, its digest, and secrets: they are shown nowhere.

use super::super::Property;
use super::{SMALLEST, load, sample};

const SECRETS: [(&str, &str); 6] = [
    ("sasl.password", "hunter2-a"),
    ("ssl.key.pem", "hunter2-b"),
    ("ssl.keystore.password", "hunter2-c"),
    ("sasl.oauthbearer.client.secret", "hunter2-d"),
    ("sasl.oauthbearer.config", "hunter2-e"),
    ("sasl.oauthbearer.assertion.private.key.passphrase", "hunter2-f"),
];

#[test]
fn secrets_are_shown_nowhere() {
    let settings = SECRETS.map(|(name, value)| format!("kafka.properties.{name}={value}"));
    let mut settings: Vec<_> = settings.iter().map(String::as_str).collect();
    settings.push("kafka.properties.client.id=shown");
    let config = load(SMALLEST, &[], &settings).unwrap();
    for page in [config.effective(), format!("{config:?}"), format!("{config:#?}")] {
        assert!(page.contains("<hidden>") && page.contains("shown"), "{page}");
        assert!(!page.contains("hunter2"), "{page}");
    }
    let password = config.kafka.properties.get("sasl.password").map(Property::expose);
    assert_eq!(password, Some("hunter2-a"));
}

/// A secret of letters that occur in no fault and in no path, so that even one of them would be
/// noticed.
const SECRET: &str = "ÆØØÆ";

/// Loads a configuration with a secret in the wrong place. The fault has to arise, and neither
/// its text nor its debug form has a letter of the secret.
fn assert_fault_without_secret(
    text: &str,
    environment: &[(&str, &str)],
    settings: &[&str],
    expected: &str,
) {
    let error = load(text, environment, settings).unwrap_err();
    let faults = error.as_slice().iter().map(|fault| format!("{}: {}", fault.key, fault.wrong));
    assert_eq!(faults.collect::<Vec<_>>(), [expected]);
    let page = format!("{error}\n{error:?}");
    assert!(!page.contains(['Æ', 'Ø']) && !page.contains("2024"), "{page}");
}

#[test]
fn a_fault_in_a_file_shows_no_secret() {
    for (lines, expected) in [
        (
            format!("[kafka.propertis]\n\"sasl.password\" = \"{SECRET}\""),
            "kafka.propertis: there is no such key",
        ),
        (
            "[kafka.properties]\n\"sasl.password\" = 2024-01-01".into(),
            "kafka.properties.sasl.password: found <hidden>: this goes in quotes",
        ),
        (
            format!("[kafka.properties]\n\"sasl.password\" = [\"{SECRET}\"]"),
            "kafka.properties.sasl.password: found a list: a single value belongs here",
        ),
        (
            format!("[kafka.properties]\n\"group.id\" = \"{SECRET}\""),
            "kafka.properties.group.id: millpond owns this setting of librdkafka",
        ),
    ] {
        assert_fault_without_secret(&format!("{SMALLEST}{lines}"), &[], &[], expected);
    }
}

#[test]
fn a_fault_in_the_environment_shows_no_secret() {
    for (name, expected) in [
        ("MILLPOND_SASL_PASSWORD", ": this names no key of the configuration"),
        ("MILLPOND_KAFKA__SASL_PASSWORD", "kafka.sasl_password: there is no such key"),
        ("MILLPOND_KAFKA__BROKERS__X", "kafka.brokers.x: this is a value and holds no keys"),
        ("MILLPOND_KAFKA__PROPERTIES", "kafka.properties: this is not a section"),
    ] {
        assert_fault_without_secret(SMALLEST, &[(name, SECRET)], &[], expected);
    }
}

#[test]
fn a_fault_in_a_flag_shows_no_secret() {
    for (setting, expected) in [
        ("kafka.properties.sasl.password:ÆØØÆ", ": there is no = in it, and so no value"),
        ("kafka.properties=ÆØØÆ", "kafka.properties: this is not a section"),
        ("kafka.sasl.password=ÆØØÆ", "kafka.sasl: there is no such key"),
        (
            "kafka.properties.ssl.key.pem=ÆØØÆ\0",
            "kafka.properties.ssl.key.pem: found <hidden>: a NUL in it",
        ),
    ] {
        assert_fault_without_secret(SMALLEST, &[], &[setting], expected);
    }
}

#[test]
fn the_effective_configuration_loads_to_the_same() {
    let sample = sample();
    for text in [SMALLEST, sample.as_str()] {
        let odd = "kafka.properties.client.rack=\"odd\\ \u{1F600}\n'";
        let settings = [odd, "memory.limit=333.5MiB", "tables.0.ttl=100d 1h"];
        let config = load(text, &[], &settings).unwrap();
        let again = load(&config.effective(), &[], &[]).unwrap();
        assert_eq!(again.effective(), config.effective());
        assert_eq!(again.digest(), config.digest());
        assert_eq!(config.digest().len(), 16);
    }
}

#[test]
fn the_digest_tells_configurations_apart_but_not_by_their_secrets() {
    let digest = |setting| load(SMALLEST, &[], &[setting]).unwrap().digest();
    assert_ne!(digest("log.filter=info"), digest("log.filter=debug"));
    let [one, other] = ["a", "b"].map(|x| format!("kafka.properties.sasl.password={x}"));
    assert_eq!(digest(&one), digest(&other));
}

#[test]
fn the_sample_of_the_reference_page_is_complete_and_loads() {
    let config = load(&sample(), &[], &[]).unwrap();
    assert_eq!(config.tables.len(), 2);
    // The effective configuration has every key there is.
    let effective: toml::Table = config.effective().parse().unwrap();
    let sample: toml::Table = sample().parse().unwrap();
    for (section, keys) in effective.iter().filter(|(_, keys)| keys.is_table()) {
        for key in keys.as_table().unwrap().keys() {
            assert!(sample[section].get(key).is_some(), "{section}.{key} is not in the sample");
        }
    }
}
