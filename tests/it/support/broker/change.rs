//! What may be done to a topic of a real broker while somebody reads it.
//!
//! Owns the asking and waiting until it is done. It must not know millpond.

use rdkafka::admin::{AdminOptions, NewPartitions};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{PATIENCE, Topic, admin, create_real_topic, failed};

impl Topic {
    /// Gives it partitions until it has so many.
    pub(crate) async fn grow(&self, partitions: usize) {
        let more = NewPartitions::new(&self.name, partitions);
        let done = admin(&self.bootstrap).create_partitions([&more], &options()).await;
        let done = done.unwrap_or_else(failed("no partitions were added"));
        for each in done {
            each.map_err(|(_, error)| error).unwrap_or_else(failed("no partitions were added"));
        }
    }

    /// Deletes it.
    pub(crate) async fn delete(&self) {
        let done = admin(&self.bootstrap).delete_topics(&[&self.name], &options()).await;
        let done = done.unwrap_or_else(failed("the topic was not deleted"));
        for each in done {
            each.map_err(|(_, error)| error).unwrap_or_else(failed("the topic was not deleted"));
        }
    }

    /// Makes it again under the same name, once it is deleted.
    pub(crate) async fn make_again(&self, partitions: i32) {
        let again = Self { partitions, ..self.clone() };
        create_real_topic(&self.bootstrap, &again, &[]).await;
    }

    /// Removes what a partition has before `offset`, as retention does.
    pub(crate) async fn cut(&self, partition: i32, offset: i64) {
        let mut before = TopicPartitionList::new();
        before
            .add_partition_offset(&self.name, partition, Offset::Offset(offset))
            .unwrap_or_else(failed("no such offset"));
        let done = admin(&self.bootstrap).delete_records(&before, &options()).await;
        done.unwrap_or_else(failed("nothing was removed"));
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE))
}
