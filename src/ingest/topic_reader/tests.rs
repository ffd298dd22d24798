//! A reader that is given answers, without a broker.

use std::collections::BTreeMap;

use super::*;
use crate::config::Config;
use crate::health::Health;
use crate::heap::Account;
use crate::ingest::client::create_consumer;
use crate::ingest::client_closer::ClientCloser;
use crate::ingest::credentials::Credentials;
use crate::ingest::offsets::OffsetRange;
use crate::ingest::topic_ids::TopicId;

/// A reader of the topic `events`, and what it works with. No broker is ever reached: the
/// tests give the answers.
struct Stage {
    reader: TopicReader,
    client: Client,
    shared: Shared,
    health: Arc<Health>,
}

impl Stage {
    fn new() -> Self {
        let settings = [
            "kafka.brokers=localhost:1",
            "ingest.threads=1",
            "tables.0.name=services",
            "tables.0.topic=events",
            "tables.0.key=/id",
            "tables.0.fields.description=/description",
            "tables.0.ttl=1h",
        ];
        let config = Config::load(None, [], &settings.map(String::from)).unwrap();
        let health = Health::new(["services".into()], 1);
        let account = Account::of_unbound_threads();
        let topics = ["events"].into_iter();
        let shared = Shared::new(&config, Clock::start(), topics, &health, &account).unwrap();
        let tables = health.table_handles();
        let assignment = TopicAssignment::new("events", &[], &config, tables, &shared.rejections);
        let reader = TopicReader::new(0, 0, StartPolicy::Everything, assignment, &shared);
        let closer = Arc::new(ClientCloser::start().unwrap());
        let client = Client::new(
            create_consumer(&config, &Credentials::default(), &shared.outage).unwrap(),
            closer,
        );
        Self { reader, client, shared, health }
    }

    /// A stage whose topic has partition 0, which is read from offset 0.
    fn reading() -> Self {
        let mut stage = Self::new();
        stage.finds_partitions(&[0]);
        stage.take_questions();
        stage.finds_ranges(&[(0, 0, 10)]);
        stage
    }

    fn answers(&mut self, reply: Reply) {
        let answer = Answer { topic_number: 0, asked: Instant::now(), reply };
        let stalled = self.reader.apply_answer(answer, &mut self.client, &self.shared);
        assert!(stalled.is_empty());
    }

    /// Partitions, each led by a broker of its own.
    fn finds_partitions(&mut self, partitions: &[i32]) {
        self.finds_topic(None, partitions);
    }

    fn finds_topic(&mut self, id: Option<&str>, partitions: &[i32]) {
        let leader = |&partition: &i32| Leader { partition, broker: partition };
        let leaders = partitions.iter().map(leader).collect();
        self.answers(Reply::Partitions(Ok(FoundTopic { id: id.map(TopicId::new), leaders })));
    }

    fn misses_topic(&mut self) {
        let unknown =
            KafkaError::MetadataFetch(rdkafka::error::RDKafkaErrorCode::UnknownTopicOrPartition);
        self.answers(Reply::Partitions(Err(unknown)));
    }

    /// Ranges of partitions: number, start and end.
    fn finds_ranges(&mut self, ranges: &[(i32, i64, i64)]) {
        let range = |&(partition, start, end): &(i32, i64, i64)| {
            (partition, Ok(OffsetRange { partition, start, end }))
        };
        self.answers(Reply::Ranges(ranges.iter().map(range).collect()));
    }

    /// The partitions whose offsets are to be asked for, as if they were.
    fn take_questions(&mut self) -> Vec<i32> {
        let positions: BTreeMap<_, _> = self.reader.positions().into_iter().collect();
        let position_of = |partition: i32| positions.get(&partition).copied().unwrap_or(0);
        let due = self.reader.pending.take_due(Instant::now(), |_| true, position_of);
        due.into_iter().map(|question| question.partition).collect()
    }

    fn status(&self) -> TopicStatus {
        self.shared.statuses.stats()[0].status
    }
}

#[test]
fn each_partition_is_started_when_its_leader_answers_and_waits_for_no_other() {
    let mut stage = Stage::new();
    assert_eq!(stage.status(), TopicStatus::Waiting);
    stage.finds_partitions(&[0, 1]);
    assert_eq!(stage.take_questions(), [0, 1]);
    stage.finds_ranges(&[(0, 5, 5)]);
    assert_eq!(stage.reader.positions(), [(0, 5)]);
    assert_eq!(stage.status(), TopicStatus::Reading);
    assert!(stage.reader.is_waiting() && !stage.health.is_ready());

    stage.answers(Reply::Ranges(vec![(1, Err(KafkaError::Canceled))]));
    stage.finds_partitions(&[0, 1]);
    assert_eq!(stage.take_questions(), [0_i32; 0], "it is asked again after a while");
    assert!(stage.reader.is_waiting() && !stage.health.is_ready());
}

