//! Every fault is reported at once, with its place and with what to write instead.

use super::super::Config;
use super::{SMALLEST, faults, load};

const MANY_FAULTS: &str = r#"
colour = "green"
[kafka]
broker = "localhost:9092"
fetch_buffer = "1MiB"
[kafka.properties]
"group.id" = "mine"
"sasl.password" = [ "hunter2" ]
[[tables]]
name = "Services"
topic = "a/b"
key = "id"
fields = { "a-b" = "/a", b = "@what" }
ttl = "0s"
capacity = "70%"
store = "lru"
[[tables]]
name = "hosts"
topic = 5
key = "/id"
fields = {}
[ingest]
threads = "two"
start = "latest"
max_key = "1MiB"
[memory]
limit = 1.5
[rpc]
listen = "localhost:50051"
[log]
filter = " "
"#;

#[test]
fn every_fault_is_reported_at_once() {
    let environment = [
        ("MILLPOND_KAFKA_BROKERS", "a:1"),
        ("MILLPOND_ADMIN__PORT", "80"),
        ("MILLPOND_SHUTDOWN__DEADLINE", "2 weeks"),
    ];
    let found = faults(MANY_FAULTS, &environment, &["log.format", "kafka.fetch_buffer.x=1"]);
    let expected = [
        ": this names no key of the configuration",
        ": there is no = in it, and so no value",
        "kafka.fetch_buffer.x: this is a value and holds no keys",
        "kafka.brokers: missing",
        "kafka.fetch_buffer: found \"1MiB\": too little",
        "kafka.properties.group.id: millpond owns this setting of librdkafka",
        "kafka.properties.sasl.password: found a list: a single value belongs here",
        "kafka.broker: there is no such key",
        "tables[0].name: found \"Services\": not a table's name",
        "tables[0].topic: found \"a/b\": not a topic's name",
        "tables[0].key: found \"id\": a JSON Pointer begins with a slash",
        "tables[0].fields.a-b: not a field's name",
        "tables[0].fields.b: found \"@what\": after @ comes key, key/POINTER or header/NAME",
        "tables[0].ttl: found \"0s\": too little",
        "tables[0].store: found \"lru\": not known here",
        "tables[1].topic: found \"5\": this goes in quotes",
        "tables[1].fields: missing",
        "tables[1].ttl: missing",
        "tables[1].capacity: missing",
        "ingest.threads: found \"two\": a number goes without quotes",
        "ingest.start: found \"latest\": not known here",
        "ingest.max_key: found \"1MiB\": too much",
        "memory.limit: found \"1.5\": this goes in quotes",
        "rpc.listen: found \"localhost:50051\": invalid socket address syntax",
        "admin.port: there is no such key",
        "log.filter: found \" \": nothing would be logged",
        "shutdown.deadline: found \"2 weeks\": too much",
        "colour: there is no such key",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_fault_says_where_it_was_written_and_what_to_write_instead() {
    let text = SMALLEST.replace("ttl", "tll");
    let environment = [("MILLPOND_KAFKA__FETCH_BUFFER", "1MiB")];
    let page = load(&text, &environment, &["log.format=xml"]).unwrap_err().to_string();
    for part in [
        "the configuration has 4 faults",
        "  kafka.fetch_buffer (environment MILLPOND_KAFKA__FETCH_BUFFER)\n    found \"1MiB\": too little\n    \
         write \"auto\" or a size from 4MiB to 1GiB",
        "millpond.toml:4)\n    missing\n    write a duration",
        "millpond.toml:9)\n    there is no such key\n    write tables[0].ttl, if that was meant",
        "  log.format (--set log.format)\n    found \"xml\": not known here\n    \
         write \"json\" or \"text\"",
    ] {
        assert!(page.contains(part), "{part}\nis not in\n{page}");
    }
}

/// Each old key, in each layer that can hold it, with its new name.
#[test]
fn a_renamed_key_is_a_fault_that_names_the_new_key() {
    for (section, old, new) in [
        ("kafka", "queue", "fetch_buffer"),
        ("ingest", "refresh", "metadata_refresh"),
        ("ingest", "stall_after", "stall_timeout"),
        ("ingest", "rejections", "recent_rejections"),
        ("rpc", "in_flight", "pool"),
        ("rpc", "buffer", "pool"),
    ] {
        let key = format!("{section}.{old}");
        let variable = format!("MILLPOND_{section}__{old}").to_uppercase();
        let setting = format!("{key}=1");
        let file = match section {
            "kafka" => SMALLEST.replacen("[kafka]", &format!("[kafka]\n{old} = 1"), 1),
            _ => format!("{SMALLEST}[{section}]\n{old} = 1"),
        };
        for (page, place) in [
            (load(&file, &[], &[]), "millpond.toml:".to_owned()),
            (load(SMALLEST, &[(&variable, "1")], &[]), format!("environment {variable}")),
            (load(SMALLEST, &[], &[&setting]), format!("--set {key}")),
        ] {
            let page = page.unwrap_err().to_string();
            assert!(page.contains(&place), "{page}");
            let expected = format!(")\n    renamed\n    write {section}.{new}");
            assert!(page.contains(&format!("  {key} (")) && page.ends_with(&expected), "{page}");
        }
    }
}

#[test]
fn text_that_is_not_toml_is_one_fault_with_its_line() {
    let error = load("[kafka]\n\"sasl.password\" = \"hunter2\nx = 1", &[], &[]).unwrap_err();
    let page = error.to_string();
    assert_eq!(error.as_slice().len(), 1);
    assert!(page.contains("millpond.toml:2\n    not TOML: "), "{page}");
    assert!(!page.contains("hunter2"), "{page}");
}

#[test]
fn a_missing_file_is_a_fault() {
    let missing = tempfile::tempdir().unwrap().path().join("none.toml");
    let page = Config::load(Some(&missing), [], &[]).unwrap_err().to_string();
    assert!(page.contains("none.toml"), "{page}");
}

#[test]
fn a_shape_that_does_not_fit_is_a_fault() {
    for (text, expected) in [
        ("kafka = 5", "kafka: this is not a section"),
        ("kafka.properties = \"hunter2\"", "kafka.properties: this is not a section"),
        ("tables = []", "tables: missing"),
        ("tables = {}", "tables: this is not a list"),
        ("tables = [5]", "tables[0]: this is not a section"),
    ] {
        let found = faults(text, &[], &[]);
        assert!(found.iter().any(|fault| fault == expected), "{text}: {found:?}");
        assert!(!found.concat().contains("hunter2"));
    }
    for (setting, expected) in [
        ("tables.2.ttl=1h", "tables[1]: missing before 2"),
        ("tables.one.ttl=1h", "tables.one.ttl: this is a list, and its items go by number"),
        ("a.b.c.d.e.f.g=1", "a.b.c.d.e.f.g: there is no such key: it has too many parts"),
        ("=", ": there is no such key"),
        ("0.x=1", "0: there is no such key"),
        ("kafka..=1", "kafka.: there is no such key"),
        ("kafka.brokers=", "kafka.brokers: found \"\": a broker has no port"),
    ] {
        let found = faults(SMALLEST, &[], &[setting]);
        assert!(found.iter().any(|fault| fault == expected), "{setting}: {found:?}");
    }
}

#[test]
fn a_unit_of_time_that_may_mean_two_things_is_refused_and_the_units_are_listed() {
    for ttl in ["30M", "1month", "2y", "5 parsecs", "90"] {
        let found = faults(SMALLEST, &[], &[&format!("tables.0.ttl={ttl}")]);
        assert_eq!(found.len(), 1, "{ttl}: {found:?}");
        assert!(ttl == "90" || found[0].contains("ms, s, m (minutes), h, d and w"), "{found:?}");
    }
    for ttl in ["30m", "90 s", "1h 30m", "24hours", "7days", "2w", "1500ms"] {
        assert!(load(SMALLEST, &[], &[&format!("tables.0.ttl={ttl}")]).is_ok(), "{ttl}");
    }
}

#[test]
fn a_broker_with_a_scheme_is_told_where_the_protocol_is_set() {
    for broker in ["kafka://a:9092", "http://a:9092", "SASL_SSL://a:9093", "a:9092,ssl://b:9093"] {
        let found = faults(SMALLEST, &[], &[&format!("kafka.brokers={broker}")]);
        assert!(found[0].contains("security.protocol"), "{found:?}");
    }
}

#[test]
fn mechanisms_that_this_build_cannot_do_are_refused_by_name() {
    let of = |settings: &[&str]| {
        let settings: Vec<_> =
            settings.iter().map(|setting| format!("kafka.properties.{setting}")).collect();
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        load(SMALLEST, &[], &settings).map(drop).map_err(|faults| faults.to_string())
    };
    let sasl = "security.protocol=sasl_ssl";
    for (mechanism, word) in [
        ("sasl.mechanism=GSSAPI", "Kerberos"),
        ("sasl.mechanisms=OAUTHBEARER", "OIDC"),
        ("sasl.mechanism=plain", "in capitals"),
        ("sasl.mechanism=hunter2", "not a mechanism"),
        ("client.id=x", "sasl.mechanism"),
    ] {
        let page = of(&[sasl, mechanism]).unwrap_err();
        assert!(page.contains(word) && page.contains("SCRAM-SHA-512"), "{page}");
        assert!(!page.contains("hunter2"), "{page}");
        assert_eq!(of(&[mechanism]), Ok(()), "SASL is not used");
    }
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        assert_eq!(of(&[sasl, &format!("sasl.mechanism={mechanism}")]), Ok(()));
    }
    let tokens = [sasl, "sasl.mechanism=OAUTHBEARER", "enable.sasl.oauthbearer.unsecure.jwt=true"];
    assert_eq!(of(&tokens), Ok(()));
    let fetched = [&tokens[..], &["sasl.oauthbearer.method=oidc"]].concat();
    assert!(of(&fetched).unwrap_err().contains("OIDC"));
}

#[test]
fn a_file_of_tls_that_cannot_be_read_is_a_fault_if_tls_is_used() {
    let missing = tempfile::tempdir().unwrap().path().join("hunter2.pem");
    let ca = format!("kafka.properties.ssl.ca.location={}", missing.display());
    assert!(load(SMALLEST, &[], &[&ca]).is_ok());
    let tls = "kafka.properties.security.protocol=SSL";
    let page = load(SMALLEST, &[], &[tls, &ca]).unwrap_err().to_string();
    let fault = "kafka.properties.ssl.ca.location (--set kafka.properties.ssl.ca.location)\n    \
                 there is no file at this path";
    assert!(page.contains(fault) && !page.contains("hunter2"), "{page}");
    for there in ["probe", "/", env!("CARGO_MANIFEST_DIR")] {
        let ca = format!("kafka.properties.ssl.ca.location={there}");
        assert!(load(SMALLEST, &[], &[tls, &ca]).is_ok(), "{there}");
    }
}

#[test]
fn a_log_filter_that_would_log_nothing_is_a_fault() {
    for filter in ["inof", "milpond=debug", "inof,millpond=debug", "foo::bar", "7"] {
        let found = faults(SMALLEST, &[], &[&format!("log.filter={filter}")]);
        assert_eq!(found.len(), 1, "{filter}: {found:?}");
    }
    for filter in [
        "info",
        "WARN",
        "millpond=debug",
        "info,millpond::ingest=debug",
        "off",
        "warn,librdkafka=debug",
        "error,other=debug",
        "librdkafka",
        "info,[span]=trace",
    ] {
        assert!(load(SMALLEST, &[], &[&format!("log.filter={filter}")]).is_ok(), "{filter}");
    }
}
