//! The queries of one poll thread that wait for a broker, beside the thread.
//!
//! One query asks a leader about partitions of any number of topics, and the thread has at most
//! one such query for each leader. The thread collects the answers with its turns. What an answer
//! means, and whether it comes too late to count, is for the caller to decide.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Instant;

use rdkafka::error::{KafkaError, KafkaResult};

use super::list_offsets::{FoundTopic, Wanted, ends, find_topic, ranges};
use super::offsets::{OffsetRange, StartAt};
use super::query_client::{QueryHandle, Responder};
use super::query_consumer::QueryConsumer;

/// A question to one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    /// Which partitions a topic has, and which broker leads each.
    Partitions { topic: Arc<str>, topic_number: usize },
    /// Where to start in each of these partitions, and where they end.
    Ranges { leader: i32, wanted: Vec<(Wanted, StartAt)> },
    /// Where these partitions end.
    Ends { leader: i32, wanted: Vec<Wanted> },
}

/// What a topic's part of an answer says.
#[derive(Debug)]
pub(super) enum Reply {
    Partitions(KafkaResult<FoundTopic>),
    /// For each partition that was asked about.
    Ranges(Vec<(i32, KafkaResult<OffsetRange>)>),
    /// For each partition that was asked about.
    Ends(Vec<(i32, KafkaResult<i64>)>),
}

/// The part of an answer that is about one topic (by its number), and when it was asked for.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) topic_number: usize,
    pub(super) asked: Instant,
    pub(super) reply: Reply,
}

/// The queries of one poll thread that are in flight.
pub(super) struct BrokerQueries {
    client: QueryHandle,
    in_flight: Vec<InFlight>,
    /// Disconnected once what goes before all queries is done.
    before_all: Receiver<()>,
}

struct InFlight {
    query: Query,
    asked: Instant,
    answers: Receiver<Vec<Answer>>,
}

impl BrokerQueries {
    /// Runs `before_all` where queries run. No query is to be sent before it is done.
    pub(super) fn new(client: QueryHandle, before_all: impl FnOnce() + Send + 'static) -> Self {
        let (done, before) = sync_channel(1);
        client.send(Responder::AnyBroker, move |_| {
            before_all();
            drop(done);
        });
        Self { client, in_flight: Vec::new(), before_all: before }
    }

    /// Whether queries may be sent.
    pub(super) fn has_begun(&self) -> bool {
        self.before_all.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Sends a query. Its answers come from [`Self::take_answers`], whatever happens.
    pub(super) fn send(&mut self, query: Query) {
        let (sender, answers) = sync_channel(1);
        let (asked, sent) = (Instant::now(), query.clone());
        self.client.send(query.responder(), move |consumer| {
            // The thread may have ended.
            let _ = sender.send(sent.ask(consumer, asked));
        });
        self.in_flight.push(InFlight { query, asked, answers });
    }

    /// Whether nothing is awaited.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.has_begun()
    }

    /// How many topics are being asked for their partitions.
    pub(super) fn partition_query_count(&self) -> usize {
        let all = self.in_flight.iter();
        all.filter(|sent| matches!(sent.query, Query::Partitions { .. })).count()
    }

    /// Whether this broker is being asked where to start.
    pub(super) fn is_asked_for_ranges(&self, broker: i32) -> bool {
        let mut all = self.in_flight.iter();
        all.any(|sent| matches!(sent.query, Query::Ranges { leader, .. } if leader == broker))
    }

    /// The answers to a query that has been answered, one for each topic; none if there is no
    /// such query. It does not wait.
    pub(super) fn take_answers(&mut self) -> Option<Vec<Answer>> {
        for index in 0..self.in_flight.len() {
            let answers = match self.in_flight[index].answers.try_recv() {
                Err(TryRecvError::Empty) => continue,
                Ok(answers) => Some(answers),
                Err(TryRecvError::Disconnected) => None,
            };
            let InFlight { query, asked, .. } = self.in_flight.swap_remove(index);
            return Some(answers.unwrap_or_else(|| query.failed(asked)));
        }
        None
    }
}

impl Query {
    fn responder(&self) -> Responder {
        match *self {
            Self::Partitions { .. } => Responder::AnyBroker,
            Self::Ranges { leader, .. } | Self::Ends { leader, .. } => Responder::Leader(leader),
        }
    }

    fn ask(self, consumer: &QueryConsumer, asked: Instant) -> Vec<Answer> {
        match self {
            Self::Partitions { topic, topic_number } => {
                let reply = Reply::Partitions(find_topic(consumer, &topic));
                vec![Answer { topic_number, asked, reply }]
            }
            Self::Ranges { wanted, .. } => {
                let (wanted, start_at): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
                let found = ranges(consumer, &wanted, &start_at);
                by_topic(wanted, found, asked, Reply::Ranges)
            }
            Self::Ends { wanted, .. } => {
                let found = ends(consumer, &wanted);
                by_topic(wanted, found, asked, Reply::Ends)
            }
        }
    }

    /// The answers if the query was not asked, or its answer is lost.
    fn failed(self, asked: Instant) -> Vec<Answer> {
        let error = KafkaError::Canceled;
        match self {
            Self::Partitions { topic_number, .. } => {
                vec![Answer { topic_number, asked, reply: Reply::Partitions(Err(error)) }]
            }
            Self::Ranges { wanted, .. } => {
                let wanted: Vec<_> = wanted.into_iter().map(|(wanted, _)| wanted).collect();
                let found = vec![Err(error); wanted.len()];
                by_topic(wanted, found, asked, Reply::Ranges)
            }
            Self::Ends { wanted, .. } => {
                let found = vec![Err(error); wanted.len()];
                by_topic(wanted, found, asked, Reply::Ends)
            }
        }
    }
}

/// One answer for each topic, with what was found of each of its partitions.
fn by_topic<T>(
    wanted: Vec<Wanted>,
    found: Vec<KafkaResult<T>>,
    asked: Instant,
    reply: impl Fn(Vec<(i32, KafkaResult<T>)>) -> Reply,
) -> Vec<Answer> {
    let mut topics = BTreeMap::<usize, Vec<_>>::new();
    for (wanted, found) in wanted.into_iter().zip(found) {
        topics.entry(wanted.topic_number).or_default().push((wanted.partition, found));
    }
    let answer = |(topic_number, found)| Answer { topic_number, asked, reply: reply(found) };
    topics.into_iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_is_lost_fails_for_every_partition_of_every_topic() {
        let wanted = |topic_number, partition| {
            (Wanted { topic: "events".into(), topic_number, partition }, StartAt::Earliest)
        };
        let query =
            Query::Ranges { leader: 1, wanted: vec![wanted(0, 3), wanted(1, 0), wanted(0, 1)] };
        let answers = query.failed(Instant::now());
        let failed = |answer: &Answer| match &answer.reply {
            Reply::Ranges(found) => {
                assert!(found.iter().all(|(_, found)| found.is_err()));
                (answer.topic_number, found.iter().map(|(partition, _)| *partition).collect())
            }
            other => panic!("{other:?}"),
        };
        let failed: Vec<(usize, Vec<i32>)> = answers.iter().map(failed).collect();
        assert_eq!(failed, [(0, vec![3, 1]), (1, vec![0])]);
    }
}
