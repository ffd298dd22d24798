//! Sends all metrics of a snapshot, again and again, until the service stops.

use std::sync::Arc;
use std::time::Duration;

use prost::Message;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tonic::Status;

use super::counts::{Counts, add};
use super::failures::Failures;
use super::messages::{
    EXPORT_METRICS, ExportMetricsServiceRequest, Metric, ResourceMetrics, ScopeMetrics,
};
use super::resource::{Origin, scope};
use super::sender::{Sender, shown};
use super::stop::until_true;
use crate::stats::TakeSnapshot;
use crate::telemetry::metrics::data_points;

/// Collectors take messages of 4 MiB. One that is larger than this has a single metric.
const MESSAGE_BYTES: usize = 1 << 20;

/// Sends metrics.
pub(super) struct MetricExporter {
    pub(super) sender: Sender,
    pub(super) origin: Arc<Origin>,
    pub(super) counts: Arc<Counts>,
    pub(super) interval: Duration,
    pub(super) take_snapshot: TakeSnapshot,
    pub(super) failures: Failures,
}

impl MetricExporter {
    /// Sends metrics until `stopping` is true, and then the last ones.
    pub(super) async fn run(mut self, stopping: watch::Receiver<bool>) {
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_stopping = tokio::select! {
                biased;
                () = until_true(stopping.clone()) => true,
                _ = ticks.tick() => false,
            };
            self.send_snapshot().await;
            if is_stopping {
                return;
            }
        }
    }

    /// What is not taken is not sent again: the next snapshot says more.
    async fn send_snapshot(&mut self) {
        let metrics = data_points(&(self.take_snapshot)());
        match self.send(metrics).await {
            Ok(()) => {
                add(&self.counts.sent_metrics, 1);
                self.failures.log_taken();
            }
            Err(why) => {
                add(&self.counts.failed_metrics, 1);
                self.failures.log_lost(&why, 1);
            }
        }
    }

    async fn send(&self, metrics: Vec<Metric>) -> Result<(), String> {
        for metrics in messages(metrics) {
            let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics }];
            let resource = Some(self.origin.resource.clone());
            let resource_metrics = vec![ResourceMetrics { resource, scope_metrics }];
            let request = ExportMetricsServiceRequest { resource_metrics };
            let sent = self.sender.send(EXPORT_METRICS, request).await;
            let answer = sent.map_err(|status: Status| shown(status.message()))?;
            let partial = answer.partial_success.unwrap_or_default();
            if partial.rejected > 0 {
                return Err(shown(&partial.error_message));
            }
        }
        Ok(())
    }
}

/// The metrics of each message.
fn messages(metrics: Vec<Metric>) -> Vec<Vec<Metric>> {
    let (mut messages, mut bytes) = (Vec::<Vec<Metric>>::new(), 0);
    for metric in metrics {
        let metric_bytes = metric.encoded_len();
        match messages.last_mut() {
            Some(last) if bytes + metric_bytes <= MESSAGE_BYTES => {
                bytes += metric_bytes;
                last.push(metric);
            }
            _ => {
                bytes = metric_bytes;
                messages.push(vec![metric]);
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_metrics_go_in_several_messages_and_none_is_lost() {
        let metric = |description: usize| Metric {
            description: "x".repeat(description),
            ..Metric::default()
        };
        let sizes = [1, 600 << 10, 500 << 10, 3 << 20, 1];
        let sent = messages(sizes.map(metric).into());
        let found: Vec<_> = sent.iter().map(Vec::len).collect();
        assert_eq!(found, [2, 1, 1, 1]);
    }
}
