//! The Kafka part of `millpond stats`: the brokers, and why one is not connected.

use std::fmt::Write as _;

use crate::cli::colour::Paint;
use crate::proto::v1::{BrokerState, BrokerStats, KafkaStats};

/// The brokers' states, and an outage.
pub(in crate::cli) fn kafka_text(kafka: &KafkaStats, paint: Paint) -> String {
    let mut text = "\nkafka\n".to_owned();
    if let Some(since) = &kafka.outage_start_time {
        let _ = writeln!(
            text,
            "  {}: the tables are served as they are",
            paint.bad(&format!("NO ANSWER since {since}"))
        );
    }
    if kafka.brokers.is_empty() {
        text.push_str("  no broker is known yet\n");
    }
    kafka.brokers.iter().for_each(|broker| text.push_str(&broker_text(broker, paint)));
    text
}

fn broker_text(broker: &BrokerStats, paint: Paint) -> String {
    let name = match broker.id {
        Some(id) => format!("broker {id} at {}", broker.address),
        None => format!("{} of kafka.brokers", broker.address),
    };
    let state = state_text(broker.state());
    let state = match broker.state() {
        BrokerState::Connected => paint.good(state),
        BrokerState::Disconnected => paint.bad(state),
        _ => state.to_owned(),
    };
    let mut text = format!("  {name}: {state}\n");
    if let Some(fault) = &broker.last_fault {
        let time = fault.time.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "    last fault at {time}: {}", fault.reason);
        if broker.state() != BrokerState::Connected {
            let _ = writeln!(text, "    look at {}", fault.look_at);
        }
    }
    text
}

fn state_text(state: BrokerState) -> &'static str {
    match state {
        BrokerState::Connected => "connected",
        BrokerState::Connecting => "connecting",
        BrokerState::Disconnected => "not connected",
        BrokerState::Unused => "not needed so far",
        BrokerState::Unspecified => "in an unknown state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::BrokerFault;

    fn broker(state: BrokerState) -> BrokerStats {
        let last_fault = Some(BrokerFault {
            reason: "Connection refused".into(),
            look_at: "kafka.brokers".into(),
            time: None,
        });
        BrokerStats { address: "kafka:9092".into(), id: Some(1), state: state.into(), last_fault }
    }

    #[test]
    fn a_broker_that_is_away_is_listed_with_its_reason_and_the_setting_to_look_at() {
        let brokers = vec![broker(BrokerState::Disconnected)];
        let text = kafka_text(&KafkaStats { brokers, ..KafkaStats::default() }, Paint::Plain);
        assert!(text.contains("broker 1 at kafka:9092: not connected"), "{text}");
        assert!(text.contains("Connection refused") && text.contains("look at kafka.brokers"));
        let text = broker_text(&broker(BrokerState::Connected), Paint::Plain);
        assert!(text.contains("Connection refused") && !text.contains("look at"), "{text}");
    }
}
