//! The metrics of the service, from one snapshot, as text for Prometheus or in `OpenMetrics`.
//!
//! ```text
//! stats::Snapshot -> the files beside this one, one for each subject -> Writer -> text
//! ```
//!
//! `catalogue.rs` has every name, kind, label and explanation. Nothing is counted here: figures come
//! from the snapshot, so all surfaces show the same. What is sent by OTLP is written by the same files:
//!
//! ```text
//! stats::Snapshot -> the same files -> Writer -> Points -> the messages of telemetry::otlp
//! ```

pub mod catalogue;
mod exemplars;
mod export;
mod kafka;
mod memory;
mod metric;
mod points;
mod process;
mod records;
mod rpc;
mod tables;
mod tls;
mod value;
mod writer;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text, text};
use prometheus_client::registry::Registry;

pub use metric::{Description, Kind};

use super::otlp::messages;
use crate::stats::Snapshot;
use points::Points;
use writer::Writer;

/// The format of an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own text.
    Prometheus,
    /// `OpenMetrics` 1.0, as text.
    OpenMetrics,
}

impl Format {
    /// The format that a client prefers, by its `Accept` header. Without one it is Prometheus' text.
    pub fn accepted(accept: &str) -> Self {
        let mut best = (0.0, Self::Prometheus);
        for part in accept.split(',') {
            let mut parameters = part.split(';').map(str::trim);
            let media_type = parameters.next().unwrap_or_default();
            let quality = parameters.find_map(|parameter| parameter.strip_prefix("q="));
            let quality = quality.map_or(1.0, |quality| quality.parse().unwrap_or_default());
            let format = match media_type {
                "application/openmetrics-text" => Self::OpenMetrics,
                "text/plain" | "text/*" | "*/*" => Self::Prometheus,
                _ => continue,
            };
            if quality > best.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The media type of the text.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics of a snapshot.
///
/// # Errors
///
/// None: writing to a string does not fail, but the encoders say that it may.
pub fn exposition(snapshot: &Arc<Snapshot>, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(SnapshotCollector(Arc::clone(snapshot))));
    let mut written = String::new();
    match format {
        Format::Prometheus => prometheus_text::encode(&mut written, &registry)?,
        Format::OpenMetrics => {
            text::encode(&mut written, &registry)?;
            written = exemplars::add(written, &snapshot.rpc.calls);
        }
    }
    Ok(written)
}

/// All metrics of a snapshot, as OTLP has them. A metric without a series is left out.
pub fn data_points(snapshot: &Snapshot) -> Vec<messages::Metric> {
    let mut points = Points::of(snapshot);
    // Collecting does not fail.
    let _ = write(&mut Writer::Points(&mut points), snapshot);
    points.finish()
}

/// Writes the figures of one snapshot.
#[derive(Debug)]
struct SnapshotCollector(Arc<Snapshot>);

impl Collector for SnapshotCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        write(&mut Writer::Text(encoder), &self.0)
    }
}

fn write(writer: &mut Writer<'_>, snapshot: &Snapshot) -> fmt::Result {
    process::write(writer, snapshot)?;
    memory::write(writer, &snapshot.memory)?;
    tables::write(writer, snapshot)?;
    records::write(writer, snapshot)?;
    kafka::write(writer, snapshot)?;
    rpc::write(writer, &snapshot.rpc)?;
    tls::write(writer, snapshot)?;
    export::write(writer, &snapshot.export)
}

#[cfg(test)]
mod tests;
