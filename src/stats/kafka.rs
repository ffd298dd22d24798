//! The Kafka cluster of a snapshot, as the clients see it.

use crate::record::Timestamp;

/// The brokers, and whether they answer.
#[derive(Debug, Clone, Default)]
pub struct KafkaStats {
    /// Since when some client has had no broker that answers; none while each has one.
    pub outage_start_time: Option<Timestamp>,
    /// The brokers, by their id; before them addresses of the configuration that are no broker's.
    pub brokers: Vec<BrokerStats>,
}

/// One broker.
#[derive(Debug, Clone)]
pub struct BrokerStats {
    /// Its address, as `host:port`.
    pub address: String,
    /// Its id; none for an address of the configuration.
    pub id: Option<i32>,
    /// Whether any client is connected to it.
    pub state: BrokerState,
    /// Why a connection to it failed or ended last.
    pub last_fault: Option<BrokerFault>,
}

/// The state of the best connection to a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BrokerState {
    /// No connection was needed yet.
    Unused,
    /// The connection was closed, or could not be made.
    Disconnected,
    /// The connection is being made.
    Connecting,
    /// The broker is connected.
    Connected,
}

/// Why a connection failed or ended.
#[derive(Debug, Clone)]
pub struct BrokerFault {
    /// librdkafka's reason.
    pub reason: String,
    /// Which setting to look at.
    pub look_at: &'static str,
    /// When it was seen last.
    pub time: Timestamp,
}
