//! Writes metrics of the catalogue, each with its samples, in whatever format a scrape asks for.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{
    CounterValueEncoder, DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue,
    GaugeValueEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry;

use super::metric::{Kind, Metric, Unit};
use crate::record::Timestamp;
use crate::stats::{DURATION_BOUNDS, DurationCounts};

/// Writes metrics, one after the other.
pub(super) struct Writer<'e>(DescriptorEncoder<'e>);

/// Writes the samples of one metric.
pub(super) struct Samples<'e, const LABELS: usize> {
    encoder: MetricEncoder<'e>,
    kind: Kind,
    labels: [&'static str; LABELS],
}

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Real(f64),
}

impl<'e> Writer<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// Writes a metric and the samples that `write` gives.
    pub(super) fn family<const LABELS: usize>(
        &mut self,
        metric: &Metric<LABELS>,
        write: impl FnOnce(&mut Samples<'_, LABELS>) -> fmt::Result,
    ) -> fmt::Result {
        let (name, unit) = metric.description.parts();
        let unit = unit.map(|unit| match unit {
            Unit::Bytes => registry::Unit::Bytes,
            Unit::Seconds => registry::Unit::Seconds,
        });
        let kind = metric.description.kind;
        let metric_type = match kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
            Kind::Info => MetricType::Info,
        };
        let help = metric.description.help;
        let encoder = self.0.encode_descriptor(name, help, unit.as_ref(), metric_type)?;
        write(&mut Samples { encoder, kind, labels: metric.labels })
    }

    /// Writes a metric without labels.
    pub(super) fn single(&mut self, metric: &Metric<0>, value: impl Into<Value>) -> fmt::Result {
        self.family(metric, |samples| samples.put([], value))
    }

    /// Writes a metric with one sample for each of these values of its label.
    pub(super) fn each<V: Into<Value>>(
        &mut self,
        metric: &Metric<1>,
        samples: impl IntoIterator<Item = (&'static str, V)>,
    ) -> fmt::Result {
        self.family(metric, |written| {
            samples.into_iter().try_for_each(|(label, value)| written.put([label], value))
        })
    }
}

impl<const LABELS: usize> Samples<'_, LABELS> {
    /// Writes one sample. A metric of text has its text in the labels, and no value.
    pub(super) fn put(&mut self, labels: [&str; LABELS], value: impl Into<Value>) -> fmt::Result {
        let labels = self.labelled(labels);
        if self.kind == Kind::Info {
            return self.encoder.encode_info(&labels);
        }
        let value = value.into();
        let mut encoder = self.encoder.encode_family(&labels)?;
        match self.kind {
            Kind::Counter => encoder.encode_counter::<NoLabelSet, _, f64>(&value, None),
            Kind::Gauge | Kind::Info | Kind::Histogram => encoder.encode_gauge(&value),
        }
    }

    /// Writes the buckets, the sum and the count of these durations.
    pub(super) fn put_durations(
        &mut self,
        labels: [&str; LABELS],
        durations: &DurationCounts,
    ) -> fmt::Result {
        let labels = self.labelled(labels);
        let bounds = DURATION_BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(durations.counts).collect();
        let sum = durations.sum.as_secs_f64();
        let mut encoder = self.encoder.encode_family(&labels)?;
        encoder.encode_histogram::<NoLabelSet>(sum, durations.total(), &buckets, None)
    }

    fn labelled<'v>(&self, values: [&'v str; LABELS]) -> [(&'static str, &'v str); LABELS] {
        std::array::from_fn(|index| (self.labels[index], values[index]))
    }
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
