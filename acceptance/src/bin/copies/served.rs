//! Starts millpond on a new topic, and waits until it is ready.

use std::net::SocketAddr;

use anyhow::Context;
use millpond_acceptance::caller::Caller;
use millpond_acceptance::served::Served;
use millpond_acceptance::{kafka, topics};

pub(crate) const TABLE: &str = "changing";
const PARTITIONS: i32 = 4;

/// A service, its broker and its topic.
pub(crate) struct Scene {
    pub(crate) served: Served,
    pub(crate) broker: &'static str,
    pub(crate) topic: String,
}

impl Scene {
    pub(crate) fn set(name: &str) -> anyhow::Result<Self> {
        let broker = kafka::require(name).with_context(|| format!("{name} needs a broker"))?;
        let topic = format!("{name}-{}", std::process::id());
        topics::create_blocking(broker, &topic, PARTITIONS, &[])?;
        let settings = [
            format!("kafka.brokers={broker}"),
            "memory.limit=2GiB".into(),
            format!("tables.0.topic={topic}"),
            format!("tables.0.name={TABLE}"),
            "tables.0.key=/id".into(),
            "tables.0.fields.number=/number".into(),
            "tables.0.ttl=1h".into(),
            "rpc.listen=127.0.0.1:0".into(),
            "admin.listen=127.0.0.1:0".into(),
        ];
        let served = Served::start_release(&settings, &format!("{name}.log"))?;
        Ok(Self { served, broker, topic })
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.served.rpc())
    }

    pub(crate) fn caller(&self) -> anyhow::Result<Caller> {
        Ok(Caller::of(self.served.rpc().parse::<SocketAddr>()?))
    }
}
