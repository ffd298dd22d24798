//! Which value holds when several layers set a key.

use std::time::Duration;

use super::super::{ByteSize, Config, Fitted, LogFormat, MemoryLimit, Start, Store};
use super::{SMALLEST, load};

#[test]
fn the_smallest_configuration_gets_the_defaults() {
    let config = load(SMALLEST, &[], &[]).unwrap();
    assert_eq!(config.kafka.fetch_buffer, Fitted::Auto(ByteSize::mib(48)));
    assert!(config.kafka.properties.is_empty());
    let [table] = config.tables.as_slice() else { panic!("one table") };
    assert_eq!(table.key, "/id".parse::<super::super::Source>().unwrap().into());
    assert_eq!(table.life.ttl, Duration::from_secs(24 * 3600));
    assert_eq!(table.capacity, "60%".parse().unwrap());
    assert_eq!(table.store, Store::Moka);
    assert!((1..=4).contains(&config.ingest.threads.get()));
    assert_eq!(config.ingest.start, Start::Alive);
    assert_eq!(config.memory.limit, MemoryLimit::Auto);
    assert_eq!(config.rpc.listen.to_string(), "0.0.0.0:50051");
    assert_eq!(config.rpc.pool, Fitted::Auto(ByteSize::mib(8)));
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.shutdown.deadline, Duration::from_secs(20));
}

#[test]
fn a_later_layer_writes_over_an_earlier_one() {
    let text = format!("{SMALLEST}capacity = \"10%\"\n[log]\nformat = \"text\"");
    let config = |environment, settings| load(&text, environment, settings).unwrap();
    let variable: &[_] = &[("MILLPOND_TABLES__0__CAPACITY", "64MiB")];
    let capacity = |config: &Config| config.tables.first().unwrap().capacity.to_string();
    assert_eq!(capacity(&config(&[], &[])), "10%");
    assert_eq!(capacity(&config(variable, &[])), "64MiB");
    assert_eq!(capacity(&config(variable, &["tables.0.capacity=32MiB"])), "32MiB");
    assert_eq!(config(variable, &[]).log.format, LogFormat::Text);
}

#[test]
fn settings_that_are_not_written_fit_the_limit() {
    let config = load(SMALLEST, &[], &[]).unwrap();
    let fitted = |mib: u64| {
        let sized = config.sized_for(mib << 20);
        let [buffer, pool] = [sized.kafka.fetch_buffer, sized.rpc.pool].map(Fitted::get);
        let rpc = sized.rpc;
        let caps = [rpc.max_connections, rpc.max_connections_per_peer, rpc.max_streams];
        (buffer.as_u64() >> 20, pool.as_u64() >> 20, caps.map(Fitted::get))
    };
    assert_eq!(fitted(20), (10, 6, [32, 16, 128]));
    assert_eq!(fitted(64), (10, 6, [64, 32, 256]));
    let threads = config.ingest.threads.get();
    let smallest = |most: usize| 5 * (threads.min(most) as u64 + 1);
    assert_eq!(fitted(128), (smallest(2), 8, [128, 64, 512]));
    assert_eq!(fitted(256), (smallest(4), 8, [128, 64, 512]));
    assert_eq!(fitted(1_024), (42, 8, [128, 64, 512]));
    assert_eq!(fitted(8_192), (48, 8, [128, 64, 512]));
    assert_eq!(config.sized_for(64 << 20).ingest.threads.get(), 1);
    assert_eq!(config.sized_for(64 << 20).digest(), config.digest());
}

#[test]
fn settings_that_are_written_hold_under_any_limit() {
    let written = ["kafka.fetch_buffer=30MiB", "ingest.threads=3", "rpc.max_connections=11"];
    let sized = load(SMALLEST, &[], &written).unwrap().sized_for(64 << 20);
    assert_eq!(sized.kafka.fetch_buffer.get(), ByteSize::mib(30));
    assert_eq!(sized.ingest.threads.get(), 3);
    assert_eq!(sized.rpc.max_connections.get(), 11);
    assert_eq!(sized.rpc.max_connections_per_peer.get(), 6, "half of what is written");
    assert!(sized.effective().contains("max_connections_per_peer = \"auto\""));
}

#[test]
fn environment_and_flags_alone_can_be_enough() {
    let environment = [
        ("MILLPOND_KAFKA__BROKERS", "a:1,[::1]:2"),
        ("MILLPOND_TABLES__0__NAME", "services"),
        ("MILLPOND_TABLES__0__TOPIC", "t"),
        ("MILLPOND_TABLES__0__KEY", "@key"),
        ("MILLPOND_INGEST__THREADS", "3"),
        ("PATH", "/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = ["tables.0.fields.Owner=/a.b=c", "tables.0.ttl=1h"].map(str::to_owned);
    let config = Config::load(None, environment, &settings).unwrap();
    assert_eq!(config.ingest.threads.get(), 3);
    let table = config.tables.first().unwrap();
    assert_eq!(table.fields.get("Owner"), Some(&"/a.b=c".parse().unwrap()));
}

#[test]
fn settings_of_librdkafka_have_dots_in_every_layer() {
    let text = format!(
        "{SMALLEST}[kafka.properties]\n\"a.quoted\" = 5\na.nested = true\nmax.in.flight = 2"
    );
    let environment = [("MILLPOND_KAFKA__PROPERTIES__MAX_IN_FLIGHT", "7")];
    let config = load(&text, &environment, &["kafka.properties.b.flag=x=y"]).unwrap();
    let found: Vec<_> = config
        .kafka
        .properties
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    let expected =
        [("a.nested", "true"), ("a.quoted", "5"), ("b.flag", "x=y"), ("max.in.flight", "7")];
    assert_eq!(found, expected);
}

#[test]
fn variables_that_are_not_for_the_configuration_are_left_alone() {
    let environment = [
        ("MILLPOND_REQUIRE_ALL", "1"),
        ("MILLPOND_TEST_KAFKA", "localhost:9092"),
        ("MILLPOND_PORT", "tcp://10.0.0.1:50051"),
        ("MILLPOND_SERVICE_HOST", "10.0.0.1"),
        ("MILLPOND_SERVICE_PORT_GRPC", "50051"),
        ("MILLPOND_PORT_50051_TCP_PROTO", "tcp"),
    ];
    load(SMALLEST, &environment, &[]).unwrap();
}
