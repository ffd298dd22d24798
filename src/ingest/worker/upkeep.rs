//! What a thread does about its topics while it reads them: takes on partitions that were
//! added, and finds its place again in a topic that is not what it was.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};

use super::{RETRY_AFTER, Topic, Worker, assignment};
use crate::ingest::bootstrap::{self, Backlog, From};
use crate::ingest::consumer::Client;
use crate::ingest::realign::{Jump, Since};
use crate::ingest::topics;
use crate::stats::TopicState;

/// How long a look at a topic may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// One look may have asked a broker that had not heard of the topic yet.
const LOOKS_UNTIL_GONE: u32 = 2;

impl Worker {
    /// Looks at the topic that is due, if one is. One a turn, so that the loop turns.
    pub(super) fn keep_up(&mut self, client: &Client) {
        let now = Instant::now();
        let Some(index) = self.reading.iter().position(|topic| topic.look_at <= now) else {
            return;
        };
        // Out of the list meanwhile, since it is the worker that looks.
        let mut topic = self.reading.swap_remove(index);
        let looked = self.look(client, &mut topic);
        let after = if looked.is_ok() || !topic.is_astray {
            self.shared.config.ingest.metadata_refresh
        } else {
            RETRY_AFTER
        };
        if let Err(error) = looked {
            self.look_failed(&mut topic, &error);
        }
        topic.look_at = Instant::now() + after;
        self.reading.push(topic);
    }

    fn look_failed(&self, topic: &mut Topic, error: &KafkaError) {
        let state = topics::state_in(error);
        if let Some(state) = state {
            self.shared.topics.found(&topic.share.topic, state);
        }
        if state == Some(TopicState::Missing) {
            topic.missing_looks = topic.missing_looks.saturating_add(1);
        }
        tracing::debug!(topic = topic.share.topic, %error, "the topic could not be looked at");
    }

    fn look(&mut self, client: &Client, topic: &mut Topic) -> KafkaResult<()> {
        let until = Instant::now() + LOOK_TIMEOUT;
        let partitions = self.own_partitions(client, topic, until)?;
        self.shared.topics.found(&topic.share.topic, TopicState::Reading);
        let was_gone = topic.missing_looks >= LOOKS_UNTIL_GONE;
        if was_gone || topic.is_astray {
            let since = if was_gone { Since::MadeAnew } else { Since::Unknown };
            leave_missing(client, topic, &partitions)?;
            self.realign(client, topic, since, until)?;
        }
        (topic.missing_looks, topic.is_astray) = (0, false);
        let added: Vec<_> = partitions.into_iter().filter(|&id| !topic.share.has(id)).collect();
        let begun = self.begin_partitions(client, topic, &added, From::Earliest, until)?;
        for Backlog { partition, start, .. } in begun {
            tracing::info!(topic = topic.share.topic, partition, start, "reading a new partition");
        }
        Ok(())
    }

    /// Moves each position that its partition does not have to the first one there is. The
    /// others are assigned again where they are, since the client may have let go of them.
    fn realign(
        &mut self,
        client: &Client,
        topic: &mut Topic,
        since: Since,
        until: Instant,
    ) -> KafkaResult<()> {
        let name = topic.share.topic.clone();
        let mut places = topic.share.next_offsets();
        let ids: Vec<_> = places.iter().map(|&(id, _)| id).collect();
        let found = bootstrap::backlogs(client, &name, &ids, From::Earliest, until)?;
        let mut jumps = Vec::new();
        for ((_, place), backlog) in places.iter_mut().zip(found) {
            if let Some(jump) = Jump::of(*place, backlog, since) {
                jump.log(&name, *place);
                *place = jump.start;
                jumps.push(jump);
            }
        }
        if !places.is_empty() {
            let places = assignment(&name, places)?;
            client.incremental_unassign(&places)?;
            self.assign(client, &places)?;
            topic.share.starts_over();
        }
        for jump in jumps {
            topic.share.jump(jump);
        }
        Ok(())
    }
}

/// Leaves partitions that the topic does not have any more.
fn leave_missing(client: &Client, topic: &mut Topic, there: &[i32]) -> KafkaResult<()> {
    let mut gone = topic.share.next_offsets();
    gone.retain(|(id, _)| !there.contains(id));
    if !gone.is_empty() {
        let gone = gone.iter().copied();
        client.incremental_unassign(&assignment(&topic.share.topic, gone)?)?;
    }
    for (id, _) in gone {
        topic.share.is_gone(id);
    }
    Ok(())
}
