//! One face over both brokers that tests run against: librdkafka's in-process one and a real
//! Kafka.
//!
//! Owns the registration of a behaviour over each, and making topics. It must not know millpond.
//! What the in-process broker can not do (find offsets by time, heed topic settings) is tested
//! with `kafka.rs` alone.

#[path = "broker/change.rs"]
mod change;
#[path = "broker/topic.rs"]
mod topic;

use std::fmt::Display;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::runtime::Builder;

use super::kafka;
pub(crate) use topic::{Message, Topic};

/// For a broker on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Registers async functions that take a `&Broker` as tests, each once over the in-process
/// broker and once over a real one: `in_process::NAME` and `real::NAME`.
macro_rules! on_each_broker {
    ($($behaviour:ident),+ $(,)?) => {
        mod in_process {
            $(#[test]
            fn $behaviour() {
                $crate::support::broker::in_process(super::$behaviour);
            })+
        }
        mod real {
            $(#[test]
            fn $behaviour() {
                let test = concat!(module_path!(), "::", stringify!($behaviour));
                $crate::support::broker::real(test, super::$behaviour);
            })+
        }
    };
}
pub(crate) use on_each_broker;

/// A broker to make topics on.
pub(crate) enum Broker {
    /// One of this test's own.
    InProcess(MockCluster<'static, DefaultProducerContext>),
    /// A real one, shared or not, by its address (`host:port`).
    Real(String),
}

/// Runs `behaviour` over an in-process broker.
pub(crate) fn in_process(behaviour: impl AsyncFnOnce(&Broker)) {
    let broker = Broker::in_process();
    block_on(behaviour(&broker));
}

/// Runs `behaviour` over the shared real broker; where there is none, says that `test` is
/// skipped.
pub(crate) fn real(test: &str, behaviour: impl AsyncFnOnce(&Broker)) {
    let Some(bootstrap) = kafka::require(test) else { return };
    let broker = Broker::Real(bootstrap.to_owned());
    block_on(behaviour(&broker));
}

/// Runs a future as the tests of a behaviour do: beside two worker threads.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap_or_else(failed("no runtime")).block_on(future)
}

impl Broker {
    /// An in-process broker, which ends when it is dropped.
    pub(crate) fn in_process() -> Self {
        Self::InProcess(MockCluster::new(1).unwrap_or_else(failed("no in-process broker")))
    }

    /// Where clients connect: `host:port`.
    pub(crate) fn bootstrap(&self) -> String {
        match self {
            Self::InProcess(cluster) => cluster.bootstrap_servers(),
            Self::Real(bootstrap) => bootstrap.clone(),
        }
    }

    /// Makes an empty topic under a name of its own.
    pub(crate) async fn create_topic(&self, partitions: i32) -> Topic {
        self.create_topic_with(partitions, &[]).await
    }

    /// Makes an empty topic under a name of its own, with settings such as
    /// `("retention.ms", "1000")`. The in-process broker ignores the settings.
    pub(crate) async fn create_topic_with(
        &self,
        partitions: i32,
        settings: &[(&str, &str)],
    ) -> Topic {
        let topic = Topic::unmade(self.bootstrap(), partitions);
        self.make(topic, settings).await
    }

    /// Makes an empty topic under this name.
    pub(crate) async fn create_named(&self, name: &str, partitions: i32) -> Topic {
        let unnamed = Topic::unmade(self.bootstrap(), partitions);
        self.make(Topic { name: name.to_owned(), ..unnamed }, &[]).await
    }

    async fn make(&self, topic: Topic, settings: &[(&str, &str)]) -> Topic {
        let partitions = topic.partitions;
        match self {
            Self::InProcess(cluster) => cluster
                .create_topic(&topic.name, partitions, 1)
                .unwrap_or_else(failed("the topic could not be made")),
            Self::Real(bootstrap) => create_real_topic(bootstrap, &topic, settings).await,
        }
        topic
    }
}

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .unwrap_or_else(failed("no admin client"))
}

async fn create_real_topic(bootstrap: &str, topic: &Topic, settings: &[(&str, &str)]) {
    let admin = admin(bootstrap);
    let mut request = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(1));
    request.config = settings.to_vec();
    let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
    let made = admin.create_topics([&request], &options).await;
    for outcome in made.unwrap_or_else(failed("the topic could not be made")) {
        outcome.map_err(|(_, error)| error).unwrap_or_else(failed("the topic could not be made"));
    }
}

/// For `unwrap_or_else`: ends the test with `what` and the error.
fn failed<E: Display, T>(what: &str) -> impl FnOnce(E) -> T {
    move |error| fail(&format!("{what}: {error}"))
}

#[expect(clippy::panic, reason = "how a test fails")]
fn fail(why: &str) -> ! {
    panic!("{why}")
}
