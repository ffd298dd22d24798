//! The metrics of a snapshot as OTLP has them: the same names, labels and values as in a scrape.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::metric::{Description, Kind, Unit};
use super::value::Value;
use crate::stats::{DURATION_BOUNDS, DurationCounts, Exemplar, Snapshot};
use crate::telemetry::otlp::messages::{
    Data, Exemplar as WireExemplar, Gauge, Histogram, HistogramDataPoint, KeyValue, Metric, Number,
    NumberDataPoint, Sum, Temporality,
};

/// Collects metrics, one after the other.
pub(super) struct Points {
    metrics: Vec<Metric>,
    /// When the service was started and when the snapshot was taken, in nanoseconds since 1970.
    start_nanos: u64,
    time_nanos: u64,
}

impl Points {
    /// None yet, for those of this snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let start_millis = u64::try_from(snapshot.started.as_millis()).unwrap_or(0);
        let start = Duration::from_millis(start_millis);
        let time_nanos = nanos(start.saturating_add(snapshot.uptime));
        Self { metrics: Vec::new(), start_nanos: nanos(start), time_nanos }
    }

    /// Begins a metric.
    pub(super) fn begin(&mut self, description: &Description) {
        let (_, unit) = description.parts();
        let unit = match unit {
            Some(Unit::Bytes) => "By",
            Some(Unit::Seconds) => "s",
            None => "1",
        };
        let temporality = Temporality::Cumulative.into();
        let data = match description.kind {
            Kind::Counter => Data::Sum(Sum {
                data_points: Vec::new(),
                aggregation_temporality: temporality,
                is_monotonic: true,
            }),
            Kind::Gauge | Kind::Info => Data::Gauge(Gauge::default()),
            Kind::Histogram => Data::Histogram(Histogram {
                data_points: Vec::new(),
                aggregation_temporality: temporality,
            }),
        };
        self.metrics.push(Metric {
            name: description.name.into(),
            description: description.help.into(),
            unit: unit.into(),
            data: Some(data),
        });
    }

    /// Adds the value of a series to the metric that was begun last.
    pub(super) fn add(&mut self, labels: &[(&'static str, &str)], value: Value) {
        let point = NumberDataPoint {
            start_time_unix_nano: self.start_nanos,
            time_unix_nano: self.time_nanos,
            value: Some(number(value)),
            attributes: attributes(labels),
        };
        match self.metrics.last_mut().and_then(|metric| metric.data.as_mut()) {
            Some(Data::Sum(sum)) => sum.data_points.push(point),
            Some(Data::Gauge(gauge)) => gauge.data_points.push(point),
            Some(Data::Histogram(_)) | None => {}
        }
    }

    /// Adds the durations of a series to the metric that was begun last.
    pub(super) fn add_durations(
        &mut self,
        labels: &[(&'static str, &str)],
        durations: &DurationCounts,
        exemplars: &[Option<Exemplar>],
    ) {
        let point = HistogramDataPoint {
            start_time_unix_nano: self.start_nanos,
            time_unix_nano: self.time_nanos,
            count: durations.total(),
            sum: Some(durations.sum.as_secs_f64()),
            bucket_counts: durations.counts.into(),
            explicit_bounds: DURATION_BOUNDS.iter().map(Duration::as_secs_f64).collect(),
            exemplars: exemplars.iter().flatten().map(to_exemplar).collect(),
            attributes: attributes(labels),
        };
        let data = self.metrics.last_mut().and_then(|metric| metric.data.as_mut());
        if let Some(Data::Histogram(histogram)) = data {
            histogram.data_points.push(point);
        }
    }

    /// The metrics that have a series.
    pub(super) fn finish(mut self) -> Vec<Metric> {
        self.metrics.retain(|metric| match &metric.data {
            Some(Data::Gauge(gauge)) => !gauge.data_points.is_empty(),
            Some(Data::Sum(sum)) => !sum.data_points.is_empty(),
            Some(Data::Histogram(histogram)) => !histogram.data_points.is_empty(),
            None => false,
        });
        self.metrics
    }
}

fn number(value: Value) -> Number {
    match value {
        Value::Unsigned(value) => Number::AsInt(i64::try_from(value).unwrap_or(i64::MAX)),
        Value::Signed(value) => Number::AsInt(value),
        Value::Real(value) => Number::AsDouble(value),
    }
}

fn attributes(labels: &[(&'static str, &str)]) -> Vec<KeyValue> {
    labels.iter().map(|(name, value)| KeyValue::text(*name, *value)).collect()
}

fn to_exemplar(exemplar: &Exemplar) -> WireExemplar {
    WireExemplar {
        time_unix_nano: nanos(since_1970(exemplar.time)),
        as_double: exemplar.duration.as_secs_f64(),
        span_id: exemplar.span_id.as_bytes().into(),
        trace_id: exemplar.trace_id.as_bytes().into(),
    }
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
