//! The census: memory that one type allocates is counted in that type and in no other.

use std::hint::black_box;
use std::sync::mpsc;
use std::thread;

use millpond::config::Store;
use millpond::heap::{self, Account};
use millpond::memory::{Accounts, Census, MemoryType};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::records::{Writer, table};
use crate::{MIB, turn};

const MEGABYTES: u64 = 40;
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[test]
fn memory_of_a_type_is_counted_in_that_type_only() {
    let (_turn, _account) = turn();
    let accounts = Accounts::open(["services", "others"]).unwrap();
    let mut tables = accounts.tables();
    table_grows(&accounts, "services", Store::Moka, tables.next().unwrap());
    table_grows(&accounts, "others", Store::Compact, tables.next().unwrap());
    thread_grows(&accounts, &MemoryType::Ingest, &accounts.ingest);
    thread_grows(&accounts, &MemoryType::Rpc, &accounts.rpc);
    thread_grows(&accounts, &MemoryType::OtherHeap, &accounts.other);
    outside_the_heap_grows(&accounts);
    allocator_grows(&accounts);
    // The last one, because its cluster goes on freeing memory for a while.
    kafka_client_grows(&accounts);
}

fn table_grows(accounts: &Accounts, name: &str, store: Store, account: &Account) {
    let before = census(accounts);
    let table = table(store, account, 64 * MIB);
    let writer = Writer::new(&table, &"x".repeat(4 << 10));
    let put = (0..).find_map(|number| {
        writer.store(number);
        let weight = table.weight_bytes();
        (weight >= MEGABYTES * MIB).then_some(weight)
    });
    table.maintain();
    assert_grew(&before, &census(accounts), &MemoryType::Table(name.into()), put.unwrap());
}

fn thread_grows(accounts: &Accounts, memory_type: &MemoryType, account: &Account) {
    let before = census(accounts);
    let account = account.clone();
    let (done, wait) = mpsc::sync_channel::<()>(0);
    let (filled, is_filled) = mpsc::sync_channel(0);
    let thread = thread::spawn(move || {
        account.adopt_thread();
        let pieces: Vec<_> = (0..MEGABYTES * 256).map(|_| vec![1_u8; 4 << 10]).collect();
        filled.send(()).unwrap();
        let _ = wait.recv();
        drop(pieces);
    });
    is_filled.recv().unwrap();
    assert_grew(&before, &census(accounts), memory_type, MEGABYTES * MIB);
    drop(done);
    thread.join().unwrap();
}

/// A consumer that is not polled keeps what it has fetched.
fn kafka_client_grows(accounts: &Accounts) {
    const PARTITIONS: i32 = 20;
    /// Twice as much as for other types, because late frees of cluster and producer distort it.
    const PUT: u64 = 2 * MEGABYTES * MIB;
    /// This many readings in a row must be right, so that the value is not right by chance.
    const STEADY: u32 = 100;
    const RECORD: usize = 256 << 10;
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("events", PARTITIONS, 1).unwrap();
    let bootstrap = cluster.bootstrap_servers();
    produce(&bootstrap, PARTITIONS, RECORD, PUT);

    let before = census(accounts);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &bootstrap)
        .set("group.id", "census")
        .set("queued.max.messages.kbytes", "1048576")
        .create()
        .unwrap();
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset("events", partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    let (start, mut steady) = (std::time::Instant::now(), 0);
    let mut after = census(accounts);
    while steady < STEADY && start.elapsed() < PATIENCE {
        after = census(accounts);
        let off = grown(&before, &after, &MemoryType::KafkaClient).abs_diff(PUT.cast_signed());
        steady = if off <= PUT / 20 { steady + 1 } else { 0 };
    }
    assert_grew(&before, &after, &MemoryType::KafkaClient, PUT);
}

/// Puts 4 MiB into each partition. The in-process cluster drops what exceeds 5 MiB.
fn produce(bootstrap: &str, partitions: i32, record: usize, put: u64) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let payload = vec![b'x'; record];
    let records = usize::try_from(put).unwrap() / record;
    for partition in (0..partitions).cycle().take(records) {
        let record: BaseRecord<'_, (), [u8]> =
            BaseRecord::to("events").partition(partition).payload(&payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(PATIENCE).unwrap();
}

/// One of the sixteen pieces in each page stays allocated and keeps the page.
fn allocator_grows(accounts: &Accounts) {
    let mut pieces: Vec<_> = (0..MEGABYTES * 4096).map(|_| Box::new([1_u8; 256])).collect();
    let before = census(accounts);
    let mut nth = 0;
    pieces.retain(|_| {
        nth += 1;
        nth % 16 == 0
    });
    heap::flush_thread_cache();
    let freed = MEGABYTES * MIB / 16 * 15;
    let after = census(accounts);
    assert_within(grown(&before, &after, &MemoryType::Allocator), freed);
    assert_within(-grown(&before, &after, &MemoryType::OtherHeap), freed);
    drop(pieces);
}

#[expect(clippy::large_stack_arrays, reason = "stacks are what is to grow")]
fn outside_the_heap_grows(accounts: &Accounts) {
    /// More than for other types: jemalloc counts some 3 MiB as resident that it never touched.
    /// They hide the growth until more memory is anonymous than jemalloc accounts for.
    const STACK: usize = 80 << 20;
    let before = census(accounts);
    let (done, wait) = mpsc::sync_channel::<()>(0);
    let (filled, is_filled) = mpsc::sync_channel(0);
    let thread = thread::Builder::new().stack_size(STACK + (4 << 20)).spawn(move || {
        let mut on_the_stack = [1_u8; STACK];
        black_box(&mut on_the_stack);
        filled.send(()).unwrap();
        let _ = wait.recv();
    });
    is_filled.recv().unwrap();
    assert_grew(&before, &census(accounts), &MemoryType::OutsideHeap, STACK as u64);
    drop(done);
    thread.unwrap().join().unwrap();
}

/// Returns freed pages to the system first, since the time that the allocator keeps them does not
/// matter here. Its own thread may be returning pages at the same time. Then the allocator does
/// not count them any more while the system still does, so this waits until RSS is steady.
fn census(accounts: &Accounts) -> Census {
    heap::flush_thread_cache();
    heap::purge();
    let start = std::time::Instant::now();
    loop {
        let earlier = accounts.census();
        thread::yield_now();
        let census = accounts.census();
        let is_still = census.rss_bytes.abs_diff(earlier.rss_bytes) < MIB / 4;
        if is_still || start.elapsed() > PATIENCE {
            return census;
        }
    }
}

fn grown(before: &Census, after: &Census, memory_type: &MemoryType) -> i64 {
    after.bytes_of(memory_type).cast_signed() - before.bytes_of(memory_type).cast_signed()
}

fn assert_within(grown: i64, wanted: u64) {
    let off = grown.abs_diff(wanted.cast_signed());
    assert!(off <= wanted / 20, "grown by {grown} B and not by {wanted} B");
}

fn assert_grew(before: &Census, after: &Census, memory_type: &MemoryType, put: u64) {
    let sum: u64 = after.types.iter().map(|each| each.bytes).sum();
    assert_eq!(sum - after.untouched_bytes, after.rss_bytes, "{after:?}");
    for each in &after.types {
        let grown = grown(before, after, &each.memory_type);
        let expected = if each.memory_type == *memory_type { put.cast_signed() } else { 0 };
        let off = grown.abs_diff(expected);
        let what = &each.memory_type;
        let is_less = grown < 0 && expected == 0;
        assert!(
            off <= put / 20 || is_less,
            "{put} B were put into {memory_type}, and {what} has grown by {grown} B"
        );
    }
}
