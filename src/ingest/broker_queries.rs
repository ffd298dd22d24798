//! Queries that wait for a broker, beside the poll thread.
//!
//! Each query runs on a thread of its own, with the poll thread's consumer and a timeout, so that
//! a broker that does not answer holds up nothing but the query itself. Callers send one query
//! for each topic and leader, and repeat none that is in flight: that bounds the threads. The
//! poll thread collects the answers with its turns. What an answer means, and whether it comes too
//! late to count, is for the caller to decide.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::client::{Client, Consumer};
use super::leaders::Leader;
use super::offsets::{OffsetRange, StartAt};

/// How long a broker may take to name the partitions of a topic.
const PARTITIONS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a broker may take to find where to start.
const RANGES_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a broker may take to say where partitions end.
const ENDS_TIMEOUT: Duration = Duration::from_secs(5);

/// A question about some partitions of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    /// Which partitions the topic has, and which broker leads each.
    Partitions,
    /// Where to start in each of these partitions, and where they end.
    Ranges { partitions: Vec<i32>, start: StartAt },
    /// Where these partitions end.
    Ends { partitions: Vec<i32> },
}

/// The answer to each kind of query.
#[derive(Debug)]
pub(super) enum Reply {
    Partitions(KafkaResult<Vec<Leader>>),
    Ranges {
        partitions: Vec<i32>,
        found: KafkaResult<Vec<OffsetRange>>,
    },
    /// Without the partitions whose end is not known.
    Ends {
        partitions: Vec<i32>,
        found: KafkaResult<Vec<(i32, i64)>>,
    },
}

/// The reply to a query, and about which topic (by its number) and when it was asked.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) topic_number: usize,
    pub(super) asked: Instant,
    pub(super) reply: Reply,
}

/// The queries of one poll thread that are in flight.
#[derive(Default)]
pub(super) struct BrokerQueries {
    in_flight: Vec<InFlight>,
}

struct InFlight {
    topic_number: usize,
    query: Query,
    asked: Instant,
    reply: Receiver<(Reply, Arc<Consumer>)>,
}

impl BrokerQueries {
    /// Sends a query. Its answer comes from [`Self::next_answer`], whatever happens.
    pub(super) fn send(&mut self, client: &Client, topic_number: usize, topic: &str, query: Query) {
        let (sender, reply) = sync_channel(1);
        let (consumer, asked) = (client.consumer(), Instant::now());
        let (topic, sent) = (topic.to_owned(), query.clone());
        let ask = move || {
            let reply = sent.ask(&consumer, &topic);
            // The consumer goes back too, so that it is not closed here, which may take long.
            let _ = sender.send((reply, consumer));
        };
        if let Err(error) = thread::Builder::new().name("kafka-query".into()).spawn(ask) {
            // The reply's channel is closed now, which counts as a query that failed.
            tracing::warn!(%error, "no thread for a query to kafka, repeating it later");
        }
        self.in_flight.push(InFlight { topic_number, query, asked, reply });
    }

    /// Whether no query is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// How many topics are being asked for their partitions.
    pub(super) fn partition_query_count(&self) -> usize {
        self.in_flight.iter().filter(|sent| sent.query == Query::Partitions).count()
    }

    /// An answer that has come, if there is one. It does not wait.
    pub(super) fn next_answer(&mut self, client: &Client) -> Option<Answer> {
        for index in 0..self.in_flight.len() {
            let reply = match self.in_flight[index].reply.try_recv() {
                Err(TryRecvError::Empty) => continue,
                Ok((reply, consumer)) => {
                    client.give_back(consumer);
                    Some(reply)
                }
                Err(TryRecvError::Disconnected) => None,
            };
            let InFlight { topic_number, query, asked, .. } = self.in_flight.swap_remove(index);
            let reply = reply.unwrap_or_else(|| query.failed(KafkaError::Canceled));
            return Some(Answer { topic_number, asked, reply });
        }
        None
    }

