//! Memory pressure under a real memory limit: the process stays within it, follows its changes, and
//! responds stage by stage.
//!
//! Each test runs `millpond serve` in a control group.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millpond::proto::v1::lookup_result::Outcome;
use millpond::proto::v1::maintenance_service_client::MaintenanceServiceClient;
use millpond::proto::v1::{
    GetStatsResponse, ListLargestEntriesRequest, MissReason, PressureStage, RemovalCause,
    ShedCause, TableStats,
};
use tokio::time::timeout;

use crate::slow_callers::{ask_slowly_on, slow_channel};
use crate::support::broker::{self, Broker, Message, Topic};
use crate::support::contained::{Contained, Hog};
use crate::support::container::Container;
use crate::support::service::{PATIENCE, assert_counters_add_up, polled};

const MIB: u64 = 1 << 20;
const LIMIT_BYTES: u64 = 256 * MIB;
const PARTITIONS: i32 = 8;
/// A batch, spread over all partitions, fits: the in-process broker keeps 5 MiB of each.
const BATCH_BYTES: usize = 8 << 20;
/// The smallest reserves that work, so that limits can be small.
const SMALL_RESERVES: [&str; 5] = [
    "kafka.fetch_buffer=8MiB",
    "ingest.max_document=512KiB",
    "rpc.pool=6MiB",
    "rpc.max_connections=64",
    "rpc.max_streams=256",
];

/// Runs `behaviour` with a service over an in-process broker, in a container of `limit_bytes`.
fn contained(
    test: &str,
    limit_bytes: u64,
    settings: &[&str],
    behaviour: impl AsyncFnOnce(&Topic, Contained),
) {
    let Some(container) = Container::required_by(test, limit_bytes) else { return };
    let settings: Vec<_> = SMALL_RESERVES.iter().chain(settings).copied().collect();
    broker::in_process(async |broker: &Broker| {
        let topic = broker.create_topic(PARTITIONS).await;
        let service = Contained::start(broker, &topic, container, &settings).await;
        behaviour(&topic, service).await;
    });
}

/// Records with distinct keys, numbered from `first`, of about `bytes` bytes in all.
fn batch(first: u64, sizes: &[usize], bytes: usize) -> Vec<Message> {
    let mean_bytes = sizes.iter().sum::<usize>() / sizes.len() + 100;
    (first..first + (bytes / mean_bytes) as u64)
        .zip(sizes.iter().cycle())
        .map(|(number, &size)| Message {
            partition: Some(i32::try_from(number % 8).unwrap()),
            ..record(&key(number), size)
        })
        .collect()
}

