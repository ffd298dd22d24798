//! Changes to a topic of a real broker while somebody reads it.
//!
//! Owns each request, and waiting until it has taken effect. Knows nothing of millpond.

use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Topic;
use super::failure::failed;
use crate::topics;

impl Topic {
    /// Adds partitions until there are this many.
    pub async fn grow(&self, partitions: usize) {
        let grown = topics::grow(&self.bootstrap, &self.name, partitions).await;
        grown.unwrap_or_else(failed("no partitions were added"));
    }

    /// Deletes it.
    pub async fn delete(&self) {
        let admin = topics::admin(&self.bootstrap).unwrap_or_else(failed("no admin client"));
        let done = admin.delete_topics(&[&self.name], &topics::options()).await;
        let done = done.unwrap_or_else(failed("the topic was not deleted"));
        for each in done {
            each.map_err(|(_, error)| error).unwrap_or_else(failed("the topic was not deleted"));
        }
    }

    /// Creates the topic again under the same name, once it is deleted.
    pub async fn make_again(&self, partitions: i32) {
        let made = topics::create(&self.bootstrap, &self.name, partitions, &[]).await;
        made.unwrap_or_else(failed("the topic could not be made"));
    }

    /// Removes the records of a partition before `offset`, as retention does.
    pub async fn cut(&self, partition: i32, offset: i64) {
        let mut before = TopicPartitionList::new();
        before
            .add_partition_offset(&self.name, partition, Offset::Offset(offset))
            .unwrap_or_else(failed("no such offset"));
        let admin = topics::admin(&self.bootstrap).unwrap_or_else(failed("no admin client"));
        let done = admin.delete_records(&before, &topics::options()).await;
        done.unwrap_or_else(failed("nothing was removed"));
    }
}
