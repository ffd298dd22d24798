//! The value of a sample, in whatever format it is written.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{
    CounterValueEncoder, EncodeCounterValue, EncodeGaugeValue, GaugeValueEncoder,
};

use crate::record::Timestamp;

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Real(f64),
}

impl EncodeGaugeValue for Value {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(value) => EncodeGaugeValue::encode(value, encoder),
            Self::Signed(value) => EncodeGaugeValue::encode(value, encoder),
            Self::Real(value) => EncodeGaugeValue::encode(value, encoder),
        }
    }
}

impl EncodeCounterValue for Value {
    fn encode(&self, encoder: &mut CounterValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Unsigned(value) => EncodeCounterValue::encode(value, encoder),
            Self::Signed(value) => {
                EncodeCounterValue::encode(&u64::try_from(*value).unwrap_or_default(), encoder)
            }
            Self::Real(value) => EncodeCounterValue::encode(value, encoder),
        }
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Signed(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Unsigned(value.into())
    }
}

/// In seconds.
impl From<Duration> for Value {
    fn from(value: Duration) -> Self {
        Self::Real(value.as_secs_f64())
    }
}

/// In seconds. A duration that is not known yet is infinite, so that it is above every threshold.
impl From<Option<Duration>> for Value {
    fn from(value: Option<Duration>) -> Self {
        value.map_or(Self::Real(f64::INFINITY), Into::into)
    }
}

/// In seconds since 1970.
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        seconds_of_millis(value.as_millis())
    }
}

/// Milliseconds, in seconds.
pub(super) fn seconds_of_millis(millis: i64) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "exact for 285,000 years")]
    let millis = millis as f64;
    Value::Real(millis / 1_000.0)
}
