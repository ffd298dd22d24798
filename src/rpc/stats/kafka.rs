//! Converts the state of the brokers to `KafkaStats`.

use crate::proto::v1 as wire;
use crate::rpc::convert::to_timestamp;
use crate::stats::{BrokerFault, BrokerState, BrokerStats, KafkaStats};

impl From<KafkaStats> for wire::KafkaStats {
    fn from(kafka: KafkaStats) -> Self {
        Self {
            outage_start_time: kafka.outage_start_time.map(to_timestamp),
            brokers: kafka.brokers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<BrokerStats> for wire::BrokerStats {
    fn from(broker: BrokerStats) -> Self {
        let state = match broker.state {
            BrokerState::Unused => wire::BrokerState::Unused,
            BrokerState::Disconnected => wire::BrokerState::Disconnected,
            BrokerState::Connecting => wire::BrokerState::Connecting,
            BrokerState::Connected => wire::BrokerState::Connected,
        };
        Self {
            address: broker.address,
            id: broker.id,
            state: state.into(),
            last_fault: broker.last_fault.map(Into::into),
        }
    }
}

impl From<BrokerFault> for wire::BrokerFault {
    fn from(fault: BrokerFault) -> Self {
        Self {
            reason: fault.reason,
            look_at: fault.look_at.to_owned(),
            time: Some(to_timestamp(fault.time)),
        }
    }
}
