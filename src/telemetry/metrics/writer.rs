//! Writes metrics of the catalogue, each with its samples: as text in whatever format a scrape asks
//! for, or as the data points of OTLP.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry;

use super::metric::{Kind, Metric, Unit};
use super::points::Points;
use super::value::Value;
use crate::stats::{DURATION_BOUNDS, DurationCounts, MethodStats};

/// Writes metrics, one after the other.
pub(super) enum Writer<'e> {
    /// As text.
    Text(DescriptorEncoder<'e>),
    /// As data points.
    Points(&'e mut Points),
}

/// Writes the samples of one metric.
pub(super) struct Samples<'e, const LABELS: usize> {
    sink: Sink<'e>,
    kind: Kind,
    labels: [&'static str; LABELS],
}

/// Where the samples of one metric go.
enum Sink<'e> {
    Text(MetricEncoder<'e>),
    Points(&'e mut Points),
}

impl Writer<'_> {
    /// Writes a metric and the samples that `write` gives.
    pub(super) fn family<const LABELS: usize>(
        &mut self,
        metric: &Metric<LABELS>,
        write: impl FnOnce(&mut Samples<'_, LABELS>) -> fmt::Result,
    ) -> fmt::Result {
        let unit = text_unit(metric);
        let sink = match self {
            Self::Text(encoder) => Sink::Text(begin_text(encoder, metric, unit.as_ref())?),
            Self::Points(points) => {
                points.begin(&metric.description);
                Sink::Points(points)
            }
        };
        write(&mut Samples { sink, kind: metric.description.kind, labels: metric.labels })
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

fn text_unit<const LABELS: usize>(metric: &Metric<LABELS>) -> Option<registry::Unit> {
    let (_, unit) = metric.description.parts();
    unit.map(|unit| match unit {
        Unit::Bytes => registry::Unit::Bytes,
        Unit::Seconds => registry::Unit::Seconds,
    })
}

/// Writes what precedes the samples of a metric.
fn begin_text<'e, const LABELS: usize>(
    encoder: &'e mut DescriptorEncoder<'_>,
    metric: &Metric<LABELS>,
    unit: Option<&'e registry::Unit>,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    let (name, _) = metric.description.parts();
    let metric_type = match metric.description.kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
        Kind::Info => MetricType::Info,
    };
    encoder.encode_descriptor(name, metric.description.help, unit, metric_type)
}

impl<const LABELS: usize> Samples<'_, LABELS> {
    /// Writes one sample. A metric of text has its text in the labels, and no value but 1.
    pub(super) fn put(&mut self, labels: [&str; LABELS], value: impl Into<Value>) -> fmt::Result {
        let labels = self.labelled(labels);
        let (kind, value) = (self.kind, value.into());
        let encoder = match &mut self.sink {
            Sink::Text(encoder) => encoder,
            Sink::Points(points) => {
                points.add(&labels, value);
                return Ok(());
            }
        };
        if kind == Kind::Info {
            return encoder.encode_info(&labels);
        }
        let mut encoder = encoder.encode_family(&labels)?;
        match kind {
            Kind::Counter => encoder.encode_counter::<NoLabelSet, _, f64>(&value, None),
            Kind::Gauge | Kind::Info | Kind::Histogram => encoder.encode_gauge(&value),
        }
    }

    /// Writes the buckets, the sum and the count of the durations of a method.
    pub(super) fn put_durations(
        &mut self,
        labels: [&str; LABELS],
        method: &MethodStats,
    ) -> fmt::Result {
        let labels = self.labelled(labels);
        let durations = &method.durations;
        match &mut self.sink {
            Sink::Text(encoder) => put_text(encoder, &labels, durations),
            Sink::Points(points) => {
                points.add_durations(&labels, durations, &method.exemplars);
                Ok(())
            }
        }
    }

    fn labelled<'v>(&self, values: [&'v str; LABELS]) -> [(&'static str, &'v str); LABELS] {
        std::array::from_fn(|index| (self.labels[index], values[index]))
    }
}

fn put_text<const LABELS: usize>(
    encoder: &mut MetricEncoder<'_>,
    labels: &[(&'static str, &str); LABELS],
    durations: &DurationCounts,
) -> fmt::Result {
    let bounds = DURATION_BOUNDS.iter().map(Duration::as_secs_f64).chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(durations.counts).collect();
    let sum = durations.sum.as_secs_f64();
    let mut encoder = encoder.encode_family(labels)?;
    encoder.encode_histogram::<NoLabelSet>(sum, durations.total(), &buckets, None)
}