    /// Waits for the queries in flight, no longer than their timeouts, so that the consumer can be
    /// closed by the thread that polls it.
    pub(super) fn finish(self, client: &Client) {
        for sent in self.in_flight {
            let left = left(sent.asked + RANGES_TIMEOUT);
            match sent.reply.recv_timeout(left) {
                Ok((_, consumer)) => client.give_back(consumer),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }
}

impl Query {
    fn ask(&self, consumer: &Consumer, topic: &str) -> Reply {
        match self {
            Self::Partitions => Reply::Partitions(partitions_of(consumer, topic)),
            Self::Ranges { partitions, start } => Reply::Ranges {
                partitions: partitions.clone(),
                found: ranges(consumer, topic, partitions, *start),
            },
            Self::Ends { partitions } => Reply::Ends {
                partitions: partitions.clone(),
                found: ends(consumer, topic, partitions),
            },
        }
    }

    fn failed(self, error: KafkaError) -> Reply {
        match self {
            Self::Partitions => Reply::Partitions(Err(error)),
            Self::Ranges { partitions, .. } => Reply::Ranges { partitions, found: Err(error) },
            Self::Ends { partitions } => Reply::Ends { partitions, found: Err(error) },
        }
    }
}

fn partitions_of(consumer: &Consumer, topic: &str) -> KafkaResult<Vec<Leader>> {
    let metadata = consumer.fetch_metadata(Some(topic), PARTITIONS_TIMEOUT)?;
    let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    let found = found.ok_or_else(|| unknown.clone())?;
    if let Some(error) = found.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    if found.partitions().is_empty() {
        return Err(unknown);
    }
    let leader = |partition: &MetadataPartition| Leader {
        partition: partition.id(),
        broker: partition.leader(),
    };
    Ok(found.partitions().iter().map(leader).collect())
}

fn ranges(
    consumer: &Consumer,
    topic: &str,
    partitions: &[i32],
    start: StartAt,
) -> KafkaResult<Vec<OffsetRange>> {
    let until = Instant::now() + RANGES_TIMEOUT;
    // Ends first: a record that comes in between is then read, not skipped.
    let ends = offsets(consumer, topic, partitions, Offset::End, left(until))?;
    let at = match start {
        StartAt::Earliest => Offset::Beginning,
        // The client takes a time in the place of an offset.
        StartAt::Time(time) => Offset::Offset(time.as_millis().max(0)),
    };
    let starts = offsets(consumer, topic, partitions, at, left(until))?;
    let range = |((&partition, start), end): ((&i32, Option<i64>), Option<i64>)| {
        let end = end.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        // Where no record is that young the answer is "the end", not an offset. The end may have
        // moved since it was asked for: the end that we have skips nothing.
        Ok(OffsetRange { partition, start: start.unwrap_or(end), end })
    };
    partitions.iter().zip(starts).zip(ends).map(range).collect()
}

/// The offset of each partition at `at`; none where the answer is not an offset.
fn offsets(
    consumer: &Consumer,
    topic: &str,
    partitions: &[i32],
    at: Offset,
    timeout: Duration,
) -> KafkaResult<Vec<Option<i64>>> {
    let found = list_offsets(consumer, topic, partitions, at, timeout)?;
    let offset = |&partition: &i32| {
        let answer = found.find_partition(topic, partition);
        let answer = answer.ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        answer.error()?;
        Ok(if let Offset::Offset(offset) = answer.offset() { Some(offset) } else { None })
    };
    partitions.iter().map(offset).collect()
}

fn ends(consumer: &Consumer, topic: &str, partitions: &[i32]) -> KafkaResult<Vec<(i32, i64)>> {
    let found = list_offsets(consumer, topic, partitions, Offset::End, ENDS_TIMEOUT)?;
    let end = |&partition: &i32| {
        let answer = found.find_partition(topic, partition)?;
        answer.error().ok()?;
        if let Offset::Offset(end) = answer.offset() { Some((partition, end)) } else { None }
    };
    Ok(partitions.iter().filter_map(end).collect())
}

/// One request to each broker for all partitions. A broker answers a client in order, and keeps a
/// fetch waiting while there is nothing new. A request for each partition would wait each time.
fn list_offsets(
    consumer: &Consumer,
    topic: &str,
    partitions: &[i32],
    at: Offset,
    timeout: Duration,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for &partition in partitions {
        list.add_partition_offset(topic, partition, at)?;
    }
    consumer.offsets_for_times(list, timeout)
}

/// What is left of the time; a moment at least, since zero asks for no answer at all.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
