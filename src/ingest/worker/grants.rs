//! Finds out which topic may not be read, when the client says that one may not.
//!
//! It does not say which, and says it once. So all topics of the thread are assigned anew,
//! upon which it forgets what it has said and seen: of one that may be read there is a record
//! or an end before long, and of one that may not it says so again. It goes on asking for
//! the records of that one by itself, some seconds apart.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::statistics::Statistics;

use super::{Topic, Worker, assignment};
use crate::ingest::consumer::Client;

/// How long a topic has to show that it may be read.
const JUDGED_AFTER: Duration = Duration::from_secs(5);
/// For so long statistics may still speak of the time before it was assigned anew.
const STATISTICS_LAG: Duration = Duration::from_secs(3);

/// Whether the brokers give us a topic's records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Grant {
    /// Nothing else was said.
    #[default]
    Given,
    /// It is to be seen.
    InQuestion {
        /// Since when.
        since: Instant,
        /// How many refusals had been told by then.
        refusals: u64,
    },
    /// They do not.
    Refused,
}

impl Grant {
    /// What it is to be taken for at `now`, with so many refusals told by then, where nothing
    /// was read meanwhile.
    fn judged(self, now: Instant, told: u64) -> Self {
        match self {
            Self::InQuestion { since, .. } if now.duration_since(since) < JUDGED_AFTER => self,
            Self::InQuestion { refusals, .. } if told == refusals => Self::Given,
            Self::InQuestion { .. } => Self::Refused,
            Self::Given | Self::Refused => self,
        }
    }

    /// Whether statistics of `now` are about the time since it was put in question.
    fn is_shown_by_statistics(self, now: Instant) -> bool {
        match self {
            Self::Given => false,
            Self::InQuestion { since, .. } => now.duration_since(since) >= STATISTICS_LAG,
            Self::Refused => true,
        }
    }
}

impl Worker {
    /// Puts in question what may be read if a refusal was told, and judges what was.
    pub(super) fn see_to_grants(&mut self, client: &Client) {
        if self.is_paused {
            // Nothing is fetched that could show anything.
            self.put_in_question_again();
            return;
        }
        if std::mem::take(&mut self.refusal_is_told) {
            let (since, refusals) = (Instant::now(), self.refusals);
            for topic in &mut self.reading {
                if topic.grant == Grant::Given
                    && topic.share.has_partitions()
                    && assign_anew(client, topic).is_ok()
                {
                    topic.grant = Grant::InQuestion { since, refusals };
                }
            }
        }
        let (now, refusals) = (Instant::now(), self.refusals);
        for topic in &mut self.reading {
            let judged = topic.grant.judged(now, refusals);
            if judged != topic.grant {
                topic.grant = judged;
                let is_given = judged == Grant::Given;
                self.shared.topics.gives_records(&topic.share.topic, self.number, is_given);
            }
        }
    }

    fn put_in_question_again(&mut self) {
        for topic in &mut self.reading {
            if let Grant::InQuestion { since, .. } = &mut topic.grant {
                *since = Instant::now();
            }
        }
    }

    /// The client says that some topic may not be read.
    pub(super) fn is_refused(&mut self) {
        self.refusals += 1;
        self.refusal_is_told = true;
    }

    /// An end that the client has seen was given to it.
    pub(super) fn see_ends(&mut self, statistics: &Statistics) {
        let now = Instant::now();
        for index in 0..self.reading.len() {
            let topic = &self.reading[index];
            let found = statistics.topics.get(&topic.share.topic);
            let has_end = found.is_some_and(|found| {
                found.partitions.values().any(|partition| partition.eof_offset >= 0)
            });
            if has_end && topic.grant.is_shown_by_statistics(now) {
                self.is_given(index);
            }
        }
    }

    /// Something of the topic was read.
    pub(super) fn is_given(&mut self, index: usize) {
        let topic = &mut self.reading[index];
        if topic.grant != Grant::Given {
            topic.grant = Grant::Given;
            self.shared.topics.gives_records(&topic.share.topic, self.number, true);
        }
    }
}

/// Where it is, so that the client drops what it knows of it.
fn assign_anew(client: &Client, topic: &mut Topic) -> KafkaResult<()> {
    let places = assignment(&topic.share.topic, topic.share.next_offsets())?;
    client.incremental_unassign(&places)?;
    client.incremental_assign(&places)?;
    topic.share.starts_over();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_shows_nothing_is_refused_if_a_refusal_is_told_again() {
        let since = Instant::now();
        let asked = Grant::InQuestion { since, refusals: 3 };
        assert_eq!(asked.judged(since, 4), asked);
        assert_eq!(asked.judged(since + JUDGED_AFTER, 4), Grant::Refused);
        assert_eq!(asked.judged(since + JUDGED_AFTER, 3), Grant::Given, "there was none");
        assert_eq!(Grant::Given.judged(since + JUDGED_AFTER, 4), Grant::Given);
    }

    #[test]
    fn what_statistics_say_counts_once_they_are_about_the_new_assignment() {
        let since = Instant::now();
        let asked = Grant::InQuestion { since, refusals: 0 };
        assert!(!asked.is_shown_by_statistics(since));
        assert!(asked.is_shown_by_statistics(since + STATISTICS_LAG));
        assert!(Grant::Refused.is_shown_by_statistics(since));
    }
}
