//! The service explains its memory: statistics by type, one described entry, and a reclaim.

use millpond::proto::v1::maintenance_service_client::MaintenanceServiceClient;
use millpond::proto::v1::{
    BudgetPurpose, DescribeEntryRequest, EntryDescription, ErrorReason, FindingKind,
    GetStatsResponse, Memory, MemoryType, ReclaimRequest, TableStats,
};
use tonic::{Code, Status};

use crate::lookups::{assert_error, violated_fields};
use crate::stream::{event, now_ms};
use crate::support::broker::{self, Broker, Message, on_each_broker};
use crate::support::service::{Service, assert_counters_add_up, table};

on_each_broker!(
    statistics_assign_every_byte_to_a_type,
    a_described_entry_shows_its_cost_and_its_origin,
    a_reclaim_without_a_leak_explains_every_type,
);

/// The tag of a packed text and its length, which takes one byte or two.
const OVERHEAD: [i64; 2] = [2, 3];

pub(crate) type Client = MaintenanceServiceClient<millpond_client::AuthorizedChannel>;

pub(crate) fn client(service: &Service) -> Client {
    MaintenanceServiceClient::new(service.channel())
}

pub(crate) async fn describe(
    service: &Service,
    table: &str,
    key: &str,
) -> Result<EntryDescription, Status> {
    let request = DescribeEntryRequest { table: table.into(), key: key.into(), freshness: None };
    let answer = client(service).describe_entry(request).await?.into_inner();
    Ok(answer.entry.expect("an entry"))
}