/// Half of the document is plucked. A debug build of a JSON library would be slow, so none is used.
fn record(id: &str, size: usize) -> Message {
    let half = "x".repeat(size / 2);
    let document = format!(r#"{{"id":"{id}","description":"{half}","noise":"{half}"}}"#);
    Message { key: Some(id.into()), payload: Some(document.into()), ..Message::default() }
}

fn key(number: u64) -> String {
    format!("key-{number}")
}

/// Produces at least `bytes` in batches, and waits until each batch is polled. Returns the number
/// after the last record.
async fn produce_until_polled(
    service: &Contained,
    topic: &Topic,
    first: u64,
    sizes: &[usize],
    bytes: u64,
) -> u64 {
    let mut next = first;
    for _ in 0..bytes.div_ceil(BATCH_BYTES as u64) {
        let records = batch(next, sizes, BATCH_BYTES);
        next += records.len() as u64;
        let topic = topic.clone();
        tokio::task::spawn_blocking(move || topic.produce(&records)).await.unwrap();
        service.wait_until_polled(next).await;
    }
    next
}

fn evicted_count(stats: &GetStatsResponse) -> i64 {
    removal_count(&stats.tables[0], RemovalCause::Evicted)
}

fn removal_count(table: &TableStats, cause: RemovalCause) -> i64 {
    table.removals.iter().find(|removal| removal.cause() == cause).unwrap().count
}

fn limit_bytes(stats: &GetStatsResponse) -> u64 {
    stats.memory.as_ref().unwrap().limit_bytes.cast_unsigned()
}

fn stage(stats: &GetStatsResponse) -> PressureStage {
    stats.memory.as_ref().unwrap().pressure.as_ref().unwrap().stage()
}

/// Asserts that the table is within its limit, and uses more than 80 % of it.
fn assert_is_full(stats: &GetStatsResponse) {
    let table = &stats.tables[0];
    assert!(table.weight_bytes <= table.limit_bytes, "{table:?}");
    assert!(table.weight_bytes > table.limit_bytes / 10 * 8, "it is not full: {table:?}");
}

/// Keeps looking up the newest key. Returns the number of lookups.
async fn ask_until(service: &Contained, newest: &AtomicU64, done: &AtomicBool) -> u64 {
    let mut asked = 0;
    while !done.load(Ordering::Relaxed) {
        let key = key(newest.load(Ordering::Relaxed));
        let start = Instant::now();
        service.try_get("services", &key).await.expect("every lookup should be answered");
        assert!(start.elapsed() < PATIENCE / 2);
        asked += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asked
}

#[test]
fn a_stream_larger_than_the_limit_never_reaches_it() {
    const SIZES: [usize; 7] = [200, 1_000, 50_000, 3_000, 300, 400_000, 10_000];
    const MEAN_BYTES: u64 = 66_000;
    /// The smallest limit that leaves a useful table beside the reserves.
    const LIMIT_BYTES: u64 = 160 * MIB;
    let test = "a_stream_larger_than_the_limit_never_reaches_it";
    contained(test, LIMIT_BYTES, &["tables.0.capacity=40%"], async |topic, service| {
        let (newest, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let feeding = async {
            let mut next = 0;
            while next * MEAN_BYTES < LIMIT_BYTES {
                next =
                    produce_until_polled(&service, topic, next, &SIZES, BATCH_BYTES as u64).await;
                newest.store(next - 1, Ordering::Relaxed);
                assert!(service.entry(&key(next - 1)).await.is_some(), "the newest is held");
            }
            done.store(true, Ordering::Relaxed);
            next
        };
        let (records, asked) = tokio::join!(feeding, ask_until(&service, &newest, &done));
        assert!(asked > 10);
        let stats = service.stats().await;
        assert_eq!(polled(&stats), records);
        assert!(evicted_count(&stats).cast_unsigned() > records / 2);
        assert_is_full(&stats);
        assert_counters_add_up(&stats);
        assert_eq!(service.container.oom_kills().unwrap(), 0);
        assert_eq!(service.container.limit_hits().unwrap(), 0);
        assert!(service.container.peak_bytes().unwrap() < LIMIT_BYTES);
        assert!(service.ends_well());
    });
}

#[test]
fn a_changed_limit_is_followed_down_and_up() {
    let test = "a_changed_limit_is_followed_down_and_up";
    contained(test, LIMIT_BYTES, &["tables.0.capacity=4%"], async |topic, service| {
        const SIZES: [usize; 2] = [3_000, 500];
        let next = produce_until_polled(&service, topic, 0, &SIZES, 24 * MIB).await;
        let first = service.stats().await;
        assert_eq!(limit_bytes(&first), LIMIT_BYTES);
        assert_is_full(&first);

        let lower_bytes = LIMIT_BYTES / 8 * 5;
        service.container.set_limit(lower_bytes).unwrap();
        let lowered =
            service.wait_for("the limit", |stats| limit_bytes(stats) == lower_bytes).await;
        assert!(lowered.tables[0].capacity_bytes < first.tables[0].capacity_bytes / 4 * 3);
        assert!(evicted_count(&lowered) > evicted_count(&first));
        assert_is_full(&lowered);
        assert_counters_add_up(&lowered);
        let said = service.said("the memory limit has changed");
        assert_eq!(said.len(), 1);
        assert_eq!((&said[0]["bytes"], &said[0]["fits"]), (&lower_bytes.into(), &true.into()));
        assert_eq!(said[0]["before_bytes"], LIMIT_BYTES);

        let higher_bytes = LIMIT_BYTES * 2;
        service.container.set_limit(higher_bytes).unwrap();
        let raised =
            service.wait_for("the limit", |stats| limit_bytes(stats) == higher_bytes).await;
        assert!(raised.tables[0].capacity_bytes > first.tables[0].capacity_bytes * 2);
        let next = produce_until_polled(&service, topic, next, &SIZES, 40 * MIB).await;
        let refilled = service.stats().await;
        assert!(refilled.tables[0].weight_bytes > first.tables[0].capacity_bytes);
        assert_is_full(&refilled);
        assert_counters_add_up(&refilled);
        assert!(service.entry(&key(next - 1)).await.is_some());
        assert_eq!(service.container.oom_kills().unwrap(), 0);
        assert!(service.ends_well());
    });
}

#[test]
fn a_limit_that_falls_to_an_eighth_leaves_a_table_that_works() {
    const BEFORE_BYTES: u64 = 1 << 30;
    let test = "a_limit_that_falls_to_an_eighth_leaves_a_table_that_works";
    contained(test, BEFORE_BYTES, &["tables.0.capacity=60%"], async |topic, service| {
        let next = produce_until_polled(&service, topic, 0, &[1_000], 16 * MIB).await;
        let before = service.stats().await;
        service.container.set_limit(BEFORE_BYTES / 8).unwrap();
        let is_lower = |stats: &GetStatsResponse| limit_bytes(stats) == BEFORE_BYTES / 8;
        let lowered = service.wait_for("the limit", is_lower).await;
        let (table, first) = (&lowered.tables[0], &before.tables[0]);
        assert!(table.capacity_bytes < first.capacity_bytes / 8, "{table:?}");
        assert!(table.ghost_bytes < first.ghost_bytes / 8, "{table:?} after {first:?}");
        assert!(table.ghost_bytes < table.limit_bytes / 16, "{table:?}");

        let next = produce_until_polled(&service, topic, next, &[1_000], 80 * MIB).await;
        let refilled = service.stats().await;
        assert_is_full(&refilled);
        assert_counters_add_up(&refilled);
        assert!(service.entry(&key(next - 1)).await.is_some());
        assert_eq!(service.container.oom_kills().unwrap(), 0);
        assert_eq!(service.container.limit_hits().unwrap(), 0);
        assert!(service.ends_well());
    });
}

/// The stages that were entered according to the log, in order.
fn logged_stages(service: &Contained) -> Vec<PressureStage> {
    let stage = |message: &String| match message.as_str() {
        "memory is not short any more" => Some(PressureStage::Normal),
        "memory is short, purging freed pages" => Some(PressureStage::Purging),
        "memory is short, evicting entries" => Some(PressureStage::Evicting),
        "memory is short, pausing the stream" => Some(PressureStage::Paused),
        _ => None,
    };
    service.messages().iter().filter_map(stage).collect()
}

/// Uses up the container's memory step by step, until the stream is paused and stays paused.
async fn press_until_paused(service: &Contained) -> Vec<Hog> {
    const LOOKS: usize = 20;
    let free = LIMIT_BYTES / 100 * 88 - service.container.usage_bytes().unwrap();
    let mut hogs = vec![Hog::of(&service.container, free)];
    let start = Instant::now();
    loop {
        let mut paused = 0;
        for _ in 0..LOOKS {
            tokio::time::sleep(Duration::from_millis(10)).await;
            paused += usize::from(stage(&service.stats().await) == PressureStage::Paused);
        }
        if paused == LOOKS {
            return hogs;
        }
        if paused == 0 {
            // The last stage is not reached, so there is memory left to take.
            hogs.push(Hog::of(&service.container, MIB));
        }
        assert!(start.elapsed() < PATIENCE, "never paused: {:?}", logged_stages(service));
    }
}

/// A key that the table holds.
async fn held_key(service: &Contained) -> String {
    let request = ListLargestEntriesRequest { table: "services".into(), ..Default::default() };
    let mut client = MaintenanceServiceClient::new(service.channel());
    client.list_largest_entries(request).await.unwrap().into_inner().entries.remove(0).key
}

fn lag(stats: &GetStatsResponse) -> i64 {
    stats.partitions.iter().map(|partition| partition.lag_records).sum()
}

/// Asserts that a paused stream never counts as stalled.
async fn assert_is_no_stall(service: &Contained, lagging: &GetStatsResponse) {
    let until = lagging.uptime.unwrap().seconds + 6;
    let stats = service.wait_for("time", |stats| stats.uptime.unwrap().seconds > until).await;
    assert!(stats.partitions.iter().all(|each| each.client_recreated_count == 0), "{stats:?}");
}

#[test]
fn pressure_stages_are_entered_in_order_and_left_in_reverse() {
    let test = "pressure_stages_are_entered_in_order_and_left_in_reverse";
    let settings = ["tables.0.capacity=16MiB", "ingest.stall_timeout=4s"];
    contained(test, LIMIT_BYTES, &settings, async |topic, service| {
        let next = produce_until_polled(&service, topic, 0, &[1_000], 16 * MIB).await;
        let before = service.stats().await;
        assert_eq!(stage(&before), PressureStage::Normal);

        let hogs = press_until_paused(&service).await;
        let paused = service.stats().await;
        assert_eq!(evicted_count(&paused), evicted_count(&before), "nothing left for room");
        assert!(removal_count(&paused.tables[0], RemovalCause::EvictedForPressure) > 0);
        assert!(paused.tables[0].limit_bytes < paused.tables[0].capacity_bytes, "{paused:?}");
        let more = batch(next, &[100], 200_000);
        topic.produce(&more);
        let lagging = service
            .wait_for("the lag", |stats| {
                assert_eq!(polled(stats), next, "the stream is paused");
                lag(stats) == i64::try_from(more.len()).unwrap()
            })
            .await;
        assert_eq!(stage(&lagging), PressureStage::Paused);
        assert_is_no_stall(&service, &lagging).await;
        let held = held_key(&service).await;
        assert!(service.entry(&held).await.is_some());

        drop(hogs);
        let all = next + more.len() as u64;
        service.wait_until_polled(all).await;
        let normal = |stats: &GetStatsResponse| stage(stats) == PressureStage::Normal;
        let after = service.wait_for("an end of it", normal).await;
        assert_eq!((polled(&after), lag(&after)), (all, 0));
        assert!(after.tables[0].limit_bytes > paused.tables[0].limit_bytes);
        assert!(service.entry(&key(all - 1)).await.is_some());
        assert_counters_add_up(&after);
        assert_stages(&service, &after);
        assert_eq!(service.container.oom_kills().unwrap(), 0);
        assert!(service.ends_well());
    });
}

/// The calls that were shed because memory was short.
fn shed_count(stats: &GetStatsResponse) -> i64 {
    let counts = &stats.rpc.as_ref().unwrap().shed_calls;
    counts.iter().filter(|each| each.cause() == ShedCause::MemoryShort).map(|each| each.count).sum()
}

#[test]
fn what_callers_hold_is_shed_before_an_entry_is_evicted() {
    const HELD_BYTES: i64 = 12 << 20;
    let test = "what_callers_hold_is_shed_before_an_entry_is_evicted";
    let settings = ["tables.0.capacity=16MiB", "rpc.pool=64MiB"];
    contained(test, LIMIT_BYTES, &settings, async |topic, service| {
        topic.produce(&[record("large", 400_000)]);
        service.wait_until_polled(1).await;
        let mut unread = Vec::new();
        for _ in 0..4 {
            let asked = ask_slowly_on(slow_channel(service.rpc()), vec!["large".into(); 16], None);
            unread.push(timeout(PATIENCE, asked).await.unwrap().unwrap());
        }
        let before = service.stats().await;
        assert!(before.rpc.as_ref().unwrap().held_bytes > HELD_BYTES, "{:?}", before.rpc);

        let free = LIMIT_BYTES / 100 * 92 - service.container.usage_bytes().unwrap();
        let mut hogs = vec![Hog::of(&service.container, free)];
        let start = Instant::now();
        while shed_count(&service.stats().await) == 0 {
            assert!(start.elapsed() < PATIENCE, "nothing was shed: {:?}", logged_stages(&service));
            hogs.push(Hog::of(&service.container, MIB));
        }
        let shed = service.stats().await;
        let evicted = removal_count(&shed.tables[0], RemovalCause::EvictedForPressure);
        assert_eq!(evicted, 0, "{:?}", shed.rpc);
        assert!(service.entry("small").await.is_none(), "small lookups are answered");
        drop(hogs);
        for unread in &mut unread {
            let _ = timeout(PATIENCE, unread.message()).await.unwrap();
        }
        service.wait_for("an end of it", |stats| stage(stats) == PressureStage::Normal).await;
        assert_eq!(service.container.oom_kills().unwrap(), 0);
        assert!(service.ends_well());
    });
}

/// Asserts that the stages were entered one by one, up and then down again.
fn assert_stages(service: &Contained, stats: &GetStatsResponse) {
    use PressureStage::{Evicting, Normal, Paused, Purging};
    let said = logged_stages(service);
    let mut firsts = Vec::new();
    for stage in &said {
        if !firsts.contains(stage) {
            firsts.push(*stage);
        }
    }
    assert_eq!(
        firsts.iter().filter(|&&stage| stage != Normal).collect::<Vec<_>>(),
        [&Purging, &Evicting, &Paused]
    );
    assert!(said.ends_with(&[Paused, Evicting, Purging, Normal]), "{said:?}");
    for entered in &stats.memory.as_ref().unwrap().pressure.as_ref().unwrap().entered {
        let times = said.iter().filter(|stage| **stage == entered.stage()).count();
        assert_eq!(
            entered.count.cast_unsigned(),
            times as u64,
            "{:?} in {said:?}",
            entered.stage()
        );
    }
}

/// A key of which the table remembers that its entry was evicted for pressure. There is not a ghost
/// entry for every key.
async fn key_evicted_for_pressure(service: &Contained, keys: u64) -> String {
    for key in (0..keys).map(key) {
        let got = service.try_get("services", &key).await.unwrap();
        let Some(Outcome::Miss(miss)) = got.result.unwrap().outcome else { continue };
        if miss.reason() == MissReason::EvictedForPressure {
            return key;
        }
    }
    panic!("no miss says that its entry was evicted for pressure");
}

/// Evicts entries of a table with this store for pressure, and lets the pressure end.
fn evict_and_reload(test: &str, store: &str) {
    let settings = ["tables.0.capacity=16MiB", &format!("tables.0.store={store}")];
    contained(test, LIMIT_BYTES, &settings, async |topic, service| {
        let keys = produce_until_polled(&service, topic, 0, &[1_000], 6 * MIB).await;
        let hogs = press_until_paused(&service).await;
        let pressed = service.stats().await;
        assert!(removal_count(&pressed.tables[0], RemovalCause::EvictedForPressure) > 0);
        assert_eq!(evicted_count(&pressed), 0, "nothing left for room");
        let evicted = key_evicted_for_pressure(&service, keys).await;

        drop(hogs);
        let is_whole = |stats: &GetStatsResponse| {
            stats.tables[0].entry_count.cast_unsigned() == keys && lag(stats) == 0
        };
        let after = service.wait_for("all entries", is_whole).await;
        assert!(polled(&after) > polled(&pressed), "they were read again");
        assert!(service.entry(&evicted).await.is_some());
        assert_counters_add_up(&after);
        let said = service.said("reading again what was evicted while memory was short");
        assert!(!said.is_empty() && said[0]["from"].as_i64() < said[0]["to"].as_i64(), "{said:?}");
        assert!(service.ends_well());
    });
}

#[test]
fn what_moka_evicted_for_pressure_is_read_again_once_memory_is_not_short() {
    let test = "what_moka_evicted_for_pressure_is_read_again_once_memory_is_not_short";
    evict_and_reload(test, "moka");
}

#[test]
fn what_the_compact_store_evicted_for_pressure_is_read_again_once_memory_is_not_short() {
    let test = "what_the_compact_store_evicted_for_pressure_is_read_again_once_memory_is_not_short";
    evict_and_reload(test, "compact");
}