#[test]
fn a_topic_is_ready_when_its_last_partition_is_started_and_has_nothing_to_load() {
    let mut stage = Stage::new();
    stage.finds_partitions(&[0, 1]);
    stage.take_questions();
    stage.finds_ranges(&[(0, 5, 5)]);
    stage.finds_ranges(&[(1, 7, 7)]);
    assert_eq!(stage.reader.positions(), [(0, 5), (1, 7)]);
    assert!(!stage.reader.is_waiting() && stage.health.is_ready());
}

#[test]
fn a_table_is_not_fresh_while_a_partition_that_is_known_is_not_read() {
    let mut stage = Stage::new();
    let is_fresh = |stage: &Stage| {
        let table = stage.health.table("services").unwrap();
        table.staleness(Instant::now()).is_some()
    };
    stage.finds_partitions(&[0]);
    stage.take_questions();
    stage.finds_ranges(&[(0, 5, 5)]);
    assert!(is_fresh(&stage));
    stage.finds_partitions(&[0, 1]);
    assert!(!is_fresh(&stage));
    stage.take_questions();
    stage.finds_ranges(&[(1, 7, 7)]);
    assert!(is_fresh(&stage));
    stage.finds_partitions(&[0, 1, 2]);
    stage.finds_partitions(&[0, 1]);
    assert!(is_fresh(&stage), "another broker does not know of it");
}

#[test]
fn an_answer_that_nobody_waits_for_changes_nothing() {
    let mut stage = Stage::reading();
    stage.finds_ranges(&[(0, 3, 10), (1, 0, 10)]);
    assert_eq!(stage.reader.positions(), [(0, 0)]);
}

#[test]
fn a_topic_that_was_missing_twice_is_read_from_its_start_without_the_partitions_it_lost() {
    let mut stage = Stage::reading();
    stage.finds_partitions(&[0, 1]);
    assert_eq!(stage.take_questions(), [1]);
    stage.finds_ranges(&[(1, 4, 10)]);
    assert_eq!(stage.reader.positions(), [(0, 0), (1, 4)]);
    stage.misses_topic();
    stage.misses_topic();
    assert_eq!(stage.status(), TopicStatus::Missing);
    stage.finds_partitions(&[0]);
    assert_eq!(stage.take_questions(), [0]);
    stage.finds_ranges(&[(0, 2, 3)]);
    assert_eq!(stage.reader.positions(), [(0, 2)]);
    assert_eq!(stage.status(), TopicStatus::Reading);
}

#[test]
fn a_topic_with_another_id_is_read_from_its_start_whatever_its_offsets_are() {
    let mut stage = Stage::new();
    stage.finds_topic(Some("old"), &[0, 1]);
    stage.take_questions();
    stage.finds_ranges(&[(0, 5, 5), (1, 7, 7)]);
    stage.finds_topic(Some("old"), &[0, 1]);
    assert_eq!(stage.take_questions(), [0_i32; 0]);
    stage.finds_topic(Some("new"), &[0]);
    assert_eq!(stage.reader.positions(), [(0, 5)], "it has no other partition");
    assert_eq!(stage.take_questions(), [0]);
    stage.finds_ranges(&[(0, 0, 100)]);
    assert_eq!(stage.reader.positions(), [(0, 0)]);
    stage.finds_topic(Some("old"), &[0]);
    assert_eq!(stage.take_questions(), [0_i32; 0], "that broker's metadata is old");
}

#[test]
fn a_thread_that_lost_all_of_its_partitions_leaves_them_after_two_looks() {
    let mut stage = Stage::new();
    stage.finds_partitions(&[0]);
    stage.take_questions();
    stage.finds_ranges(&[(0, 5, 5)]);
    stage.finds_partitions(&[]);
    assert_eq!(stage.reader.positions(), [(0, 5)], "one answer may be old");
    stage.finds_partitions(&[]);
    assert_eq!(stage.reader.positions(), []);
}

#[test]
fn a_position_that_retention_removed_is_reset_and_one_that_is_there_stays() {
    let mut stage = Stage::reading();
    stage.finds_partitions(&[0, 1]);
    stage.take_questions();
    stage.finds_ranges(&[(1, 4, 10)]);
    stage.reader.require_offset_check(Instant::now());
    stage.finds_partitions(&[0, 1]);
    assert_eq!(stage.take_questions(), [0, 1]);
    stage.finds_ranges(&[(0, 6, 10), (1, 0, 10)]);
    assert_eq!(stage.reader.positions(), [(0, 6), (1, 4)]);
}

#[test]
fn access_survives_a_look_that_misses_the_topic() {
    let mut stage = Stage::reading();
    stage.reader.access = ReadAccess::Denied;
    stage.misses_topic();
    stage.finds_partitions(&[0]);
    assert!(!stage.reader.access.is_granted());
}
