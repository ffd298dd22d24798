//! Sends traces and metrics to a collector, by OTLP over gRPC.
//!
//! ```text
//! rpc -> trace::Tracer -> queue -> TraceExporter  \
//!                                                  Sender -> the collector
//! TakeSnapshot -> metrics -> MetricExporter       /
//! ```
//!
//! It runs beside everything else: what it cannot send is dropped and counted, and nobody waits for it.

mod counts;
mod failures;
pub mod messages;
mod metrics;
mod resource;
mod sender;
mod spans;
mod stop;
mod traces;

use std::sync::Arc;

use tokio::sync::watch;

use crate::config;
use crate::stats::TakeSnapshot;
use crate::trace::Tracer;
use counts::Counts;
pub use counts::ExportReader;
use failures::Failures;
use metrics::MetricExporter;
use resource::Origin;
use sender::Sender;
use traces::TraceExporter;

/// The most that messages take that are being sent: a batch of spans, and all metrics.
const MESSAGE_BYTES: u64 = 4 << 20;

/// The exporter of one service. It sends once it runs.
#[derive(Debug)]
pub struct Exporter {
    config: config::Otlp,
    sender: Sender,
    tracer: Tracer,
    counts: Arc<Counts>,
}

/// The most that it takes, in bytes.
pub fn bytes(config: Option<&config::Otlp>) -> u64 {
    config.map_or(0, |config| config.queue.as_u64() + MESSAGE_BYTES)
}

impl Exporter {
    /// An exporter with this configuration. Has to be called within a runtime, whose tasks keep the
    /// connection.
    ///
    /// # Errors
    ///
    /// When the endpoint or a file is of no use.
    pub fn new(config: &config::Otlp) -> Result<Self, String> {
        Ok(Self {
            sender: Sender::new(config)?,
            tracer: Tracer::new(config.sample_ratio.threshold(), config.queue.as_u64()),
            counts: Arc::default(),
            config: config.clone(),
        })
    }

    /// What samples calls, and takes their spans.
    pub fn tracer(&self) -> Tracer {
        self.tracer.clone()
    }

    /// What reads how much was sent.
    pub fn reader(&self) -> ExportReader {
        ExportReader { counts: Arc::clone(&self.counts), tracer: self.tracer.clone() }
    }

    /// Sends until `stopping` is true, and then what is left. `tables` are the names of the tables,
    /// in the order of the configuration.
    pub async fn run(
        self,
        tables: Vec<String>,
        take_snapshot: TakeSnapshot,
        stopping: watch::Receiver<bool>,
    ) {
        let Self { config, sender, tracer, counts } = self;
        let origin = Arc::new(Origin::new(&config, tables));
        let metrics = config.metrics_interval.map(|interval| MetricExporter {
            sender: sender.clone(),
            origin: Arc::clone(&origin),
            counts: Arc::clone(&counts),
            interval,
            take_snapshot,
            failures: Failures::new(&config.endpoint, "metrics"),
        });
        let traces = TraceExporter {
            sender,
            origin,
            tracer,
            counts,
            interval: config.batch_interval,
            failures: Failures::new(&config.endpoint, "spans"),
            logged_full: 0,
        };
        let metrics = async {
            if let Some(metrics) = metrics {
                metrics.run(stopping.clone()).await;
            }
        };
        tokio::join!(traces.run(stopping.clone()), metrics);
    }
}