fn bytes_of(memory: &Memory, memory_type: MemoryType, table: &str) -> i64 {
    let found =
        memory.types.iter().find(|each| each.r#type() == memory_type && each.table == table);
    found.unwrap_or_else(|| panic!("no {memory_type:?} {table:?} in {memory:?}")).bytes
}

fn assert_adds_up(memory: &Memory) {
    let sum: i64 = memory.types.iter().map(|each| each.bytes).sum();
    assert_eq!(sum, memory.rss_bytes + memory.untouched_bytes, "{memory:?}");
}

/// Asserts that every memory type is listed once, the tables first and in their order.
fn assert_types(types: impl Iterator<Item = (MemoryType, String)>, tables: &[&str]) {
    use MemoryType::{Allocator, Ingest, KafkaClient, OtherHeap, OutsideHeap, Rpc};
    let of_tables = tables.iter().map(|table| (MemoryType::Table, (*table).to_owned()));
    let ours = [Ingest, KafkaClient, Rpc, OtherHeap, Allocator, OutsideHeap];
    let expected: Vec<_> = of_tables.chain(ours.map(|each| (each, String::new()))).collect();
    assert_eq!(types.collect::<Vec<_>>(), expected);
}

async fn statistics_assign_every_byte_to_a_type(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let mut settings = table(0, "services", &topic.name);
    settings.extend(table(1, "empty", &broker.create_topic(1).await.name));
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    service.wait_until_ready().await;
    let events: Vec<_> =
        (0..1_000).map(|n| event(&format!("key-{n:04}"), &"x".repeat(1_000))).collect();
    topic.produce(&events);
    let stats = service.wait_until_polled(1_000).await;
    let payload_bytes: usize = events.iter().filter_map(|e| e.payload.as_ref()).map(Vec::len).sum();

    let memory = stats.memory.as_ref().unwrap();
    assert_adds_up(memory);
    let types = memory.types.iter().map(|each| (each.r#type(), each.table.clone()));
    assert_types(types, &["services", "empty"]);
    assert_eq!(memory.limit_bytes, 1 << 30);
    assert!(memory.current_bytes > 1 << 20);
    let allocator = memory.allocator.as_ref().unwrap();
    assert!(allocator.allocated_bytes >= bytes_of(memory, MemoryType::Table, "services"));
    assert!(allocator.active_bytes >= allocator.allocated_bytes, "{allocator:?}");
    assert!(allocator.resident_bytes >= allocator.active_bytes, "{allocator:?}");
    assert_budget(&stats);

    let (full, empty) = (&stats.tables[0], &stats.tables[1]);
    assert_table_measures(full, memory);
    assert_eq!(full.plucked_bytes, 1_000 * (8 + 1_000 + OVERHEAD[1]));
    let polled: i64 = stats.partitions.iter().map(|partition| partition.payload_bytes).sum();
    assert_eq!(polled, i64::try_from(payload_bytes).unwrap());
    let per_entry = (empty.retained_bytes_per_entry, empty.weight_bytes_per_entry);
    assert_eq!((per_entry, empty.plucked_bytes), ((0, 0), 0));
    service.stop().await;
}

fn assert_table_measures(table: &TableStats, memory: &Memory) {
    assert_eq!(table.measured_bytes, bytes_of(memory, MemoryType::Table, &table.name));
    let by_entry = |bytes: i64| (bytes - table.ghost_bytes) / table.entry_count;
    assert_eq!(table.retained_bytes_per_entry, by_entry(table.measured_bytes));
    assert_eq!(table.weight_bytes_per_entry, by_entry(table.weight_bytes));
    assert!(table.weight_bytes_per_entry > 1_000 + 8, "{table:?}");
    // In a table this small the fixed costs are visible.
    assert!(table.measured_bytes > table.weight_bytes / 10 * 8, "{table:?}");
    assert!(table.measured_bytes < table.weight_bytes * 2, "{table:?}");
}

fn assert_budget(stats: &GetStatsResponse) {
    let budget = &stats.memory.as_ref().unwrap().budget;
    let sum: i64 = budget.iter().map(|line| line.bytes).sum();
    assert!(sum <= 1 << 30, "{budget:?}");
    for table in &stats.tables {
        let line = budget.iter().find(|line| line.table == table.name);
        assert_eq!(line.map(|line| line.bytes), Some(table.capacity_bytes), "{budget:?}");
    }
    assert_eq!(budget[0].purpose(), BudgetPurpose::KafkaFetch);
    assert!(budget[0].text.contains("kafka.fetch_buffer"), "{budget:?}");
}

async fn a_described_entry_shows_its_cost_and_its_origin(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let service = Service::ready(broker, &topic, &[]).await;
    let ten_minutes_ago = now_ms() - 600_000;
    let mut places = Vec::new();
    for text in ["first", "second", "third"] {
        let message =
            Message { partition: Some(1), timestamp_ms: Some(ten_minutes_ago), ..event("a", text) };
        places = topic.produce(&[message, event("b", "other")]);
    }
    let stats = service.wait_until_polled(6).await;

    let entry = describe(&service, "services", "a").await.unwrap();
    assert_eq!(entry.key, "a");
    let parts = entry.parts.unwrap();
    assert_eq!((parts.key_bytes, parts.fields_bytes), (1, 5 + OVERHEAD[0]));
    let sum = parts.key_bytes
        + parts.fields_bytes
        + parts.header_bytes
        + parts.rounding_bytes
        + parts.bookkeeping_bytes;
    assert_eq!(entry.weight_bytes, sum);
    let other = describe(&service, "services", "b").await.unwrap();
    let entries_bytes = stats.tables[0].weight_bytes - stats.tables[0].ghost_bytes;
    assert_eq!(entry.weight_bytes + other.weight_bytes, entries_bytes);

    let origin = entry.origin.unwrap();
    assert_eq!((origin.partition, origin.offset), places[0]);
    assert_eq!(origin.record_time.unwrap().seconds, ten_minutes_ago / 1_000);
    let (age, left) = (entry.age.unwrap().seconds, entry.time_left.unwrap().seconds);
    assert!((600..900).contains(&age), "{age}");
    assert!((3_599..=3_600).contains(&(age + left)), "{age} + {left}");
    assert_eq!((entry.replaced_count, other.replaced_count), (2, 2));

    let at_1 = |message| Message { partition: Some(1), ..message };
    let tombstone = Message { key: Some("a".into()), ..Message::default() };
    topic.produce(&[at_1(tombstone), at_1(event("a", "anew"))]);
    let stats = service.wait_until_polled(8).await;
    assert_eq!(describe(&service, "services", "a").await.unwrap().replaced_count, 0);
    assert_eq!((stats.tables[0].hit_count, stats.tables[0].miss_count), (0, 0));
    service.stop().await;
}

#[test]
fn a_missing_entry_and_a_missing_table_are_different_errors() {
    broker::in_process(async |broker| {
        let topic = broker.create_topic(1).await;
        let service = Service::ready(broker, &topic, &[]).await;
        let status = describe(&service, "services", "nobody").await.unwrap_err();
        assert_error(&status, Code::NotFound, ErrorReason::EntryNotFound);
        assert!(status.message().contains("nobody"), "{status:?}");
        let status = describe(&service, "typo", "nobody").await.unwrap_err();
        assert_error(&status, Code::NotFound, ErrorReason::TableNotFound);
        let status = describe(&service, "", "").await.unwrap_err();
        assert_error(&status, Code::InvalidArgument, ErrorReason::InvalidRequest);
        assert_eq!(violated_fields(&status), ["table", "key"]);
        assert_eq!(service.stats().await.tables[0].miss_count, 0);
        service.stop().await;
    });
}

async fn a_reclaim_without_a_leak_explains_every_type(broker: &Broker) {
    let topic = broker.create_topic(2).await;
    let mut settings = table(0, "services", &topic.name);
    settings.extend(table(1, "others", &topic.name));
    let service = Service::start_with(&broker.bootstrap(), &settings).await;
    service.wait_until_ready().await;
    let events: Vec<_> =
        (0..4_000).map(|n| event(&format!("key-{n}"), &"x".repeat(n % 1_500))).collect();
    topic.produce(&events);
    service.wait_until_polled(8_000).await;

    let shown = client(&service).reclaim(ReclaimRequest {}).await.unwrap().into_inner();
    let (before, after) = (shown.before.unwrap(), shown.after.unwrap());
    let types = shown.differences.iter().map(|each| (each.r#type(), each.table.clone()));
    assert_types(types, &["services", "others"]);
    assert_adds_up(&before);
    assert_adds_up(&after);
    for difference in &shown.differences {
        let of = |memory| bytes_of(memory, difference.r#type(), &difference.table);
        assert_eq!(difference.bytes, of(&after) - of(&before), "{difference:?}");
    }
    for table in ["services", "others"] {
        let found = shown.findings.iter().find(|finding| finding.table == table).unwrap();
        assert_eq!((found.kind(), found.r#type()), (FindingKind::Live, MemoryType::Table));
        assert_eq!(found.bytes, bytes_of(&after, MemoryType::Table, table));
        assert_eq!(found.in_use_bytes, found.bytes);
        assert!(found.accounted_bytes > 0, "{found:?}");
        assert!(found.text.contains(table), "{found:?}");
    }
    let slack = shown.findings.iter().find(|finding| finding.kind() == FindingKind::Slack).unwrap();
    assert_eq!(slack.bytes, (before.rss_bytes - after.rss_bytes).max(0));
    assert_counters_add_up(&service.stats().await);
    assert_eq!(service.description("key-7").await.as_deref(), Some("xxxxxxx"));
    service.stop().await;
}
