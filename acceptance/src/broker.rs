//! One face over both brokers that tests run against: librdkafka's in-process one and a real
//! Kafka.
//!
//! Owns the registration of a behaviour over each, and making topics. It must not know millpond.
//! The in-process broker does not find offsets by time and ignores a topic's settings: what needs
//! either is tested on a real one alone.

mod change;
mod failure;
mod topic;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::runtime::Builder;

pub use crate::on_each_broker;
pub use topic::{Message, Topic};

use crate::{kafka, topics};
use failure::failed;

/// Registers async functions that take a `&Broker` as tests, each once over the in-process
/// broker and once over a real one: `in_process::NAME` and `real::NAME`.
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
                let test = concat!(module_path!(), "::", stringify!($behaviour));
                $crate::broker::real(test, super::$behaviour);
            })+
        }
    };
}

/// A broker to make topics on.
pub enum Broker {
    /// One of this test's own.
    InProcess(MockCluster<'static, DefaultProducerContext>),
    /// A real one, shared or not, by its address (`host:port`).
    Real(String),
}

/// Runs `behaviour` over an in-process broker.
pub fn in_process(behaviour: impl AsyncFnOnce(&Broker)) {
    let broker = Broker::in_process();
    block_on(behaviour(&broker));
}

/// Runs `behaviour` over the shared real broker; where there is none, says that `test` is
/// skipped.
pub fn real(test: &str, behaviour: impl AsyncFnOnce(&Broker)) {
    let Some(bootstrap) = kafka::require(test) else { return };
    let broker = Broker::Real(bootstrap.to_owned());
    block_on(behaviour(&broker));
}

/// Runs a future as the tests of a behaviour do: beside two worker threads.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap_or_else(failed("no runtime")).block_on(future)
}

impl Broker {
    /// An in-process broker, which ends when it is dropped.
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

    /// Makes an empty topic under a name of its own.
    pub async fn create_topic(&self, partitions: i32) -> Topic {
        self.create_topic_with(partitions, &[]).await
    }

    /// Makes an empty topic under a name of its own, with settings such as
    /// `("retention.ms", "1000")`. The in-process broker ignores the settings.
    pub async fn create_topic_with(&self, partitions: i32, settings: &[(&str, &str)]) -> Topic {
        let topic = Topic::unmade(self.bootstrap(), partitions);
        self.make(topic, settings).await
    }

    /// Makes an empty topic under this name.
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
