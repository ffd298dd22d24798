//! What all groups share: the cores of the machine, a broker, and servers to measure.

use std::env;
use std::ops::Deref;
use std::time::Duration;

use anyhow::bail;
use millpond_acceptance::report::say;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use crate::args::{Args, Group};
use crate::capacity;
use crate::cores::Cores;
use crate::peers::{BuiltPeer, Peer};
use crate::text_server::Protocol;
use millpond_acceptance::kafka;
use millpond_benches::setup::Setup;
use millpond_benches::shape::Shape;
use millpond_benches::topic::Topic;
use millpond_benches::workload::Pointers;

pub(crate) struct Stage<'a> {
    pub(crate) args: &'a Args,
    pub(crate) cores: Cores,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) peers: Vec<BuiltPeer>,
    pub(crate) skipped: Vec<String>,
    broker: Option<&'static str>,
}

/// A topic that is deleted on drop.
pub(crate) struct OwnTopic {
    topic: Topic,
    broker: &'static str,
}

impl<'a> Stage<'a> {
    pub(crate) fn set(args: &'a Args) -> anyhow::Result<Self> {
        let mut stage = Self {
            args,
            cores: Cores::find()?,
            protocols: Vec::new(),
            peers: Vec::new(),
            skipped: Vec::new(),
            broker: None,
        };
        for protocol in Protocol::ALL {
            stage.add_protocol(protocol)?;
        }
        // Only this group measures them, and a build takes long.
        let is_wanted = args.only.contains(&Group::Ingest);
        for peer in args.peers().into_iter().filter(|_| is_wanted) {
            stage.add_peer(peer)?;
        }
        Ok(stage)
    }

    fn add_protocol(&mut self, protocol: Protocol) -> anyhow::Result<()> {
        match protocol.version() {
            Ok(_) => self.protocols.push(protocol),
            Err(error) => self.skipped.push(skip(
                protocol.name(),
                &format!("{error:#}; as root, run apt-get install {}", protocol.program()),
            )?),
        }
        Ok(())
    }

    fn add_peer(&mut self, peer: Peer) -> anyhow::Result<()> {
        match peer.build() {
            Ok(built) => self.peers.push(built),
            Err(error) => self.skipped.push(skip(peer.name(), &format!("{error:#}"))?),
        }
        Ok(())
    }

    /// Starts a broker at the first call. None if there cannot be one.
    pub(crate) fn broker(&mut self, group: &str) -> Option<&'static str> {
        self.broker = self.broker.or_else(|| kafka::require(group));
        if self.broker.is_none() {
            self.skipped.push(format!("{group}: there is no Kafka broker"));
        }
        self.broker
    }

    /// How long memory must be steady.
    pub(crate) fn settle(&self) -> Duration {
        self.args.sized(Duration::from_secs(3), Duration::from_millis(200))
    }
}

/// Notes that a group is skipped, or fails if nothing may be skipped.
fn skip(what: &str, why: &str) -> anyhow::Result<String> {
    if env::var("MILLPOND_REQUIRE_ALL").is_ok_and(|value| value == "1") {
        bail!("{what} is required, and {why}, or unset MILLPOND_REQUIRE_ALL to skip it");
    }
    let skipped = format!("{what}: {why}");
    say(&format!("SKIPPED {skipped}"));
    Ok(skipped)
}

impl OwnTopic {
    pub(crate) fn create(
        broker: &'static str,
        what: &str,
        partitions: i32,
    ) -> anyhow::Result<Self> {
        let name = format!("compare-{}-{what}", std::process::id());
        Ok(Self { topic: Topic::create(broker, name, partitions)?, broker })
    }

    /// Settings of a millpond fed by the topic: all cores, and one table with capacity for this
    /// many entries.
    pub(crate) fn setup<'s>(&'s self, store: &'s str, entries: u64, shape: Shape) -> Setup<'s> {
        Setup {
            broker: self.broker,
            topic: &self.topic.name,
            pointers: Pointers::MADE_UP,
            store,
            tables: 1,
            capacity_bytes: capacity::of_table(entries, shape),
            threads: 2,
            container_bytes: None,
            core: None,
        }
    }

    fn delete(&self) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", self.broker).create()?;
        let names = [self.topic.name.as_str()];
        let options = AdminOptions::new();
        let deleted = admin.delete_topics(&names, &options);
        tokio::runtime::Runtime::new()?.block_on(deleted)?;
        Ok(())
    }
}

impl Deref for OwnTopic {
    type Target = Topic;

    fn deref(&self) -> &Topic {
        &self.topic
    }
}

impl Drop for OwnTopic {
    fn drop(&mut self) {
        // If this fails, the topic is removed together with the broker.
        let _ = self.delete();
    }
}
