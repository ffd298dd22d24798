//! Both brokers that tests run against, behind one type: librdkafka's in-process one and a real
//! Kafka.
//!
//! Owns registering a test for each broker, and creating topics. Knows nothing of millpond. The
//! in-process broker does not find offsets by time and ignores the settings of a topic. Tests that
//! need either use a real one only.

mod change;
mod failure;
mod topic;

use std::any;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::runtime::Builder;

pub use crate::on_each_broker;
pub use topic::{Message, Topic};

use crate::{kafka, topics};
use failure::failed;

/// Registers async functions that take a `&Broker` as tests. Each runs once with the in-process
/// broker and once with a real one: `in_process::NAME` and `real::NAME`.
#[macro_export]
macro_rules! on_each_broker {
    ($($behaviour:ident),+ $(,)?) => {
        mod in_process {
            $(#[test]
            fn $behaviour() {
                $crate::broker::in_process(super::$behaviour);
            })+
        }
        mod real {
            $(#[test]
            fn $behaviour() {
                $crate::broker::real(super::$behaviour);
            })+
        }
    };
}

/// A broker on which tests create topics.
pub enum Broker {
    /// An in-process broker for one test.
    InProcess(MockCluster<'static, DefaultProducerContext>),
    /// A real broker, which other tests may share, by its address (`host:port`).
    Real(String),
}

/// Runs `behaviour` over an in-process broker.
pub fn in_process(behaviour: impl AsyncFnOnce(&Broker)) {
    let broker = Broker::in_process();
    block_on(behaviour(&broker));
}

/// Runs `behaviour` over the shared real broker. Prints that it is skipped if there is none.
pub fn real(behaviour: impl AsyncFnOnce(&Broker)) {
    // A closure has the path of the function that it stands in: that of the test.
    let path = any::type_name_of_val(&behaviour);
    let test = path.trim_end_matches("::{{closure}}");
    let Some(bootstrap) = kafka::require(test) else { return };
    let broker = Broker::Real(bootstrap.to_owned());
    block_on(behaviour(&broker));
}

/// Runs a future on a runtime with two worker threads.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap_or_else(failed("no runtime")).block_on(future)
}

impl Broker {
    /// Starts an in-process broker. It ends on drop.
    pub fn in_process() -> Self {
        Self::InProcess(MockCluster::new(1).unwrap_or_else(failed("no in-process broker")))
    }

    /// Where clients connect: `host:port`.
    pub fn bootstrap(&self) -> String {
        match self {
            Self::InProcess(cluster) => cluster.bootstrap_servers(),
            Self::Real(bootstrap) => bootstrap.clone(),
        }
    }

    /// Creates an empty topic with a unique name.
    pub async fn create_topic(&self, partitions: i32) -> Topic {
        self.create_topic_with(partitions, &[]).await
    }

    /// Creates an empty topic with a unique name and settings such as `("retention.ms", "1000")`.
    /// The in-process broker ignores the settings.
    pub async fn create_topic_with(&self, partitions: i32, settings: &[(&str, &str)]) -> Topic {
        let topic = Topic::unmade(self.bootstrap(), partitions);
        self.make(topic, settings).await
    }

    /// Creates an empty topic with this name.
    pub async fn create_named(&self, name: &str, partitions: i32) -> Topic {
        let unnamed = Topic::unmade(self.bootstrap(), partitions);
        self.make(Topic { name: name.to_owned(), ..unnamed }, &[]).await
    }

    async fn make(&self, topic: Topic, settings: &[(&str, &str)]) -> Topic {
        let partitions = topic.partitions;
        match self {
            Self::InProcess(cluster) => cluster
                .create_topic(&topic.name, partitions, 1)
                .unwrap_or_else(failed("the topic could not be made")),
            Self::Real(bootstrap) => topics::create(bootstrap, &topic.name, partitions, settings)
                .await
                .unwrap_or_else(failed("the topic could not be made")),
        }
        topic
    }
}
