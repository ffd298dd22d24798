//! What is shown of a configuration, and what never is.

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

#[test]
fn faults_show_no_secrets() {
    let text = format!(
        "{SMALLEST}[kafka.propertis]\n\"sasl.password\" = \"hunter2\"\n\
         [kafka.properties]\n\"sasl.password\" = 2024-01-01\n\"group.id\" = \"hunter2\""
    );
    let settings = [
        "kafka.properties.sasl.password:hunter2",
        "kafka.properties.ssl.key.pem=hunter2\0",
        "kafka.properties=hunter2",
        "kafka.sasl.password=hunter2",
    ];
    for setting in settings {
        let page = load(&text, &[("MILLPOND_SASL_PASSWORD", "hunter2")], &[setting]).unwrap_err();
        let page = page.to_string();
        assert!(!page.contains("hunter2") && !page.contains("2024"), "{page}");
    }
}

#[test]
fn what_is_shown_loads_to_the_same() {
    let sample = sample();
    for text in [SMALLEST, sample.as_str()] {
        let config = load(text, &[], &["log.filter=\"odd\\ \u{1F600}\n'", "memory.limit=333.5MiB"]);
        let config = config.unwrap();
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
fn the_sample_of_the_page_is_complete_and_loads() {
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
